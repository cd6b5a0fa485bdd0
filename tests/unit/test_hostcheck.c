/* SPDX-License-Identifier: MIT */
#include "dashboard/hostcheck.h"
#include "suite.h"

#include <string.h>

static const struct {
    const char *host;
    int passes, passes_any; /* listening on 127.0.0.2:8740; on all addresses, any port */
} hosts[] = {
    {"localhost", 1, 1},
    {"LocalHost:8740", 1, 1},
    {"127.0.0.1", 1, 1},
    {"127.0.0.1:8740", 1, 1},
    {"[::1]", 1, 1},
    {"[::1]:8740", 1, 1},
    {"127.0.0.2:8740", 1, 1},
    {"127.0.0.2", 1, 1},
    {"localhost ", 1, 1},
    {"localhost:8741", 0, 1},
    {"127.0.0.3", 0, 1},
    {"[::2]:8740", 0, 1},
    {"192.0.2.1:8740", 0, 1},
    {"localhost:", 0, 0},
    {"localhost:x", 0, 0},
    {"localhost:0", 0, 0},
    {"localhost:65536", 0, 0},
    {"localhost:-1", 0, 0},
    {"localhost.evil.com", 0, 0},
    {"evil.com", 0, 0},
    {"evil.com:8740", 0, 0},
    {"localhost:8740:1", 0, 0},
    {"[::1", 0, 0},
    {"[::1]x", 0, 0},
    {"[localhost]", 0, 0},
    {"[", 0, 0},
    {"[]", 0, 0},
    {":8740", 0, 0},
    {"", 0, 0},
    {" ", 0, 0},
    {"localhost@evil.com", 0, 0},
    {"127.1", 0, 0},
    {"0x7f000001", 0, 0},
    {"1.2.3.4.evil.com", 0, 0},
    {"localhost,evil.com", 0, 0},
};

START_TEST(a_host_passes_only_when_it_is_ours)
{
    struct hostcheck one = {.own = "127.0.0.2", .port = 8740};
    struct hostcheck any = {.own = "0.0.0.0", .port = 0, .any_address = 1};
    for (unsigned i = 0; i < COUNT(hosts); i++) {
        ck_assert_msg(hostcheck_passes(&one, hosts[i].host) == hosts[i].passes, "%s",
                      hosts[i].host);
        ck_assert_msg(hostcheck_passes(&any, hosts[i].host) == hosts[i].passes_any,
                      "%s on all addresses", hosts[i].host);
    }
    char large[1000];
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    ck_assert(!hostcheck_passes(&one, large));
}
END_TEST

START_TEST(an_allowed_name_passes_with_any_port)
{
    static const char *const names[] = {"jobs.example.org", "192.0.2.7", "[2001:db8::1]"};
    struct hostcheck check = {.own = "127.0.0.1",
                              .port = 8740,
                              .allowed = names,
                              .allowed_count = COUNT(names)};
    ck_assert(hostcheck_passes(&check, "jobs.example.org"));
    ck_assert(hostcheck_passes(&check, "Jobs.Example.ORG:8443"));
    ck_assert(hostcheck_passes(&check, "192.0.2.7"));
    ck_assert(hostcheck_passes(&check, "[2001:db8::1]:80"));
    ck_assert(!hostcheck_passes(&check, "jobs.example.org:0"));
    ck_assert(!hostcheck_passes(&check, "jobs.example.org.evil.com"));
    ck_assert(!hostcheck_passes(&check, "x.jobs.example.org"));
    ck_assert(!hostcheck_passes(&check, "localhost:8443"));
}
END_TEST

SUITE("hostcheck", a_host_passes_only_when_it_is_ours,
      an_allowed_name_passes_with_any_port)
