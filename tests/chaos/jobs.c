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
    STOP_MS = 1000,
    HANG_MS = 1500, /* then its time is over */
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

static const char *add_counter(const struct draft *draft, const char *name,
                               uint64_t number)
{
    struct jobs_job *job = draft->job;
    char *counter = job->counters[job->counter_count++];
    snprintf(counter, sizeof job->counters[0], "%s:%" PRIu64, name, number);
    return counter;
}

/* Without a label: many of these jobs are equal, and each counts. */
static void count_on(const struct draft *draft, const char *name, uint64_t number)
{
    put_increment(draft, "", add_counter(draft, name, number));
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
#define SHORT    "\"max\":2,\"base_ms\":50,\"cap_ms\":200"

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
    put_refresh(draft, "/status/500?n=", own_number(draft), FRESH_MS, SHORT);
}

/* ---- tasks ------------------------------------------------------------------------- */

struct task {
    const char *type, *act, *retry, *fields; /* act: see handler.c */
    int ms;
};

/* `by` comes from the result: without one it is no number, and the next would die. */
static void put_then(const struct draft *draft)
{
    char(*counters)[48] = draft->job->counters;
    buf_addf(&draft->job->payload,
             "\"then\":{\"type\":\"lines\",\"args\":{\"do\":\"well\",\"ms\":0,"
             "\"counter\":\"%s\",\"answer\":{\"incr\":{\"%s\":\"$result.by\"}}},"
             "\"then\":{\"type\":\"increment\",\"args\":{\"counter\":\"%s\"}},"
             "\"retry\":{" STUBBORN "}}}",
             counters[3], counters[3], counters[4]);
}

static void put_task(const struct draft *draft, const struct task *task)
{
    static const char *const names[] = {"run", "push", "late", "then", "last"};
    char(*counters)[48] = draft->job->counters;
    for (int i = 0; i < JOBS_COUNTERS_MAX; i++)
        add_counter(draft, names[i], own_number(draft));
    buf_addf(&draft->job->payload,
             "{\"type\":\"%s\",%s\"retry\":{%s},\"args\":{\"do\":\"%s\",\"ms\":%d,"
             "\"counter\":\"%s\",\"answer\":{\"incr\":{\"%s\":1},\"push\":["
             "{\"type\":\"increment\",\"args\":{\"counter\":\"%s\"}},"
             "{\"type\":\"increment\",\"args\":{\"counter\":\"%s\"},\"in_ms\":%u}],"
             "\"result\":{\"by\":1}}},",
             task->type, task->fields, task->retry, task->act, task->ms, counters[0],
             counters[0], counters[1], counters[2],
             (unsigned)(1 + (draft->random >> 40) % DELAY_MAX_MS));
    put_then(draft);
}

/* A record of its own. */
static const char *tracked(const struct draft *draft, char fields[80])
{
    char *id = draft->job->tracked;
    snprintf(id, sizeof draft->job->tracked, "task:%" PRIu64, own_number(draft));
    snprintf(fields, 80, "\"id\":\"%s\",\"track\":true,", id);
    return fields;
}

static void put_exec(const struct draft *draft)
{
    char fields[80];
    put_task(draft, &(struct task){"exec", "well", STUBBORN, tracked(draft, fields), 0});
}

static void put_lines(const struct draft *draft)
{
    put_task(draft,
             &(struct task){"lines", "well", STUBBORN, "", (int)(draft->random % 20)});
}

/* A child of the kind lines costs its neighbours a failure, or time, when it goes. */
static void put_flaky(const struct draft *draft, const char *type, uint64_t gentle)
{
    static const char *const acts[] = {"crash_once", "hang_once", "error_once"};
    char fields[40] = "";
    uint64_t at = draft->random % (2 + gentle);
    if (at == 1)
        snprintf(fields, sizeof fields, "\"timeout_ms\":%d,", HANG_MS);
    put_task(draft, &(struct task){type, acts[at < 2 ? at : 2], STUBBORN, fields, 0});
}

static void put_exec_flaky(const struct draft *draft)
{
    put_flaky(draft, "exec", 1);
}

static void put_lines_flaky(const struct draft *draft)
{
    put_flaky(draft, "lines", 14);
}

static void put_exec_slow(const struct draft *draft)
{
    put_task(draft, &(struct task){"exec", "well", STUBBORN, "", SLOW_MS});
}

static void put_lines_slow(const struct draft *draft)
{
    put_task(draft, &(struct task){"lines", "well", STUBBORN, "", SLOW_MS});
}

static void put_dying(const struct draft *draft, const char *type, uint64_t gentle)
{
    char fields[80];
    const char *act = draft->random % gentle == 0 ? "crash" : "error";
    put_task(draft, &(struct task){type, act, SHORT, tracked(draft, fields), 0});
    draft->job->counter_count = 0;
}

static void put_exec_dying(const struct draft *draft)
{
    put_dying(draft, "exec", 2);
}

static void put_lines_dying(const struct draft *draft)
{
    put_dying(draft, "lines", 8);
}

static void put_stop(const struct draft *draft, const char *type)
{
    char fields[80];
    snprintf(fields, sizeof fields, "\"id\":\"stop:%d\",\"track\":%s,",
             (int)(draft->random % JOBS_STOP_IDS),
             draft->random >> 63 ? "true" : "false");
    put_task(draft, &(struct task){type, "well", STUBBORN, fields, STOP_MS});
}

static void put_exec_stop(const struct draft *draft)
{
    put_stop(draft, "exec");
}

static void put_lines_stop(const struct draft *draft)
{
    put_stop(draft, "lines");
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
    enum jobs_end end;
    void (*put)(const struct draft *draft);
} kinds[] = {
#define X(name, share, end) {#name, share, JOBS_##end, put_##name},
    JOBS_KINDS(X)
#undef X
};

const char *jobs_kind_name(enum jobs_kind kind)
{
    return kinds[kind].name;
}

enum jobs_end jobs_kind_end(enum jobs_kind kind)
{
    return kinds[kind].end;
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
    job->counter_count = 0;
    job->tracked[0] = '\0';
    job->in_ms = 0;
    job->kind = choose_kind(mixed(draft.random) % 10000);
    kinds[job->kind].put(&draft);
}
