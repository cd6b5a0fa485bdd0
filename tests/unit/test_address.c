/* SPDX-License-Identifier: MIT */
#include "base/address.h"
#include "suite.h"

#include <arpa/inet.h>
#include <string.h>

static union address at;
static socklen_t len;

static int read_it(const char *text)
{
    struct err err = {0};
    return address_read(&at, &len, text, &err);
}

START_TEST(a_host_and_a_port_are_read)
{
    ck_assert_int_eq(read_it("localhost:8740"), LEAT_OK);
    ck_assert_int_eq(at.any.sa_family, AF_INET);
    ck_assert_uint_eq(len, sizeof at.v4);
    ck_assert_uint_eq(ntohs(at.v4.sin_port), 8740);
    ck_assert_uint_eq(ntohl(at.v4.sin_addr.s_addr), INADDR_LOOPBACK);
}
END_TEST

START_TEST(an_ipv6_host_stands_in_brackets)
{
    ck_assert_int_eq(read_it("[::1]:0"), LEAT_OK);
    ck_assert_int_eq(at.any.sa_family, AF_INET6);
    ck_assert_uint_eq(len, sizeof at.v6);
    ck_assert_uint_eq(at.v6.sin6_port, 0);
    ck_assert(IN6_IS_ADDR_LOOPBACK(&at.v6.sin6_addr));
    ck_assert_int_eq(read_it("::1:0"), LEAT_EUSAGE);
}
END_TEST

START_TEST(the_path_of_a_socket_is_read_up_to_its_limit)
{
    char text[120] = "unix:";
    memset(text + 5, 'x', sizeof at.local.sun_path - 1);
    ck_assert_int_eq(read_it(text), LEAT_OK);
    ck_assert_int_eq(at.any.sa_family, AF_UNIX);
    ck_assert_str_eq(at.local.sun_path, text + 5);
    text[strlen(text)] = 'x';
    ck_assert_int_eq(read_it(text), LEAT_EUSAGE);
    ck_assert_int_eq(read_it("unix:"), LEAT_EUSAGE);
}
END_TEST

START_TEST(a_refused_address_leaves_the_outputs_alone)
{
    at.any.sa_family = 77;
    len = 78;
    ck_assert_int_eq(read_it("example.org:80"), LEAT_EUSAGE);
    ck_assert_int_eq(at.any.sa_family, 77);
    ck_assert_uint_eq(len, 78);
}
END_TEST

START_TEST(a_host_has_a_name_or_is_numeric_and_has_no_port)
{
    static const char *const good[] = {"jobs.example.org", "a", "192.0.2.7", "[::1]",
                                       "a_b"};
    static const char *const bad[] = {"",  "a:80", "http://a", "a/b", "a b",
                                      "*", "::1",  "[a]",      "[",   "[]"};
    for (unsigned i = 0; i < COUNT(good); i++)
        ck_assert_msg(address_is_host(good[i]), "%s", good[i]);
    for (unsigned i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!address_is_host(bad[i]), "%s", bad[i]);
    ck_assert(!address_is_numeric("a"));
    ck_assert(address_is_numeric("[::1]"));
}
END_TEST

SUITE("address", a_host_and_a_port_are_read, an_ipv6_host_stands_in_brackets,
      the_path_of_a_socket_is_read_up_to_its_limit,
      a_refused_address_leaves_the_outputs_alone,
      a_host_has_a_name_or_is_numeric_and_has_no_port)
