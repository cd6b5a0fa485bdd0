/* SPDX-License-Identifier: MIT */
#include "base/token.h"
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIXTEEN "0123456789abcdef"
#define LONGEST                                                                          \
    SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN      \
        SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static int read_from(const char *text, size_t len, mode_t mode, char *token,
                     int *is_public, struct err *err)
{
    char path[] = "/tmp/test_token.XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq((int)write(fd, text, len), (int)len);
    fchmod(fd, mode);
    close(fd);
    int code = token_read(token, path, is_public, err);
    unlink(path);
    return code;
}

START_TEST(the_first_line_is_the_token)
{
    static const char *const good[] = {SIXTEEN, SIXTEEN "\n", SIXTEEN "\nsecond\n",
                                       LONGEST, LONGEST "\n", "!~" SIXTEEN};
    for (unsigned i = 0; i < COUNT(good); i++) {
        char token[TOKEN_CHARS_MAX + 1];
        struct err err = {0};
        int is_public = 7;
        ck_assert_msg(
            read_from(good[i], strlen(good[i]), 0600, token, &is_public, &err) == LEAT_OK,
            "%s", err.text);
        ck_assert_uint_eq(strlen(token), strcspn(good[i], "\n"));
        ck_assert(strncmp(token, good[i], strlen(token)) == 0 && !is_public);
    }
}
END_TEST

START_TEST(what_is_no_token_is_refused_and_says_what_to_write)
{
    static const char *const bad[] = {"",
                                      "\n",
                                      "short",
                                      "0123456789abcde\n",
                                      "\n" SIXTEEN,
                                      "0123456789 abcdef",
                                      SIXTEEN "\r\n",
                                      SIXTEEN " ",
                                      "0123456789abcd\xc3\xa9",
                                      LONGEST "x",
                                      LONGEST "x\n"};
    for (unsigned i = 0; i < COUNT(bad); i++) {
        char token[TOKEN_CHARS_MAX + 1] = "kept";
        struct err err = {0};
        int is_public;
        ck_assert_msg(read_from(bad[i], strlen(bad[i]), 0600, token, &is_public, &err) ==
                          LEAT_ECONFIG,
                      "%u", i);
        ck_assert_str_eq(token, "kept");
        ck_assert_ptr_nonnull(strstr(err.text, "16 to 256"));
    }
    char token[TOKEN_CHARS_MAX + 1];
    struct err none = {0}, folder = {0};
    int is_public;
    ck_assert_int_eq(read_from(SIXTEEN "\0", 17, 0600, token, &is_public, &none),
                     LEAT_ECONFIG);
    ck_assert_int_eq(token_read(token, "/nowhere/token", &is_public, &folder),
                     LEAT_ECONFIG);
    ck_assert_ptr_nonnull(strstr(folder.text, "/nowhere/token"));
}
END_TEST

START_TEST(a_token_that_others_can_read_is_told)
{
    char token[TOKEN_CHARS_MAX + 1];
    struct err err = {0};
    int is_public = 0;
    ck_assert_int_eq(read_from(SIXTEEN, 16, 0640, token, &is_public, &err), LEAT_OK);
    ck_assert(!is_public);
    ck_assert_int_eq(read_from(SIXTEEN, 16, 0644, token, &is_public, &err), LEAT_OK);
    ck_assert(is_public);
}
END_TEST

SUITE("token", the_first_line_is_the_token,
      what_is_no_token_is_refused_and_says_what_to_write,
      a_token_that_others_can_read_is_told)
