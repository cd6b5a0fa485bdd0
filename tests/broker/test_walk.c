/* SPDX-License-Identifier: MIT */
/* A random walk through the protocol. Three simulated workers take any step at any time,
 * as the real one could: they crash with leases in hand, answer for leases that were
 * reaped, send again what was answered. After each step no job may be lost or doubled,
 * the counts must say so, and each counter must be the sum of the jobs that are done. A
 * walk is decided by its seed, which is in the test's name. */
#include "unit/suite.h"
#include "walk.h"

#include <string.h>

enum { CENSUS_STEPS = 50 };

/* ---- leases ------------------------------------------------------------------------ */

static void take_lease(int got)
{
    struct lease *lease = &walk.leases[walk.lease_count];
    if (got <= 0)
        return;
    lease->is_flight = 0;
    lease->jobs = rig.count;
    memcpy(lease->entry, rig.job, (size_t)rig.count * sizeof *rig.job);
    walk.lease_count++;
}

static void reserve(void)
{
    if (walk.lease_count < LEASES - LEASE_JOBS)
        take_lease(rig_reserve(&rig, walk_next_id(walk.leases[walk.lease_count].id),
                               1 + walk_below(LEASE_JOBS)));
}

static void reserve_suspect(void)
{
    if (walk.lease_count < LEASES - LEASE_JOBS)
        take_lease(rig_reserve_suspect(&rig,
                                       walk_next_id(walk.leases[walk.lease_count].id),
                                       1 + walk_below(LEASE_JOBS)));
}

/* Its worker is gone; the lease stays in Redis until it is reaped. */
static void crash(void)
{
    if (walk.lease_count > 0)
        walk_drop_lease(walk_below(walk.lease_count));
}

/* ---- pushing ----------------------------------------------------------------------- */

static void push(void)
{
    const char *const lists[] = {rig.queue.list, rig.queue.list, rig.queue.high};
    for (int n = walk_below(6); n >= 0 && walk.job_next < JOBS; n--) {
        const char *list = lists[walk_below(COUNT(lists))];
        if (walk_below(3) == 0)
            rig_push(&rig, list,
                     rig_format(&rig, "%d fetch %d %d", walk.job_next++,
                                walk_below(COPIES), walk_below(2) * 1000000));
        else
            rig_push(&rig, list,
                     rig_format(&rig, "%d count %d %d", walk.job_next++,
                                walk_below(20) == 0 ? BROKEN : walk_below(BROKEN),
                                walk_below(200) - 100));
    }
}

static void send_again(void)
{
    if (walk.sent_count == 0)
        return;
    const struct sent *old =
        &walk.sent[walk_below(walk.sent_count < SENT ? walk.sent_count : SENT)];
    const char *before = rig_digest(&rig);
    cmd_reset(&rig.client.cmd);
    for (int i = 0; i < old->count; i++)
        cmd_adds(&rig.client.cmd, old->word[i]);
    rig.client.cmd.script = old->script;
    rig_ask(&rig);
    ck_assert_str_eq(rig_digest(&rig), before);
}

/* ---- flights ----------------------------------------------------------------------- */

static int land_once(const struct lease *lease)
{
    const char *key = rig_format(&rig, "%d", lease->copy);
    script_land(&rig.client.cmd, &rig.queue, rig_cache_key(&rig, key), lease->id, NULL);
    if (walk_below(3) == 0)
        ADD("extend", walk_below(2) ? "old" : "new", "1", "100000000");
    else
        ADD("store", walk_below(2) ? "old" : "new", "1", "100000000", "body", "", "",
            "200");
    int verdict = (int)reply_int(walk_send(), -9);
    ck_assert(verdict == 1 || verdict == 0 || verdict == -1);
    if (verdict == -1)
        walk.sent_count--; /* the copy may come to match */
    return verdict;
}

static void land(void)
{
    if (walk.lease_count == 0)
        return;
    int at = walk_below(walk.lease_count);
    if (!walk.leases[at].is_flight)
        return;
    struct lease lease = walk.leases[at];
    int number = walk_number_of(lease.entry[0]);
    if (walk_below(3) == 0) {
        walk.leases[at].is_flight = 0; /* it failed: settled by any outcome */
        return;
    }
    int verdict = land_once(&lease);
    if (verdict == 1)
        walk_end_job(number);
    if (verdict >= 0)
        walk_drop_lease(at);
}

