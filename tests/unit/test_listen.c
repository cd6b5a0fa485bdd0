/* SPDX-License-Identifier: MIT */
#include "dashboard/listen.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/test_listen.XXXXXX";
static struct sockaddr_un place = {.sun_family = AF_UNIX};
static char unix_address[120];

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(place.sun_path, sizeof place.sun_path, "%s/s", folder);
    snprintf(unix_address, sizeof unix_address, "unix:%s", place.sun_path);
}

static int refusal(const char *address, struct err *err)
{
    struct listen_socket untouched = {.fd = -7};
    *err = (struct err){0};
    ck_assert_int_ne(listen_open(&untouched, address, err), 0);
    ck_assert_int_eq(untouched.fd, -7);
    ck_assert_int_eq(listen_open(&untouched, address, NULL), err->code);
    return err->code;
}

START_TEST(a_bad_address_is_wrong_usage)
{
    static const char *const bad[] = {
        "",
        "8740",
        "localhost",
        ":8740",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:x",
        "[]:1",
        "[::1]",
        "[::1:8740",
        "::1:8740",
        "unix:",
        "[127.0.0.1]:1",
        "example.com:80",
        "127.0.0.1 :1",
    };
    struct err err;
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(refusal(bad[i], &err) == LEAT_EUSAGE, "%s: %s", bad[i], err.text);
    char large[300] = "unix:/";
    memset(large + 6, 'a', sizeof large - 7);
    ck_assert_int_eq(refusal(large, &err), LEAT_EUSAGE);
}
END_TEST

START_TEST(a_port_of_zero_is_resolved)
{
    static const struct {
        const char *address, *host;
        int is_loopback, is_any;
    } rows[] = {
        {"127.0.0.1:0", "127.0.0.1", 1, 0},
        {"localhost:0", "127.0.0.1", 1, 0},
        {"127.8.9.1:0", "127.8.9.1", 1, 0},
        {"0.0.0.0:0", "0.0.0.0", 0, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct listen_socket listening;
        char address[80];
        ck_assert_int_eq(listen_open(&listening, rows[i].address, NULL), 0);
        ck_assert_int_gt(listening.port, 0);
        ck_assert_str_eq(listening.host, rows[i].host);
        snprintf(address, sizeof address, "%s:%d", rows[i].host, listening.port);
        ck_assert_str_eq(listening.address, address);
        ck_assert_int_eq(listening.is_loopback, rows[i].is_loopback);
        ck_assert_int_eq(listening.is_any, rows[i].is_any);
        listen_close(&listening);
    }
}
END_TEST

START_TEST(an_address_in_use_is_named)
{
    struct listen_socket first;
    struct err err;
    ck_assert_int_eq(listen_open(&first, "127.0.0.1:0", NULL), 0);
    ck_assert_int_eq(refusal(first.address, &err), LEAT_EBUSY);
    ck_assert_msg(strstr(err.text, first.address) != NULL, "%s", err.text);
    listen_close(&first);
    ck_assert_int_eq(refusal("192.0.2.1:0", &err), LEAT_ECONFIG);
}
END_TEST

START_TEST(a_unix_socket_is_its_owners_and_goes_away)
{
    struct listen_socket listening;
    struct stat status;
    make_folder();
    umask(0);
    ck_assert_int_eq(listen_open(&listening, unix_address, NULL), 0);
    ck_assert_int_eq(stat(place.sun_path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_str_eq(listening.address, unix_address);
    ck_assert_int_eq(listening.port, 0);
    ck_assert(listening.is_loopback);
    listen_close(&listening);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_stale_unix_socket_is_replaced_and_a_live_one_is_not)
{
    struct listen_socket listening;
    struct err err;
    make_folder();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&place, sizeof place), 0);
    close(fd);
    ck_assert_int_eq(listen_open(&listening, unix_address, NULL), 0);
    ck_assert_int_eq(refusal(unix_address, &err), LEAT_EBUSY);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&place, sizeof place), 0);
    close(fd);
    listen_close(&listening);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
    struct err err;
    make_folder();
    fclose(fopen(place.sun_path, "w"));
    ck_assert_int_eq(refusal(unix_address, &err), LEAT_ECONFIG);
    ck_assert_int_eq(unlink(place.sun_path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

SUITE("listen", a_bad_address_is_wrong_usage, a_port_of_zero_is_resolved,
      an_address_in_use_is_named, a_unix_socket_is_its_owners_and_goes_away,
      a_stale_unix_socket_is_replaced_and_a_live_one_is_not,
      a_file_that_is_no_socket_is_left_alone)
