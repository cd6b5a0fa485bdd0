/* SPDX-License-Identifier: MIT */
#include "dashboard/access.h"
#include "suite.h"

#include <string.h>

#define TOKEN "0123456789abcdef"

static const struct {
    unsigned status; /* 0: it may go on */
    struct access access;
    struct access_request request;
} cases[] = {
    /* reads are open */
    {0, {NULL, 0}, {"GET", "a.example", "http://evil.example", "cross-site", NULL}},
    {0, {TOKEN, 0}, {"HEAD", "a.example", NULL, NULL, NULL}},
    /* writes from this machine, without a browser */
    {0, {NULL, 1}, {"POST", "localhost", NULL, NULL, NULL}},
    {0, {NULL, 1}, {"DELETE", NULL, NULL, NULL, NULL}},
    /* from another site's page */
    {403, {NULL, 1}, {"POST", "localhost", NULL, "cross-site", NULL}},
    {403, {NULL, 1}, {"POST", "localhost", NULL, "same-site", NULL}},
    {403, {NULL, 1}, {"POST", "localhost", NULL, "", NULL}},
    {0, {NULL, 1}, {"POST", "localhost", NULL, "same-origin", NULL}},
    {0, {NULL, 1}, {"POST", "localhost", NULL, " none\t", NULL}},
    {403, {NULL, 1}, {"POST", "localhost", "http://evil.example", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "localhost", "http://evil.example", "none", NULL}},
    {403, {NULL, 1}, {"DELETE", "localhost", "null", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "localhost", "", NULL, NULL}},
    {403, {NULL, 1}, {"POST", NULL, "http://localhost", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "localhost", "localhost", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "localhost", "http://", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "localhost", "ftp://localhost", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "localhost:8740", "http://localhost", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "localhost:8740", "http://localhost:8741", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "localhost", "http://localhost.evil.example", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "localhost", "http://evil.example/localhost", NULL, NULL}},
    {0, {NULL, 1}, {"POST", "localhost:8740", "http://LOCALHOST:8740", NULL, NULL}},
    {0, {NULL, 1}, {"POST", "jobs.example:443", "https://jobs.example", NULL, NULL}},
    {0, {NULL, 1}, {"POST", "jobs.example", "https://jobs.example:443", NULL, NULL}},
    {0, {NULL, 1}, {"POST", "jobs.example", "http://jobs.example:80", NULL, NULL}},
    {403, {NULL, 1}, {"POST", "jobs.example", "http://jobs.example:443", NULL, NULL}},
    {0, {NULL, 1}, {"POST", "[::1]:8740", "http://[::1]:8740", NULL, NULL}},
    /* the token */
    {401, {TOKEN, 1}, {"POST", "localhost", NULL, NULL, NULL}},
    {401, {TOKEN, 0}, {"PUT", "localhost", NULL, NULL, ""}},
    {401, {TOKEN, 1}, {"POST", "localhost", NULL, NULL, "Bearer "}},
    {401, {TOKEN, 1}, {"POST", "localhost", NULL, NULL, "Bearer 0123456789abcdeF"}},
    {401, {TOKEN, 1}, {"POST", "localhost", NULL, NULL, "Bearer 0123456789abcde"}},
    {401, {TOKEN, 1}, {"POST", "localhost", NULL, NULL, "Bearer " TOKEN TOKEN}},
    {401, {TOKEN, 1}, {"POST", "localhost", NULL, NULL, "Bearer x" TOKEN}},
    {401, {TOKEN, 1}, {"POST", "localhost", NULL, NULL, "Basic " TOKEN}},
    {401, {TOKEN, 1}, {"POST", "localhost", NULL, NULL, TOKEN}},
    {0, {TOKEN, 1}, {"POST", "localhost", NULL, NULL, "Bearer " TOKEN}},
    {0, {TOKEN, 0}, {"POST", "a.example", NULL, NULL, "bearer  " TOKEN " "}},
    {403, {TOKEN, 1}, {"POST", "localhost", "null", NULL, "Bearer " TOKEN}},
    /* without one, other machines only read */
    {403, {NULL, 0}, {"POST", "192.0.2.1", NULL, NULL, NULL}},
    {403, {NULL, 0}, {"DELETE", "192.0.2.1", NULL, "same-origin", "Bearer " TOKEN}},
    {403, {NULL, 0}, {"get", "192.0.2.1", NULL, NULL, NULL}},
};

START_TEST(a_write_needs_its_own_origin_and_a_token_or_loopback)
{
    for (unsigned i = 0; i < COUNT(cases); i++) {
        const struct access_refusal *refusal =
            access_judge(&cases[i].access, &cases[i].request);
        unsigned status = refusal != NULL ? refusal->status : 0;
        ck_assert_msg(status == cases[i].status, "case %u: %u, not %u", i, status,
                      cases[i].status);
    }
}
END_TEST

START_TEST(the_refusal_says_what_to_do)
{
    struct access open = {NULL, 0}, closed = {TOKEN, 0};
    struct access_request request = {.method = "POST"};
    ck_assert_ptr_nonnull(strstr(access_judge(&open, &request)->detail, "--token-file"));
    ck_assert_ptr_nonnull(strstr(access_judge(&closed, &request)->detail, "Bearer"));
}
END_TEST

SUITE("access", a_write_needs_its_own_origin_and_a_token_or_loopback,
      the_refusal_says_what_to_do)
