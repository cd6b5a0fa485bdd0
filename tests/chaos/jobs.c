/* SPDX-License-Identifier: MIT */
#include "jobs.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    HOT_COUNTERS = 50,
    UNIFORM_COUNTERS = 1000,
    PAGES = 20,
    FRESH_MS = 500,
    SLOW_MS = 2200,
    DELAY_MAX_MS = 3000,
};

/* What a kind makes its job of. */
struct draft {
    struct jobs_job *job;
    const struct jobs *jobs;
    uint64_t n, random;
};

/* Source: Steele, Lea, Flood: SplitMix64. */
static uint64_t mixed(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- increments -------------------------------------------------------------------- */

static void put_increment(const struct draft *draft, const char *fields,
                          const char *counter)
{
    buf_addf(&draft->job->payload,
             "{\"type\":\"increment\",%s\"args\":{\"counter\":\"%s\"}}", fields, counter);
}

/* Without a label: many of these jobs are equal, and each counts. */
static void count_on(const struct draft *draft, const char *name, uint64_t number)
{
    char *counter = draft->job->counter;
    snprintf(counter, sizeof draft->job->counter, "%s:%" PRIu64, name, number);
    put_increment(draft, "", counter);
}

static void put_hot(const struct draft *draft)
{
    uint64_t bound = 1 + (draft->random >> 32) % HOT_COUNTERS;
    count_on(draft, "hot", draft->random % bound);
}

static void put_uniform(const struct draft *draft)
{
    count_on(draft, "uniform", draft->random % UNIFORM_COUNTERS);
}

static void put_once(const struct draft *draft)
{
    count_on(draft, draft->jobs->producer % 2 ? "once:a" : "once:b", draft->n);
}

static void put_delayed(const struct draft *draft)
{
    draft->job->in_ms = 1 + (int64_t)(draft->random % DELAY_MAX_MS);
    put_once(draft);
}

static void put_expired(const struct draft *draft)
{
    put_increment(draft, "\"expires_at_ms\":1,", "never");
}

static void put_overflow(const struct draft *draft)
{
    put_increment(draft, "", JOBS_FULL_COUNTER);
}

/* ---- refreshes --------------------------------------------------------------------- */

static void put_refresh(const struct draft *draft, const char *path, uint64_t number,
                        int max_age_ms, const char *retry)
{
    buf_addf(&draft->job->payload,
             "{\"type\":\"refresh\",\"args\":{\"url\":\"%s%s%" PRIu64
             "\",\"max_age_ms\":%d,\"stale_max_ms\":5000},\"retry\":{%s}}",
             draft->jobs->origin, path, number, max_age_ms, retry);
}

/* A number that no job of another producer has. */
static uint64_t own_number(const struct draft *draft)
{
    return 2 * draft->n + draft->jobs->producer % 2;
}

/* Whatever happens to Redis or the page, these do not die of it. */
#define STUBBORN "\"max\":1000,\"base_ms\":100,\"cap_ms\":1000"

static void put_page(const struct draft *draft)
{
    int max_age_ms = draft->random >> 63 ? FRESH_MS : 0;
    put_refresh(draft, "/page/", draft->random % PAGES, max_age_ms, STUBBORN);
}

static void put_slow(const struct draft *draft)
{
    char path[40];
    snprintf(path, sizeof path, "/slow?ms=%d&n=", SLOW_MS);
    put_refresh(draft, path, own_number(draft), FRESH_MS, STUBBORN);
}

static void put_failing(const struct draft *draft)
{
    put_refresh(draft, "/status/500?n=", own_number(draft), FRESH_MS,
                "\"max\":2,\"base_ms\":50,\"cap_ms\":200");
}

/* ---- garbage ----------------------------------------------------------------------- */

/* Some of it looks like a job, or like a header of ours; any byte may follow, LF and NUL
 * too, and what began well is spoilt by a number at the end. */
static void put_garbage(const struct draft *draft)
{
    static const char *const beginnings[] = {
        "no json at all ",
        "{\"type\":\"increment\",\"args\":",
        "R1 torn ",
        "\xff\xfe ",
        "[] ",
        "{\"args\":{},\"type\":7,\"x\":",
    };
    struct buf *payload = &draft->job->payload;
    buf_adds(payload,
             beginnings[draft->random % (sizeof beginnings / sizeof *beginnings)]);
    for (uint64_t left = draft->random >> 32; left != 0; left >>= 8)
        buf_addc(payload, (char)left);
    buf_addf(payload, "%" PRIu64, draft->n);
}

/* ---- the n-th job ------------------------------------------------------------------ */

static const struct {
    const char *name;
    uint64_t share;
    void (*put)(const struct draft *draft);
} kinds[] = {
#define X(name, share) {#name, share, put_##name},
    JOBS_KINDS(X)
#undef X
};

const char *jobs_kind_name(enum jobs_kind kind)
{
    return kinds[kind].name;
}

static enum jobs_kind choose_kind(uint64_t at)
{
    int kind = 0;
    while (at >= kinds[kind].share)
        at -= kinds[kind++].share;
    return (enum jobs_kind)kind;
}

void jobs_make(const struct jobs *jobs, int64_t n, struct jobs_job *job)
{
    uint64_t own = mixed(jobs->seed ^ mixed(jobs->producer));
    struct draft draft = {job, jobs, (uint64_t)n, mixed(own + (uint64_t)n)};
    buf_reset(&job->payload);
    job->counter[0] = '\0';
    job->in_ms = 0;
    job->kind = choose_kind(mixed(draft.random) % 1000);
    kinds[job->kind].put(&draft);
}