/* Copies grow old, so that not all is fresh. */
static void forget_copy(void)
{
    ASK(&rig, "DEL",
        rig_text(&rig, rig_cache_key(&rig, rig_format(&rig, "%d", walk_below(COPIES)))));
}

/* ---- the rest ---------------------------------------------------------------------- */

static void release(void)
{
    if (walk.lease_count == 0)
        return;
    int at = walk_below(walk.lease_count);
    script_release(&rig.client.cmd, &rig.queue);
    cmd_adds(&rig.client.cmd, rig_format(&rig, "%s", walk.leases[at].id));
    walk_send();
    if (walk_below(2))
        walk_drop_lease(at); /* or it is settled later, in vain */
}

static void extend(void)
{
    script_extend(&rig.client.cmd, &rig.queue, 60000);
    for (int i = 0; i < walk.lease_count; i++)
        cmd_adds(&rig.client.cmd, walk.leases[i].id);
    if (walk.lease_count > 0)
        rig_ask(&rig);
}

/* Some leases, of living or dead workers, are over. */
static void reap(void)
{
    for (int i = 0; i < 2; i++) {
        const struct redisReply *all = ASK(&rig, "ZRANGE", rig.queue.lease, "0", "-1");
        int count = (int)reply_count(all);
        if (count > 0)
            rig_expire(
                &rig,
                rig_text(&rig, reply_bytes(reply_at(all, (size_t)walk_below(count)))));
    }
    rig_reap(&rig, 1 + walk_below(3));
}

static void promote(void)
{
    script_promote(&rig.client.cmd, &rig.queue, 1 + walk_below(20));
    rig_ask(&rig);
}

static void operate(void)
{
    int is_dead = walk_below(2);
    const struct redisReply *first = is_dead
                                         ? ASK(&rig, "ZRANGE", rig.queue.dead, "0", "0")
                                         : ASK(&rig, "LRANGE", rig.queue.bad, "-1", "-1");
    if (reply_count(first) == 0)
        return;
    struct bytes entry = bytes_of(rig_text(&rig, reply_bytes(reply_at(first, 0))));
    if (walk_below(2) == 0) {
        script_requeue(&rig.client.cmd, &rig.queue, is_dead ? "dead" : "bad", entry,
                       entry);
    } else {
        script_remove(&rig.client.cmd, &rig.queue, is_dead ? "dead" : "bad", entry);
        walk_end_job(walk_number_of(entry.at));
    }
    ck_assert_int_eq(reply_int(rig_ask(&rig), -9), 1);
}

/* PURGE takes the right end of the first list that has one. */
static void purge(void)
{
    const char *const lists[] = {rig.queue.list, rig.queue.high, rig.queue.staging,
                                 rig.queue.suspects};
    const struct redisReply *last = NULL;
    for (size_t i = 0; i < COUNT(lists) && reply_count(last) == 0; i++)
        last = ASK(&rig, "LRANGE", lists[i], "-1", "-1");
    int number = reply_count(last) > 0
                     ? walk_number_of(rig_text(&rig, reply_bytes(reply_at(last, 0))))
                     : -1;
    script_purge(&rig.client.cmd, &rig.queue, 1);
    ck_assert_int_eq(reply_int(rig_ask(&rig), -9), number >= 0);
    if (number >= 0)
        walk_end_job(number);
}

/* ---- the walk ---------------------------------------------------------------------- */

static void expect_counters(void)
{
    for (int i = 0; i < BROKEN; i++)
        ck_assert_int_eq(
            reply_int(ASK(&rig, "HGET", rig.queue.counters, rig_format(&rig, "c%d", i)),
                      0),
            walk.sums[i]);
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "c3"), "no number");
}

/* All that is scheduled becomes due: else retries that wait for a day hold every flight,
 * and no page is fetched any more. */
