/* SPDX-License-Identifier: MIT */
#include "broker/redis_url.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct redis_url url;

static void read_url(const char *text)
{
    struct err err = {0};
    ck_assert_msg(redis_url_parse(&url, text, &err) == LEAT_OK, "%s: %s", text, err.text);
}

START_TEST(tcp_addresses_are_read_with_all_their_parts)
{
    static const struct {
        const char *text, *host;
        int port, db;
        const char *user, *password;
    } rows[] = {
        {"redis://localhost", "localhost", 6379, 0, "", ""},
        {"redis://localhost/", "localhost", 6379, 0, "", ""},
        {"redis://127.0.0.1:7000", "127.0.0.1", 7000, 0, "", ""},
        {"redis://127.0.0.1:7000/15", "127.0.0.1", 7000, 15, "", ""},
        {"redis://h:65535/0", "h", 65535, 0, "", ""},
        {"redis://[::1]", "::1", 6379, 0, "", ""},
        {"redis://[::1]:7000/2", "::1", 7000, 2, "", ""},
        {"redis://:word@h", "h", 6379, 0, "", "word"},
        {"redis://joe:word@h:7000/1", "h", 7000, 1, "joe", "word"},
        {"redis://joe@h", "h", 6379, 0, "joe", ""},
        {"redis://joe:a:b@h", "h", 6379, 0, "joe", "a:b"},
        {"redis://j%40e:%3a%2F%40@h", "h", 6379, 0, "j@e", ":/@"},
        {"redis://joe:w@rd@h", "h", 6379, 0, "joe", "w@rd"},
        {"redis://joe:word@[fe80::1]:1", "fe80::1", 1, 0, "joe", "word"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        read_url(rows[i].text);
        ck_assert_str_eq(url.host, rows[i].host);
        ck_assert_int_eq(url.port, rows[i].port);
        ck_assert_int_eq(url.db, rows[i].db);
        ck_assert_str_eq(url.user, rows[i].user);
        ck_assert_str_eq(url.password, rows[i].password);
        ck_assert_str_eq(url.path, "");
    }
}
END_TEST

START_TEST(socket_addresses_are_read_with_all_their_parts)
{
    static const struct {
        const char *text, *path;
        int db;
        const char *user, *password;
    } rows[] = {
        {"unix:///run/redis.sock", "/run/redis.sock", 0, "", ""},
        {"unix:/run/redis.sock", "/run/redis.sock", 0, "", ""},
        {"unix:///run/redis.sock?db=3", "/run/redis.sock", 3, "", ""},
        {"unix://:word@/run/redis.sock", "/run/redis.sock", 0, "", "word"},
        {"unix://joe:w%40@/run/redis.sock?db=1", "/run/redis.sock", 1, "joe", "w@"},
        {"unix:///run/a%20b", "/run/a b", 0, "", ""},
        {"unix:///run/user@host/redis.sock", "/run/user@host/redis.sock", 0, "", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        read_url(rows[i].text);
        ck_assert_str_eq(url.path, rows[i].path);
        ck_assert_str_eq(url.host, "");
        ck_assert_int_eq(url.db, rows[i].db);
        ck_assert_str_eq(url.user, rows[i].user);
        ck_assert_str_eq(url.password, rows[i].password);
    }
}
END_TEST

START_TEST(what_is_no_address_is_refused_and_changes_nothing)
{
    static const char *const rows[] = {
        "",
        "localhost",
        "redis:",
        "redis:/",
        "redis://",
        "redis://:7000",
        "redis:///1",
        "redis://h:",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:-1",
        "redis://h:7000x",
        "redis://h:7 0",
        "redis://h/x",
        "redis://h/-1",
        "redis://h/1/2",
        "redis://h/1000001",
        "redis://[::1",
        "redis://[::1]7000",
        "redis://[::1]:",
        "redis://[]",
        "redis://[]:7000",
        "redis://%00",
        "redis://h%0",
        "redis://%zz@h",
        "redis://user@",
        "rediss://h",
        "http://h",
        "REDIS://h",
        "unix:",
        "unix://",
        "unix://run/redis.sock",
        "unix:redis.sock",
        "unix:///run/x?db=",
        "unix:///run/x?db=a",
        "unix:///run/%00",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct redis_url before, after;
        struct err err = {0};
        memset(&before, 'x', sizeof before);
        after = before;
        ck_assert_msg(redis_url_parse(&after, rows[i], &err) == LEAT_EUSAGE, "%s",
                      rows[i]);
        ck_assert_int_eq(memcmp(&before, &after, sizeof after), 0);
        ck_assert_int_eq(err.code, LEAT_EUSAGE);
    }
}
END_TEST

START_TEST(parts_that_are_too_long_are_refused)
{
    char text[1200];
    snprintf(text, sizeof text, "unix:/%0106d", 0);
    read_url(text);
    ck_assert_uint_eq(strlen(url.path), 107);
    snprintf(text, sizeof text, "unix:/%0107d", 0);
    ck_assert_int_eq(redis_url_parse(&url, text, NULL), LEAT_EUSAGE);
    snprintf(text, sizeof text, "redis://%0256d", 0);
    ck_assert_int_eq(redis_url_parse(&url, text, NULL), LEAT_EUSAGE);
    snprintf(text, sizeof text, "redis://%0128d:x@h", 0);
    ck_assert_int_eq(redis_url_parse(&url, text, NULL), LEAT_EUSAGE);
    snprintf(text, sizeof text, "redis://:%0512d@h", 0);
    ck_assert_int_eq(redis_url_parse(&url, text, NULL), LEAT_EUSAGE);
}
END_TEST

START_TEST(a_password_is_never_shown)
{
    struct err err = {0};
    read_url("redis://joe:secret@h:7000/1");
    ck_assert_str_eq(url.shown, "redis://h:7000/1");
    read_url("redis://:secret@[::1]");
    ck_assert_str_eq(url.shown, "redis://[::1]:6379/0");
    read_url("unix://:secret@/run/x");
    ck_assert_str_eq(url.shown, "unix:/run/x");
    redis_url_parse(&url, "redis://joe:secret@h:bad", &err);
    ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

START_TEST(a_flag_goes_before_the_environment_and_that_before_the_default)
{
    unsetenv("LEAT_REDIS");
    unsetenv("REDIS_URL");
    unsetenv("LEAT_REDIS_PASSWORD_FILE");
    ck_assert_int_eq(redis_url_choose(&url, NULL, NULL), LEAT_OK);
    ck_assert_str_eq(url.shown, "redis://127.0.0.1:6379/0");
    setenv("REDIS_URL", "redis://b", 1);
    redis_url_choose(&url, NULL, NULL);
    ck_assert_str_eq(url.host, "b");
    setenv("LEAT_REDIS", "redis://a", 1);
    redis_url_choose(&url, NULL, NULL);
    ck_assert_str_eq(url.host, "a");
    redis_url_choose(&url, "redis://flag", NULL);
    ck_assert_str_eq(url.host, "flag");
    setenv("LEAT_REDIS", "nonsense", 1);
    ck_assert_int_eq(redis_url_choose(&url, NULL, NULL), LEAT_EUSAGE);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(a_password_may_come_from_a_file)
{
    char path[] = "/tmp/leat-test.XXXXXX";
    struct err err = {0};
    close(mkstemp(path));
    setenv("LEAT_REDIS_PASSWORD_FILE", path, 1);
    write_file(path, "wo rd\r\n");
    ck_assert_int_eq(redis_url_choose(&url, "redis://h", NULL), LEAT_OK);
    ck_assert_str_eq(url.password, "wo rd");
    redis_url_choose(&url, "redis://:mine@h", NULL);
    ck_assert_str_eq(url.password, "mine");
    unlink(path);
    ck_assert_int_eq(redis_url_choose(&url, "redis://h", &err), LEAT_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, path));
}
END_TEST

START_TEST(a_file_without_a_password_is_refused)
{
    char path[] = "/tmp/leat-test.XXXXXX", text[sizeof url.password + 1];
    const char *const texts[] = {"", "\n", text};
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    close(mkstemp(path));
    setenv("LEAT_REDIS_PASSWORD_FILE", path, 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        write_file(path, texts[i]);
        ck_assert_int_eq(redis_url_choose(&url, "redis://h", &err), LEAT_ECONFIG);
        ck_assert_ptr_nonnull(strstr(err.text, path));
        ck_assert_str_eq(url.password, "");
    }
    write_file(path, text + 2);
    ck_assert_int_eq(redis_url_choose(&url, "redis://h", NULL), LEAT_OK);
    unlink(path);
}
END_TEST

SUITE("redis_url", tcp_addresses_are_read_with_all_their_parts,
      socket_addresses_are_read_with_all_their_parts,
      what_is_no_address_is_refused_and_changes_nothing,
      parts_that_are_too_long_are_refused, a_password_is_never_shown,
      a_flag_goes_before_the_environment_and_that_before_the_default,
      a_password_may_come_from_a_file, a_file_without_a_password_is_refused)
