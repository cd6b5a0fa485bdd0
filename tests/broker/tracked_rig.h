/* SPDX-License-Identifier: MIT */
/* A queue with tracked jobs and the records of theirs, for the tests of one program. What
 * follows them goes to the queue `mail`. */
#ifndef LEAT_TESTS_BROKER_TRACKED_RIG_H
#define LEAT_TESTS_BROKER_TRACKED_RIG_H

#include "rig.h"

static struct rig rig;
static struct queue mail;

/* The keys of the next call. */
static struct cmd records, claims, begun; /* `begun`: of follow-ups */

#define HEAD "R1 L1.0 0 1 e=full"

static inline void start(void)
{
    rig_start(&rig);
    cmd_reset(&records);
    cmd_reset(&claims);
    cmd_reset(&begun);
    ck_assert_int_eq(queue_init(&mail, "mail", NULL), LEAT_OK);
}

static inline void start_with_lease(int jobs)
{
    start();
    rig_push_n(&rig, rig.queue.list, 1, jobs);
    ck_assert_int_eq(rig_reserve(&rig, "L1", jobs), jobs);
}

static inline void stop(void)
{
    cmd_fini(&records);
    cmd_fini(&claims);
    cmd_fini(&begun);
    rig_stop(&rig);
}

static inline const char *key_of(const char *id)
{
    return rig_text(&rig, queue_record_key(&rig.queue, bytes_of(id), &rig.arena));
}

static inline void track(const char *id)
{
    cmd_adds(&records, key_of(id));
}

/* The only follow-up that is tracked. */
static inline void begin(const char *id)
{
    cmd_reset(&begun);
    cmd_adds(&begun, key_of(id));
}

/* Entry number `nth` of a record, from the newest: "field value field value …". */
static inline const char *entry_of(const char *id, size_t nth)
{
    struct buf text = {0};
    const struct redisReply *all = ASK(&rig, "XREVRANGE", key_of(id), "+", "-");
    if (reply_count(all) <= nth)
        return "-";
    const struct redisReply *words = reply_at(reply_at(all, nth), 1);
    for (size_t i = 0; i < reply_count(words); i++) {
        struct bytes word = reply_bytes(reply_at(words, i));
        buf_addf(&text, "%s%.*s", i ? " " : "", (int)word.len, word.at);
    }
    const char *kept = rig_text(&rig, buf_bytes(&text));
    buf_fini(&text);
    return kept;
}

static inline void expect_kept(const char *id, int64_t ms)
{
    int64_t left_ms = ASK_INT(&rig, "PTTL", key_of(id));
    ck_assert_int_gt(left_ms, ms - 60000);
    ck_assert_int_le(left_ms, ms);
}

static inline int64_t verdict(const struct redisReply *reply)
{
    ck_assert_msg(reply != NULL, "%s", rig.err.text);
    return reply_int(reply_is_int(reply) ? reply : reply_at(reply, 0), -9);
}

/* SETTLE of a lease with the records and claims above; target 0 is `mail`. */
#define TRACKED(lease, ...) tracked(lease, (const char *const[]){__VA_ARGS__, NULL})

static inline const struct redisReply *tracked(const char *lease,
                                               const char *const *words)
{
    static const struct queue *const targets[] = {&mail};
    const struct script_keys more = {.claims = &claims,
                                     .targets = targets,
                                     .target_count = 1,
                                     .records = &records,
                                     .begun = &begun};
    script_settle_grow(&rig.client.cmd, &rig.queue, &(struct settle_head){.lease = lease},
                       &more);
    return rig_words(&rig, words);
}

#define WORDS(...) rig_words(&rig, (const char *const[]){__VA_ARGS__, NULL})

#endif