static void time_passes(void)
{
    ASK(&rig, "EVAL",
        "for _, e in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do "
        "redis.call('ZADD', KEYS[1], 1, e) end",
        "1", rig.queue.sched);
}

static const char census_script[] =
    "local all = {} "
    "local function add(list) for _, e in ipairs(list) do all[#all + 1] = e end end "
    "for i = 1, 5 do add(redis.call('LRANGE', KEYS[i], 0, -1)) end "
    "for i = 6, 7 do add(redis.call('ZRANGE', KEYS[i], 0, -1)) end "
    "add(redis.call('HVALS', KEYS[8])) "
    "for _, body in ipairs(redis.call('HVALS', KEYS[9])) do add(cmsgpack.unpack(body)) "
    "end "
    "return all";

/* Each job is stored in one place, or ended. What was asked again and replaced by a newer
 * job ended too, but only Redis knows which it was. */
static void census(void)
{
    const struct queue *q = &rig.queue;
    static unsigned char seen[JOBS];
    memset(seen, 0, sizeof seen);
    const struct redisReply *all =
        ASK(&rig, "EVAL", census_script, "9", q->list, q->high, q->staging, q->suspects,
            q->bad, q->sched, q->dead, q->again, q->body);
    for (size_t i = 0; i < reply_count(all); i++) {
        int number = walk_number_of(rig_text(&rig, reply_bytes(reply_at(all, i))));
        ck_assert_msg(seen[number]++ == 0, "job %d is there twice", number);
        ck_assert_msg(walk.fate[number] == WAITS, "job %d ended and is there", number);
    }
}

static const struct {
    int weight;
    void (*take)(void);
} steps[] = {
    {20, push},   {22, reserve},    {4, reserve_suspect}, {25, walk_settle},
    {14, land},   {4, release},     {3, crash},           {4, reap},
    {6, promote}, {2, extend},      {12, send_again},     {4, operate},
    {2, purge},   {4, forget_copy}, {1, time_passes},
};

static void (*any_step(void))(void)
{
    int all = 0;
    for (size_t i = 0; i < COUNT(steps); i++)
        all += steps[i].weight;
    int at = walk_below(all);
    size_t i = 0;
    for (; at >= steps[i].weight; i++)
        at -= steps[i].weight;
    return steps[i].take;
}

/* A place that the walk has not been to, or NULL. */
static const char *unvisited(void)
{
    static const char *const places[] = {
        "done", "dead",    "bad",    "retry", "expired",  "merged",    "fresh",
        "back", "removed", "purged", "res",   "requeued", "recovered", "cancelled"};
    for (size_t i = 0; i < COUNT(places); i++)
        if (rig_meta(&rig, places[i]) <= 0)
            return places[i];
    return NULL;
}

/* What is due or fresh follows the clock of Redis, not the seed; so the walk goes on
 * until it went everywhere. */
static void run(uint64_t seed)
{
    walk.random = seed * UINT64_C(0x9e3779b97f4a7c15);
    rig_start(&rig);
    ASK(&rig, "HSET", rig.queue.counters, "c3", "no number");
    for (int i = 0; i < STEPS || (i < 4 * STEPS && unvisited() != NULL); i++) {
        any_step()();
        rig_expect_books(&rig);
        expect_counters();
        if (i % CENSUS_STEPS == 0)
            census();
    }
    ck_assert_msg(unvisited() == NULL, "no step to %s", unvisited());
    rig_stop(&rig);
}

#define WALK(seed)                                                                       \
    START_TEST(a_walk_with_seed_##seed##_loses_and_doubles_nothing)                      \
    {                                                                                    \
        run(seed);                                                                       \
    }                                                                                    \
    END_TEST

WALK(1)
WALK(2)
WALK(3)
WALK(4)
WALK(5)
WALK(6)

SUITE("walk", a_walk_with_seed_1_loses_and_doubles_nothing,
      a_walk_with_seed_2_loses_and_doubles_nothing,
      a_walk_with_seed_3_loses_and_doubles_nothing,
      a_walk_with_seed_4_loses_and_doubles_nothing,
      a_walk_with_seed_5_loses_and_doubles_nothing,
      a_walk_with_seed_6_loses_and_doubles_nothing)
