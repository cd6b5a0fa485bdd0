/* SPDX-License-Identifier: MIT */
/* The sums of PROTOCOL.md 3. How many jobs were ever pushed is not known, so what remains
 * are the sums that do not name it. */
#include "broker/fsck_inside.h"

#include <string.h>

enum { AUDIT_NUMBERS = offsetof(struct fsck_audit, meta) / sizeof(int64_t) };

int fsck_sums_read(struct fsck_audit *audit, const struct redisReply *reply)
{
    int64_t *const numbers = &audit->waiting;
    if (reply_count(reply) != AUDIT_NUMBERS + 1)
        return -1;
    for (int i = 0; i < AUDIT_NUMBERS; i++)
        numbers[i] = reply_int(reply_at(reply, (size_t)i), -1);
    audit->meta = reply_at(reply, AUDIT_NUMBERS);
    return 0;
}

/* ---- the counts themselves --------------------------------------------------------- */

/* The sums need these; a script that adds to one that is no number fails half-way. */
static const char *const counts[] = {
    "res",       "fin",      "done",    "fresh",        "expired",     "cancelled",
    "merged",    "dead",     "bad",     "retry",        "back",        "retrying",
    "recovered", "requeued", "removed", "purged",       "turn",        "seen",
    "hits",      "stale",    "misses",  "trimmed_dead", "trimmed_bad",
};

static int64_t count_of(const struct fsck_audit *audit, const char *name)
{
    return reply_int(reply_field(audit->meta, name), 0);
}

static int64_t sum_of(const struct fsck_audit *audit, const char *const *names)
{
    int64_t sum = 0;
    for (; *names != NULL; names++)
        sum += count_of(audit, *names);
    return sum;
}

/* Returns whether all are numbers, so that sums make sense. */
static int counts_are_numbers(struct fsck *fsck, const struct fsck_audit *audit)
{
    int fine = 1;
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        const struct redisReply *value = reply_field(audit->meta, counts[i]);
        struct bytes text = reply_bytes(value);
        if (value == NULL || reply_int(value, -1) >= 0)
            continue;
        fsck_say(fsck, FSCK_FAIL, "counts", "the field %s of %s is '%.*s', no count",
                 counts[i], fsck->queue->meta, (int)(text.len < 40 ? text.len : 40),
                 text.at);
        fine = 0;
    }
    return fine;
}

/* ---- sums -------------------------------------------------------------------------- */

#define SUM(...) ((const char *const[]){__VA_ARGS__, NULL})

static void judge_in_hands(struct fsck *fsck, const struct fsck_audit *audit)
{
    int64_t in_hands = count_of(audit, "res") - count_of(audit, "fin");
    if (audit->in_bodies < 0)
        fsck_say(fsck, FSCK_WARN, "in hands",
                 "not compared: the leases hold too much to be counted in one step");
    else if (audit->in_bodies != in_hands)
        fsck_say(fsck, FSCK_FAIL, "in hands",
                 "res - fin is %lld, but the leases hold %lld jobs", (long long)in_hands,
                 (long long)audit->in_bodies);
}

static void judge_resting(struct fsck *fsck, const struct fsck_audit *audit)
{
    int64_t came = sum_of(audit, SUM("dead", "bad"));
    int64_t left =
        sum_of(audit, SUM("requeued", "removed", "trimmed_dead", "trimmed_bad"));
    int64_t here = audit->dead + audit->bad;
    if (came != here + left)
        fsck_say(fsck, FSCK_FAIL, "resting",
                 "%lld entries came to the dead and the quarantine and %lld left, but "
                 "%lld are there",
                 (long long)came, (long long)left, (long long)here);
}

static void judge_retrying(struct fsck *fsck, const struct fsck_audit *audit)
{
    int64_t retrying = count_of(audit, "retrying");
    if (audit->with_fails < 0)
        fsck_say(fsck, FSCK_WARN, "retrying",
                 "not compared: too many jobs are scheduled to be counted in one step");
    else if (retrying != audit->with_fails)
        fsck_say(fsck, FSCK_FAIL, "retrying",
                 "retrying is %lld, but %lld of the scheduled jobs have failed before",
                 (long long)retrying, (long long)audit->with_fails);
}

/* Each of these ends was an end of a lease's job, or counted as one. */
static void judge_ended(struct fsck *fsck, const struct fsck_audit *audit)
{
    int64_t came_out = count_of(audit, "fin");
    int64_t ended = sum_of(
        audit, SUM("done", "expired", "cancelled", "dead", "retry", "back", "recovered"));
    if (ended > came_out)
        fsck_say(fsck, FSCK_FAIL, "ended",
                 "%lld jobs came out of leases (fin), but %lld ended or went back",
                 (long long)came_out, (long long)ended);
}

static void judge_times(struct fsck *fsck, const struct fsck_audit *audit)
{
    if (audit->far_leases > 0)
        fsck_say(fsck, FSCK_FAIL, "times",
                 "%lld leases have a deadline beyond the longest lease, an hour",
                 (long long)audit->far_leases);
    if (audit->far_scheduled > 0)
        fsck_say(fsck, FSCK_FAIL, "times",
                 "%lld jobs are due more than ten years ahead; due times are "
                 "milliseconds",
                 (long long)audit->far_scheduled);
    if (audit->far_dead > 0)
        fsck_say(fsck, FSCK_FAIL, "times", "%lld dead jobs died in the future",
                 (long long)audit->far_dead);
}

void fsck_sums_judge(struct fsck *fsck, const struct fsck_audit *audit)
{
    if (counts_are_numbers(fsck, audit)) {
        judge_in_hands(fsck, audit);
        judge_resting(fsck, audit);
        judge_retrying(fsck, audit);
        judge_ended(fsck, audit);
    }
    judge_times(fsck, audit);
}
