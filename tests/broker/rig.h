/* SPDX-License-Identifier: MIT */
/* A queue on a Redis of the test's own, and the steps of the protocol as calls of one
 * line. What is returned is borrowed until the next call; texts that were copied live as
 * long as the rig. */
#ifndef LEAT_TESTS_BROKER_RIG_H
#define LEAT_TESTS_BROKER_RIG_H

#include "broker/client.h"
#include "broker/script_call.h"
#include "support/redis_fixture.h"

#include <check.h>

struct rig {
    struct redis_fixture redis;
    struct queue queue;
    struct client client;
    struct arena arena;
    struct err err; /* why the last call was refused */
    int64_t pushed; /* jobs that came into the queue, whichever way */
    int count;      /* of the last reserve */
    const char *job[LIMIT_LEASE_JOBS];
    int64_t reserved_us; /* when, by the clock of Redis */
};

/* Start and stop; a rig is zeroed before. */
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);

/* Send what is in rig->client.cmd. NULL: it was refused, rig->err says why. */
const struct redisReply *rig_call(struct rig *rig);

/* Send a plain command, which must succeed. */
#define ASK(rig, ...)     (cmd_set(&(rig)->client.cmd, __VA_ARGS__, NULL), rig_ask(rig))
#define ASK_INT(rig, ...) reply_int(ASK(rig, __VA_ARGS__), -1000)
const struct redisReply *rig_ask(struct rig *rig);

/* Copies of text. */
const char *rig_text(struct rig *rig, struct bytes bytes);
const char *rig_format(struct rig *rig, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* LPUSH one entry, which counts as pushed; `rig_push_n` pushes the payloads
 * first…first+n-1 in this order, each as rig_format("%d"). */
void rig_push(struct rig *rig, const char *list, const char *entry);
void rig_push_n(struct rig *rig, const char *list, int first, int n);

/* Reserve up to n jobs; they are in rig->job. Returns their number, -2 when paused, -1
 * when refused. */
int rig_reserve(struct rig *rig, const char *lease, int n);
int rig_reserve_suspect(struct rig *rig, const char *lease, int n);
int rig_reserve_rung(struct rig *rig, const char *lease, const char *entry);
int rig_reserve_bytes(struct rig *rig, const char *lease, int n, int64_t bytes);

/* ACK with pairs of counter and delta. */
#define ACK(rig, lease, jobs, ...)                                                       \
    (script_ack(&(rig)->client.cmd, &(rig)->queue, lease, jobs),                         \
     rig_words(rig, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL}))

/* SETTLE without more keys: outcomes, number of sums, sums, arguments of outcomes. */
#define SETTLE(rig, lease, ...)                                                          \
    (rig_settle(rig, lease, NULL),                                                       \
     rig_words(rig, (const char *const[]){__VA_ARGS__, NULL}))
void rig_settle(struct rig *rig, const char *lease, const struct script_keys *more);

/* SETTLE of a lease of one job that claims the flight of a cache key. */
const char *rig_claim(struct rig *rig, const char *lease, const char *key,
                      const char *header, const char *new_lease, const char *max_age_ms);

/* LAND: mode and what it needs. */
#define LAND(rig, key, lease, ...)                                                       \
    (script_land(&(rig)->client.cmd, &(rig)->queue, rig_cache_key(rig, key), lease,      \
                 NULL),                                                                  \
     rig_words(rig, (const char *const[]){__VA_ARGS__, NULL}))

/* RELEASE of the leases named. */
#define RELEASE(rig, ...)                                                                \
    (script_release(&(rig)->client.cmd, &(rig)->queue),                                  \
     rig_words(rig, (const char *const[]){__VA_ARGS__, NULL}))

const struct redisReply *rig_words(struct rig *rig, const char *const *words);
struct bytes rig_cache_key(struct rig *rig, const char *key);

/* REAP in a fleet that has been ticking; the jobs that went back. */
int64_t rig_reap(struct rig *rig, int leases_max);

/* The lease's deadline is long past. */
void rig_expire(struct rig *rig, const char *lease);

/* A count in `:m`; absent is 0. */
int64_t rig_meta(struct rig *rig, const char *field);

/* A field of a hash as text, "-" when absent. */
const char *rig_field(struct rig *rig, const char *key, const char *field);

/* A digest of all that Redis holds. */
const char *rig_digest(struct rig *rig);

/* Milliseconds of Redis TIME. */
int64_t rig_now_ms(struct rig *rig);

/* The entries of a list from its right end, that is in the order of their service. */
#define EXPECT_LIST(rig, key, ...)                                                       \
    rig_expect_list(rig, key, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
void rig_expect_list(struct rig *rig, const char *key, const char *const *want);

/* The entries of a sorted set, by score. */
#define EXPECT_ZSET(rig, key, ...)                                                       \
    rig_expect_zset(rig, key, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
void rig_expect_zset(struct rig *rig, const char *key, const char *const *want);

/* No job is lost or doubled, and the counts say so: pushed jobs = those stored + those
 * ended; reserved - finished = those in leases; every lease has a body and every body a
 * lease. */
void rig_expect_books(struct rig *rig);

/* The last call was refused with an error that begins with this word, for this reason. */
void rig_expect_refused(struct rig *rig, const struct redisReply *reply, int code,
                        const char *word);

#endif
