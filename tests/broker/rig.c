/* SPDX-License-Identifier: MIT */
#include "rig.h"
#include "schema/pack.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void rig_start(struct rig *rig)
{
    struct err err = {0};
    redis_fixture_start(&rig->redis, "--enable-debug-command", "yes", NULL);
    ck_assert_int_eq(queue_init(&rig->queue, "q", NULL), LEAT_OK);
    client_open(&rig->client, rig->redis.url, 30000, &err);
    ck_assert_msg(err.code == LEAT_OK, "%s", err.text);
}

void rig_stop(struct rig *rig)
{
    client_close(&rig->client);
    redis_fixture_stop(&rig->redis);
    arena_fini(&rig->arena);
}

const struct redisReply *rig_call(struct rig *rig)
{
    const struct redisReply *reply = NULL;
    rig->err = (struct err){0};
    client_call(&rig->client, &reply, &rig->err);
    return reply;
}

const struct redisReply *rig_ask(struct rig *rig)
{
    const struct redisReply *reply = rig_call(rig);
    ck_assert_msg(rig->err.code == LEAT_OK, "%s", rig->err.text);
    return reply;
}

const char *rig_text(struct rig *rig, struct bytes bytes)
{
    return arena_dup(&rig->arena, bytes);
}

const char *rig_format(struct rig *rig, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return rig_text(rig, bytes_of(text));
}

/* ---- steps ------------------------------------------------------------------------- */

void rig_push(struct rig *rig, const char *list, const char *entry)
{
    ASK(rig, "LPUSH", list, entry);
    rig->pushed++;
}

void rig_push_n(struct rig *rig, const char *list, int first, int n)
{
    for (int from = 0; from < n; from += 500) {
        cmd_set(&rig->client.cmd, "LPUSH", list, NULL);
        for (int i = from; i < n && i < from + 500; i++)
            cmd_add_int(&rig->client.cmd, first + i);
        rig_ask(rig);
    }
    rig->pushed += n;
}

static int take_jobs(struct rig *rig)
{
    const struct redisReply *reply = rig_call(rig);
    struct pack_reader reader;
    rig->count = 0;
    if (reply == NULL)
        return -1;
    if (reply_is_int(reply))
        return (int)reply_int(reply, -1);
    ck_assert_int_eq(pack_open(&reader, reply_bytes(reply_at(reply, 0))), 0);
    rig->reserved_us = reply_int(reply_at(reply, 1), 0);
    ck_assert_uint_le(reader.left, LIMIT_LEASE_JOBS);
    while (reader.left > 0) {
        struct bytes job;
        ck_assert_int_eq(pack_next(&reader, &job), 0);
        rig->job[rig->count++] = rig_text(rig, job);
    }
    return rig->count;
}

int rig_reserve_bytes(struct rig *rig, const char *lease, int n, int64_t bytes)
{
    script_reserve(&rig->client.cmd, &rig->queue, lease, n, 60000, bytes, 0);
    return take_jobs(rig);
}

int rig_reserve(struct rig *rig, const char *lease, int n)
{
    return rig_reserve_bytes(rig, lease, n, LIMIT_LEASE_BYTES);
}

int rig_reserve_suspect(struct rig *rig, const char *lease, int n)
{
    script_reserve(&rig->client.cmd, &rig->queue, lease, n, 60000, LIMIT_LEASE_BYTES, 1);
    return take_jobs(rig);
}

int rig_reserve_rung(struct rig *rig, const char *lease, const char *entry)
{
    script_reserve_rung(&rig->client.cmd, &rig->queue, lease, 60000, bytes_of(entry));
    return take_jobs(rig);
}

const struct redisReply *rig_words(struct rig *rig, const char *const *words)
{
    while (*words != NULL)
        cmd_adds(&rig->client.cmd, *words++);
    return rig_call(rig);
}

struct bytes rig_cache_key(struct rig *rig, const char *key)
{
    return queue_cache_key(&rig->queue, bytes_of(key), &rig->arena);
}

void rig_settle(struct rig *rig, const char *lease, const struct script_keys *more)
{
    script_settle(&rig->client.cmd, &rig->queue, &(struct settle_head){.lease = lease},
                  more);
}

const char *rig_claim(struct rig *rig, const char *lease, const char *key,
                      const char *header, const char *new_lease, const char *max_age_ms)
{
    struct cmd claims = {0};
    cmd_add(&claims, rig_cache_key(rig, key));
    rig_settle(rig, lease, &(struct script_keys){.claims = &claims});
    const struct redisReply *reply =
        rig_words(rig, (const char *const[]){"f", "0", header, new_lease, "60000",
                                             max_age_ms, "0", NULL});
    cmd_fini(&claims);
    ck_assert_msg(reply != NULL, "%s", rig->err.text);
    ck_assert_uint_eq(reply_count(reply), 2);
    return rig_text(rig, reply_bytes(reply_at(reply, 1)));
}

