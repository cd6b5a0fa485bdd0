/* SPDX-License-Identifier: MIT */
#include "base/netguard.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

static struct netguard guard;

static void setup(void)
{
    guard = (struct netguard){0};
}

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    int is_v4 = strchr(text, ':') == NULL;
    storage.ss_family = is_v4 ? AF_INET : AF_INET6;
    void *bytes = is_v4 ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr;
    ck_assert_msg(inet_pton(storage.ss_family, text, bytes) == 1, "%s", text);
    return storage;
}

static int permits(const char *text)
{
    struct sockaddr_storage address = address_of(text);
    return netguard_permits(&guard, (struct sockaddr *)&address);
}

static void allow(const char *cidr)
{
    struct err err = {0};
    ck_assert_msg(netguard_allow(&guard, cidr, &err) == LEAT_OK, "%s", err.text);
}

START_TEST(public_addresses_are_permitted)
{
    static const char *const texts[] = {
        "1.1.1.1",          "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",   "100.128.0.0",     "128.0.0.0",
        "169.253.255.255",  "172.15.255.255",  "172.32.0.0",
        "192.167.255.255",  "192.169.0.0",     "198.17.255.255",
        "198.20.0.0",       "223.255.255.255", "2606:4700:4700::1111",
        "2001:200::1",      "2a00::1",         "::ffff:1.1.1.1",
        "64:ff9b::101:101", "2002:101:101::1",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(permits(texts[i]), "%s", texts[i]);
}
END_TEST

START_TEST(special_addresses_are_refused_by_the_rule_that_names_them)
{
    static const struct {
        const char *text, *what;
    } rows[] = {
        {"0.0.0.0", "this network"},
        {"0.1.2.3", "this network"},
        {"10.0.0.0", "private"},
        {"10.255.255.255", "private"},
        {"100.64.0.0", "shared"},
        {"100.127.255.255", "shared"},
        {"127.0.0.1", "loopback"},
        {"127.255.255.255", "loopback"},
        {"169.254.0.1", "link-local"},
        {"169.254.169.254", "metadata"},
        {"172.16.0.0", "private"},
        {"172.31.255.255", "private"},
        {"192.0.0.1", "assignments"},
        {"192.0.2.1", "documentation"},
        {"192.88.99.1", "6to4"},
        {"192.168.0.1", "private"},
        {"198.18.0.1", "benchmark"},
        {"198.19.255.255", "benchmark"},
        {"198.51.100.1", "documentation"},
        {"203.0.113.1", "documentation"},
        {"224.0.0.1", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.1", "reserved"},
        {"255.255.255.255", "broadcast"},
        {"::", "unspecified"},
        {"::1", "loopback"},
        {"::127.0.0.1", "IPv4-compatible"},
        {"64:ff9b:1::1", "translation"},
        {"100::1", "discard"},
        {"2001::1", "Teredo"},
        {"2001:10::1", "assignments"},
        {"2001:db8::1", "documentation"},
        {"3fff::1", "documentation"},
        {"fc00::1", "private"},
        {"fdff::1", "private"},
        {"fe80::1", "link-local"},
        {"febf::1", "link-local"},
        {"fec0::1", "site-local"},
        {"ff02::1", "multicast"},
        {"1000::1", "not global unicast"},
        {"5f00::1", "not global unicast"},
        {"9000::1", "not global unicast"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sockaddr_storage address = address_of(rows[i].text);
        struct err err = {0};
        int code = netguard_check(&guard, (struct sockaddr *)&address, &err);
        ck_assert_msg(code == LEAT_EDENIED, "%s", rows[i].text);
        ck_assert_msg(strstr(err.text, rows[i].what) != NULL, "%s", err.text);
    }
}
END_TEST

START_TEST(ipv6_that_carries_ipv4_is_judged_by_the_ipv4)
{
    static const char *const texts[] = {
        "::ffff:127.0.0.1",          "::ffff:169.254.169.254", "::ffff:0:10.0.0.1",
        "64:ff9b::192.168.1.1",      "64:ff9b::7f00:1",        "2002:7f00:1::1",
        "2002:a9fe:a9fe:1234::5678",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(!permits(texts[i]), "%s", texts[i]);
    allow("127.0.0.1");
    ck_assert(permits("::ffff:127.0.0.1"));
    ck_assert(permits("64:ff9b::127.0.0.1"));
    ck_assert(permits("2002:7f00:1::1"));
    allow("::/0");
    ck_assert(!permits("::ffff:10.0.0.1"));
}
END_TEST

START_TEST(an_allowed_range_covers_its_addresses_and_no_other)
{
    allow("10.32.0.0/11");
    ck_assert(permits("10.32.0.0"));
    ck_assert(permits("10.63.255.255"));
    ck_assert(!permits("10.31.255.255"));
    ck_assert(!permits("10.64.0.0"));
    allow("127.0.0.1");
    ck_assert(permits("127.0.0.1"));
    ck_assert(!permits("127.0.0.2"));
    allow("::1/128");
    ck_assert(permits("::1"));
    ck_assert(!permits("::2"));
    allow("fd00:1234::/31");
    ck_assert(permits("fd00:1235::1"));
    ck_assert(!permits("fd00:1236::1"));
}
END_TEST

START_TEST(allowing_everything_of_one_family_leaves_the_other_alone)
{
    allow("0.0.0.0/0");
    ck_assert(permits("127.0.0.1"));
    ck_assert(!permits("::1"));
    allow("::/0");
    ck_assert(permits("::1"));
}
END_TEST

START_TEST(what_is_no_range_is_refused_and_changes_nothing)
{
    static const char *const texts[] = {
        "",
        "localhost",
        "10.0.0.0/",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/-1",
        "10.0.0.0/8x",
        "10.0.0.0/ 8",
        "10.0.0",
        "010.0.0.1",
        "10.0.0.1/8",
        "::1/64",
        "fe80::1%lo",
        "/8",
        "::ffff:10.0.0.0/104",
        "2002::/16",
        "64:ff9b::/96",
        "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct err err = {0};
        int code = netguard_allow(&guard, texts[i], &err);
        ck_assert_msg(code == LEAT_EUSAGE, "%s", texts[i]);
        ck_assert(err.code == LEAT_EUSAGE && err.text[0] != '\0');
    }
    ck_assert_uint_eq(guard.allowed_count, 0);
}
END_TEST

START_TEST(the_number_of_allowed_ranges_is_bounded)
{
    for (int i = 0; i < NETGUARD_ALLOWED_MAX; i++)
        allow("127.0.0.1");
    ck_assert_int_eq(netguard_allow(&guard, "127.0.0.2", NULL), LEAT_EUSAGE);
    ck_assert(!permits("127.0.0.2"));
}
END_TEST

START_TEST(the_refusal_names_address_rule_and_option)
{
    struct sockaddr_storage address = address_of("127.0.0.2");
    struct err err = {0};
    ck_assert_int_eq(netguard_check(&guard, (struct sockaddr *)&address, &err),
                     LEAT_EDENIED);
    ck_assert_str_eq(err.text,
                     "address 127.0.0.2 is refused as loopback (127.0.0.0/8, RFC 1122); "
                     "to allow it: --allow-net 127.0.0.2");
}
END_TEST

START_TEST(other_families_are_refused_whatever_is_allowed)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/some.sock"};
    allow("0.0.0.0/0");
    allow("::/0");
    ck_assert(!netguard_permits(&guard, (struct sockaddr *)&address));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netguard");
    TCase *tcase = tcase_create("netguard");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, public_addresses_are_permitted);
    tcase_add_test(tcase, special_addresses_are_refused_by_the_rule_that_names_them);
    tcase_add_test(tcase, ipv6_that_carries_ipv4_is_judged_by_the_ipv4);
    tcase_add_test(tcase, an_allowed_range_covers_its_addresses_and_no_other);
    tcase_add_test(tcase, allowing_everything_of_one_family_leaves_the_other_alone);
    tcase_add_test(tcase, what_is_no_range_is_refused_and_changes_nothing);
    tcase_add_test(tcase, the_number_of_allowed_ranges_is_bounded);
    tcase_add_test(tcase, the_refusal_names_address_rule_and_option);
    tcase_add_test(tcase, other_families_are_refused_whatever_is_allowed);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