int64_t rig_reap(struct rig *rig, int leases_max)
{
    ASK(rig, "HSET", rig->queue.meta, "seen",
        rig_format(rig, "%lld", (long long)rig_now_ms(rig)));
    script_reap(&rig->client.cmd, &rig->queue, leases_max);
    return reply_int(reply_at(rig_ask(rig), 1), -1);
}

void rig_expire(struct rig *rig, const char *lease)
{
    ASK(rig, "ZADD", rig->queue.lease, "XX", "1000", lease);
    ck_assert_int_eq(ASK_INT(rig, "ZSCORE", rig->queue.lease, lease), 1000);
}

/* ---- what there is ----------------------------------------------------------------- */

const char *rig_field(struct rig *rig, const char *key, const char *field)
{
    const struct redisReply *reply = ASK(rig, "HGET", key, field);
    return reply_is_nil(reply) ? "-" : rig_text(rig, reply_bytes(reply));
}

int64_t rig_meta(struct rig *rig, const char *field)
{
    return reply_int(ASK(rig, "HGET", rig->queue.meta, field), 0);
}

const char *rig_digest(struct rig *rig)
{
    return rig_text(rig, reply_bytes(ASK(rig, "DEBUG", "DIGEST")));
}

int64_t rig_now_ms(struct rig *rig)
{
    const struct redisReply *reply = ASK(rig, "TIME");
    return reply_int(reply_at(reply, 0), 0) * 1000 +
           reply_int(reply_at(reply, 1), 0) / 1000;
}

static int length(const char *const *words)
{
    int n = 0;
    while (words[n] != NULL)
        n++;
    return n;
}

void rig_expect_list(struct rig *rig, const char *key, const char *const *want)
{
    const struct redisReply *reply = ASK(rig, "LRANGE", key, "0", "-1");
    int n = length(want);
    ck_assert_int_eq((int)reply_count(reply), n);
    for (int i = 0; i < n; i++)
        ck_assert_str_eq(rig_text(rig, reply_bytes(reply_at(reply, (size_t)(n - 1 - i)))),
                         want[i]);
}

void rig_expect_zset(struct rig *rig, const char *key, const char *const *want)
{
    const struct redisReply *reply = ASK(rig, "ZRANGE", key, "0", "-1");
    int n = length(want);
    ck_assert_int_eq((int)reply_count(reply), n);
    for (int i = 0; i < n; i++)
        ck_assert_str_eq(rig_text(rig, reply_bytes(reply_at(reply, (size_t)i))), want[i]);
}

void rig_expect_refused(struct rig *rig, const struct redisReply *reply, int code,
                        const char *word)
{
    ck_assert_msg(reply == NULL, "it was not refused");
    ck_assert_msg(rig->err.code == code, "%d: %s", rig->err.code, rig->err.text);
    ck_assert_msg(strncmp(rig->err.text + strlen("Redis: "), word, strlen(word)) == 0,
                  "%s", rig->err.text);
}

/* {jobs stored, jobs in leases, leases, bodies, leases without a body} at one instant */
static const char look[] =
    "local call, m, stored, held, orphans = redis.call, {}, 0, 0, 0 "
    "for i = 1, 5 do stored = stored + call('LLEN', KEYS[i]) end "
    "for i = 6, 7 do stored = stored + call('ZCARD', KEYS[i]) end "
    "stored = stored + call('HLEN', KEYS[8]) "
    "for _, body in ipairs(call('HVALS', KEYS[9])) do "
    "  held = held + #cmsgpack.unpack(body) end "
    "for _, id in ipairs(call('ZRANGE', KEYS[10], 0, -1)) do "
    "  if call('HEXISTS', KEYS[9], id) == 0 then orphans = orphans + 1 end end "
    "return {stored, held, call('ZCARD', KEYS[10]), call('HLEN', KEYS[9]), orphans}";

/* Jobs that left for good. */
static int64_t ended(struct rig *rig)
{
    static const char *const ends[] = {"done",         "expired",    "cancelled",
                                       "merged",       "purged",     "removed",
                                       "trimmed_dead", "trimmed_bad"};
    int64_t sum = 0;
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++)
        sum += rig_meta(rig, ends[i]);
    return sum;
}

void rig_expect_books(struct rig *rig)
{
    const struct queue *q = &rig->queue;
    const struct redisReply *reply =
        ASK(rig, "EVAL", look, "10", q->list, q->high, q->staging, q->suspects, q->bad,
            q->sched, q->dead, q->again, q->body, q->lease);
    int64_t stored = reply_int(reply_at(reply, 0), -1);
    int64_t held = reply_int(reply_at(reply, 1), -1);
    ck_assert_int_eq(reply_int(reply_at(reply, 2), -1),
                     reply_int(reply_at(reply, 3), -1));
    ck_assert_int_eq(reply_int(reply_at(reply, 4), -1), 0);
    ck_assert_int_eq(stored + held + ended(rig), rig->pushed);
    ck_assert_int_eq(rig_meta(rig, "res") - rig_meta(rig, "fin"), held);
    ck_assert_int_ge(rig_meta(rig, "retrying"), 0);
}
