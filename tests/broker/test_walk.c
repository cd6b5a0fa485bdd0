/* SPDX-License-Identifier: MIT */
/* A random walk through the protocol. Three simulated workers take any step at any time,
 * as the real one could: they crash with leases in hand, answer for leases that were
 * reaped, send again what was answered. After each step no job may be lost or doubled,
 * the counts must say so, and each counter must be the sum of the jobs that are done. A
 * walk is decided by its seed, which is in the test's name. */
#include "rig.h"
#include "schema/entry.h"
#include "schema/pack.h"
#include "unit/suite.h"

#include <stdio.h>
#include <string.h>

enum {
    STEPS = 1500,
    WORKERS = 3,
    COUNTERS = 4,
    BROKEN = 3, /* this one holds no integer */
    COPIES = 3, /* cache keys */
    LEASE_JOBS = 8,
    LEASES = 40,
    SENT = 64,
    JOBS = STEPS * 6,
    CENSUS_STEPS = 50,
};

enum fate { WAITS, ENDED };

struct lease {
    char id[24];
    int is_flight, copy;
    int jobs;
    const char *entry[LEASE_JOBS];
};

/* A command that was answered: sent again, it must not change anything. */
struct sent {
    const struct script *script;
    const char **word;
    int count;
};

/* One job of a lease that is being settled. */
struct sorted {
    struct entry entry;
    char letter;
    int number, is_flight, target; /* the counter, or the copy */
    int by;
    char claim[24];
    int follows; /* the number of its follow-up, or -1 */
    int has_run, is_cancelled;
};

static struct rig rig;
static uint64_t random_state;
static int64_t sums[COUNTERS];
static struct lease leases[LEASES];
static int lease_count, lease_next, job_next;
static struct sent sent[SENT];
static int sent_count;
static unsigned char fate[JOBS];

/* Source: xorshift64, Marsaglia 2003. */
static int below(int bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int)(random_state % (uint64_t)bound);
}

/* Some words of a command. */
#define ADD(...) add_words((const char *const[]){__VA_ARGS__, NULL})
static void add_words(const char *const *words)
{
    while (*words != NULL)
        cmd_adds(&rig.client.cmd, *words++);
}

static int number_of(const char *raw)
{
    struct entry entry;
    if (entry_read(&entry, bytes_of(raw)) != 0)
        entry.payload = bytes_of(raw);
    return (int)strtol(entry.payload.at, NULL, 10);
}

/* ---- leases ------------------------------------------------------------------------ */

static void drop_lease(int i)
{
    leases[i] = leases[--lease_count];
}

static void take_lease(int got)
{
    struct lease *lease = &leases[lease_count];
    if (got <= 0)
        return;
    lease->is_flight = 0;
    lease->jobs = rig.count;
    memcpy(lease->entry, rig.job, (size_t)rig.count * sizeof *rig.job);
    lease_count++;
}

static const char *next_id(char out[24])
{
    snprintf(out, 24, "w%d-%d", below(WORKERS), lease_next++);
    return out;
}

static void reserve(void)
{
    if (lease_count < LEASES - LEASE_JOBS)
        take_lease(
            rig_reserve(&rig, next_id(leases[lease_count].id), 1 + below(LEASE_JOBS)));
}

static void reserve_suspect(void)
{
    if (lease_count < LEASES - LEASE_JOBS)
        take_lease(rig_reserve_suspect(&rig, next_id(leases[lease_count].id),
                                       1 + below(LEASE_JOBS)));
}

/* Its worker is gone; the lease stays in Redis until it is reaped. */
static void crash(void)
{
    if (lease_count > 0)
        drop_lease(below(lease_count));
}

/* ---- pushing ----------------------------------------------------------------------- */

static void push(void)
{
    const char *const lists[] = {rig.queue.list, rig.queue.list, rig.queue.high};
    for (int n = below(6); n >= 0 && job_next < JOBS; n--) {
        const char *list = lists[below(COUNT(lists))];
        if (below(3) == 0)
            rig_push(&rig, list,
                     rig_format(&rig, "%d fetch %d %d", job_next++, below(COPIES),
                                below(2) * 1000000));
        else
            rig_push(&rig, list,
                     rig_format(&rig, "%d count %d %d", job_next++,
                                below(20) == 0 ? BROKEN : below(BROKEN),
                                below(200) - 100));
    }
}

/* ---- sending ----------------------------------------------------------------------- */

/* Send the command put together, and keep it to be sent again. */
static const struct redisReply *send_and_keep(void)
{
    const struct cmd *cmd = &rig.client.cmd;
    struct sent *kept = &sent[sent_count++ % SENT];
    kept->script = cmd->script;
    kept->count = cmd->count;
    kept->word = arena_alloc(&rig.arena, (size_t)cmd->count * sizeof *kept->word);
    for (int i = 0; i < cmd->count; i++)
        kept->word[i] = rig_text(&rig, (struct bytes){cmd->word[i], cmd->len[i]});
    const struct redisReply *reply = rig_call(&rig);
    ck_assert_msg(reply != NULL, "%s", rig.err.text);
    return reply;
}

static void send_again(void)
{
    if (sent_count == 0)
        return;
    const struct sent *old = &sent[below(sent_count < SENT ? sent_count : SENT)];
    const char *before = rig_digest(&rig);
    cmd_reset(&rig.client.cmd);
    for (int i = 0; i < old->count; i++)
        cmd_adds(&rig.client.cmd, old->word[i]);
    rig.client.cmd.script = old->script;
    rig_ask(&rig);
    ck_assert_str_eq(rig_digest(&rig), before);
}

static const char *header(struct sorted *job, int fails, const char *error)
{
    struct buf text = {0};
    struct entry entry = job->entry;
    entry.fails += fails;
    entry_write_header(&text, &entry, error);
    const char *kept = rig_text(&rig, buf_bytes(&text));
    buf_fini(&text);
    return kept;
}

/* ---- settling ---------------------------------------------------------------------- */

/* One that has not run is cancelled only if somebody wants it. */
static void cancel_or_not(struct sorted *job)
{
    const char *id = rig_format(&rig, "%d", job->number);
    int is_wanted = below(2);
    if (is_wanted)
        ASK(&rig, "HSET", rig.queue.cancel, id, "1");
    else
        ASK(&rig, "HDEL", rig.queue.cancel, id);
    job->has_run = below(3) == 0;
    job->is_cancelled = job->has_run || is_wanted;
}

static void sort_job(struct sorted *job, const struct lease *lease, int index,
                     int refused)
{
    char *at;
    ck_assert_int_eq(entry_read(&job->entry, bytes_of(lease->entry[index])), 0);
    if (job->entry.iid.len == 0)
        job->entry.iid = bytes_of(rig_format(&rig, "%s.%d", lease->id, index));
    job->number = (int)strtol(job->entry.payload.at, &at, 10);
    job->is_flight = strncmp(at, " fetch", 6) == 0;
    ck_assert(job->is_flight || strncmp(at, " count", 6) == 0);
    job->target = (int)strtol(at + 6, &at, 10);
    job->by = (int)strtol(at, &at, 10);
    ck_assert_int_eq(*at, '\0');
    if (below(3) == 0)
        job->letter = "rldbgxk"[below(7)];
    else if (job->is_flight)
        job->letter = 'f';
    else
        job->letter =
            refused && job->target == BROKEN ? "ces"[below(3)] : "aaaces"[below(6)];
    if (job->letter == 'k')
        cancel_or_not(job);
}

/* Two counters, of which one may refuse; its follow-up counts, now or later, in this
 * queue. */
static void add_effects(struct sorted *job)
{
    const char *by = rig_format(&rig, "%d", job->by);
    ADD(header(job, 0, "it is full"), "2", "c0", "7",
        rig_format(&rig, "c%d", job->target), by);
    job->follows = job_next < JOBS ? job_next++ : -1;
    if (job->follows < 0)
        ADD("0");
    else if (below(2))
        ADD("1", "0", "0", "0", rig_format(&rig, "%d count 1 %s", job->follows, by));
    else
        ADD("1", "0", "100000000", "0",
            rig_format(&rig, "R1 f%d 0 0\n%d count 1 %s", job->follows, job->follows,
                       by));
}

static void add_arguments(struct sorted *job)
{
    struct cmd *cmd = &rig.client.cmd;
    switch (job->letter) {
    case 'c':
        cmd_addf(cmd, "c%d", job->target);
        cmd_add_int(cmd, job->by);
        cmd_adds(cmd, header(job, 0, "it is full"));
        break;
    case 'r':
    case 'l':
        cmd_adds(cmd, header(job, job->letter == 'r', "again later"));
        cmd_adds(cmd, below(2) ? "0" : "100000000");
        if (job->letter == 'l')
            cmd_adds(cmd, below(2) ? "mail" : "");
        break;
    case 'd': cmd_adds(cmd, header(job, 1, "no")); break;
    case 'b': cmd_adds(cmd, "0"); break;
    case 'g': cmd_adds(cmd, below(2) ? "" : header(job, 0, NULL)); break;
    case 's': cmd_adds(cmd, header(job, 0, NULL)); break;
    case 'e': add_effects(job); break;
    case 'k': ADD(rig_format(&rig, "%d", job->number), job->has_run ? "1" : "0"); break;
    case 'f':
        cmd_adds(cmd, header(job, 0, NULL));
        cmd_adds(cmd, next_id(job->claim));
        cmd_adds(cmd, "60000");
        cmd_add_int(cmd, job->by);
        cmd_adds(cmd, "0");
        break;
    default: break;
    }
}

static void add_sums(const struct sorted *jobs, int n, int with_count)
{
    int pairs = 0;
    int64_t sum[COUNTERS] = {0};
    for (int i = 0; i < n; i++)
        if (jobs[i].letter == 'a')
            sum[jobs[i].target] += jobs[i].by;
    for (int i = 0; i < COUNTERS; i++)
        pairs += sum[i] != 0;
    if (with_count)
        cmd_add_int(&rig.client.cmd, pairs);
    for (int i = 0; i < COUNTERS; i++)
        if (sum[i] != 0) {
            cmd_addf(&rig.client.cmd, "c%d", i);
            cmd_add_int(&rig.client.cmd, sum[i]);
        }
}

/* Those that stay go to the lease `stay`. */
static void write_settle(const struct lease *lease, struct sorted *jobs, char stay[24])
{
    struct cmd claims = {0};
    char letters[LEASE_JOBS + 1] = "";
    for (int i = 0; i < lease->jobs; i++) {
        letters[i] = jobs[i].letter;
        if (jobs[i].letter == 'f')
            cmd_add(&claims, rig_cache_key(&rig, rig_format(&rig, "%d", jobs[i].target)));
    }
    if (strspn(letters, "a") == (size_t)lease->jobs) {
        script_ack(&rig.client.cmd, &rig.queue, lease->id, lease->jobs);
        add_sums(jobs, lease->jobs, 0);
        return;
    }
    const struct queue *target = &rig.queue;
    const struct script_keys more = {
        .claims = &claims, .targets = &target, .target_count = 1};
    struct settle_head head = {.lease = lease->id, .stay_ttl_ms = 60000};
    if (strchr(letters, 's') != NULL)
        head.stay_lease = next_id(stay);
    script_settle(&rig.client.cmd, &rig.queue, &head, &more);
    cmd_fini(&claims);
    cmd_adds(&rig.client.cmd, rig_format(&rig, "%s", letters));
    add_sums(jobs, lease->jobs, 1);
    for (int i = 0; i < lease->jobs; i++)
        add_arguments(&jobs[i]);
}

static void end_job(int number)
{
    ck_assert_int_eq(fate[number], WAITS);
    fate[number] = ENDED;
}

/* What the settle did, which was answered with 1. */
static void believe(const struct sorted *job, struct bytes verdict)
{
    if (job->letter == 'a' || (job->letter == 'c' && job->target != BROKEN)) {
        sums[job->target] += job->by;
        end_job(job->number);
    } else if (job->letter == 'e' && job->target != BROKEN) {
        sums[0] += 7;
        sums[job->target] += job->by;
        rig.pushed += job->follows >= 0;
        end_job(job->number);
    } else if (job->letter == 'x' || (job->letter == 'k' && job->is_cancelled) ||
               bytes_is(verdict, "fresh") || bytes_is(verdict, "merged")) {
        end_job(job->number);
    } else if (bytes_is(verdict, "run")) {
        struct lease *flight = &leases[lease_count++];
        *flight = (struct lease){.is_flight = 1, .copy = job->target, .jobs = 1};
        memcpy(flight->id, job->claim, sizeof flight->id);
        const struct redisReply *body = ASK(&rig, "HGET", rig.queue.body, flight->id);
        const char *packed = rig_text(&rig, reply_bytes(body));
        flight->entry[0] = strstr(packed, "R1 ");
    } else if (job->letter == 'f') {
        ck_assert(bytes_is(verdict, "again"));
    }
}

/* The jobs that stayed are in hand, as Redis has them. */
static void keep_stay(const char *id)
{
    struct pack_reader reader;
    struct bytes job;
    struct lease *lease = &leases[lease_count++];
    *lease = (struct lease){0};
    snprintf(lease->id, sizeof lease->id, "%s", id);
    const struct redisReply *body = ASK(&rig, "HGET", rig.queue.body, id);
    ck_assert_int_eq(pack_open(&reader, reply_bytes(body)), 0);
    while (pack_next(&reader, &job) == 0)
        lease->entry[lease->jobs++] = rig_text(&rig, job);
}

/* 1: done, 0: it was gone, -1: sums were refused. */
static int settle_once(const struct lease *lease, int refused)
{
    struct sorted jobs[LEASE_JOBS] = {0};
    struct bytes verdicts[LEASE_JOBS] = {{0}};
    for (int i = 0; i < lease->jobs; i++)
        sort_job(&jobs[i], lease, i, refused);
    char stay[24] = "";
    write_settle(lease, jobs, stay);
    const struct redisReply *reply = send_and_keep();
    const struct redisReply *first = reply_is_int(reply) ? reply : reply_at(reply, 0);
    int done = (int)reply_int(first, -1); /* ACK's list of refusals has no number */
    if (done < 0)
        sent_count--; /* with other outcomes it will be sent anew */
    size_t next = 1;
    for (int i = 0; i < lease->jobs && done == 1; i++)
        if (jobs[i].letter == 'f') {
            struct bytes verdict = reply_bytes(reply_at(reply, next++));
            verdicts[i] = bytes_of(rig_text(&rig, verdict));
        }
    for (int i = 0; i < lease->jobs && done == 1; i++)
        believe(&jobs[i], verdicts[i]);
    if (done == 1 && stay[0] != '\0')
        keep_stay(stay);
    return done;
}

static void settle(void)
{
    if (lease_count == 0 || lease_count + LEASE_JOBS > LEASES)
        return;
    int at = below(lease_count);
    struct lease lease = leases[at];
    if (lease.is_flight)
        return;
    drop_lease(at);
    if (settle_once(&lease, 0) < 0)
        ck_assert_int_ge(settle_once(&lease, 1), 0);
}

/* ---- flights ----------------------------------------------------------------------- */

static int land_once(const struct lease *lease)
{
    const char *key = rig_format(&rig, "%d", lease->copy);
    script_land(&rig.client.cmd, &rig.queue, rig_cache_key(&rig, key), lease->id, NULL);
    if (below(3) == 0) {
        cmd_adds(&rig.client.cmd, "extend");
        cmd_adds(&rig.client.cmd, below(2) ? "old" : "new");
        cmd_adds(&rig.client.cmd, "1");
        cmd_adds(&rig.client.cmd, "100000000");
    } else {
        cmd_adds(&rig.client.cmd, "store");
        cmd_adds(&rig.client.cmd, below(2) ? "old" : "new");
        cmd_adds(&rig.client.cmd, "1");
        cmd_adds(&rig.client.cmd, "100000000");
        for (const char *const *word = (const char *const[]){"body", "", "", "200", NULL};
             *word != NULL; word++)
            cmd_adds(&rig.client.cmd, *word);
    }
    int verdict = (int)reply_int(send_and_keep(), -9);
    ck_assert(verdict == 1 || verdict == 0 || verdict == -1);
    if (verdict == -1)
        sent_count--; /* the copy may come to match */
    return verdict;
}

static void land(void)
{
    if (lease_count == 0)
        return;
    int at = below(lease_count);
    if (!leases[at].is_flight)
        return;
    struct lease lease = leases[at];
    int number = number_of(lease.entry[0]);
    if (below(3) == 0) {
        leases[at].is_flight = 0; /* it failed: settled by any outcome */
        return;
    }
    int verdict = land_once(&lease);
    if (verdict == 1)
        end_job(number);
    if (verdict >= 0)
        drop_lease(at);
}

/* Copies grow old, so that not all is fresh. */
static void forget_copy(void)
{
    ASK(&rig, "DEL",
        rig_text(&rig, rig_cache_key(&rig, rig_format(&rig, "%d", below(COPIES)))));
}

/* ---- the rest ---------------------------------------------------------------------- */

static void release(void)
{
    if (lease_count == 0)
        return;
    int at = below(lease_count);
    script_release(&rig.client.cmd, &rig.queue);
    cmd_adds(&rig.client.cmd, rig_format(&rig, "%s", leases[at].id));
    send_and_keep();
    if (below(2))
        drop_lease(at); /* or it is settled later, in vain */
}

static void extend(void)
{
    script_extend(&rig.client.cmd, &rig.queue, 60000);
    for (int i = 0; i < lease_count; i++)
        cmd_adds(&rig.client.cmd, leases[i].id);
    if (lease_count > 0)
        rig_ask(&rig);
}

/* Some leases, of living or dead workers, are over. */
static void reap(void)
{
    for (int i = 0; i < 2; i++) {
        const struct redisReply *all = ASK(&rig, "ZRANGE", rig.queue.lease, "0", "-1");
        int count = (int)reply_count(all);
        if (count > 0)
            rig_expire(&rig,
                       rig_text(&rig, reply_bytes(reply_at(all, (size_t)below(count)))));
    }
    rig_reap(&rig, 1 + below(3));
}

static void promote(void)
{
    script_promote(&rig.client.cmd, &rig.queue, 1 + below(20));
    rig_ask(&rig);
}

static void operate(void)
{
    int is_dead = below(2);
    const struct redisReply *first = is_dead
                                         ? ASK(&rig, "ZRANGE", rig.queue.dead, "0", "0")
                                         : ASK(&rig, "LRANGE", rig.queue.bad, "-1", "-1");
    if (reply_count(first) == 0)
        return;
    struct bytes entry = bytes_of(rig_text(&rig, reply_bytes(reply_at(first, 0))));
    if (below(2) == 0) {
        script_requeue(&rig.client.cmd, &rig.queue, is_dead ? "dead" : "bad", entry,
                       entry);
    } else {
        script_remove(&rig.client.cmd, &rig.queue, is_dead ? "dead" : "bad", entry);
        end_job(number_of(entry.at));
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
                     ? number_of(rig_text(&rig, reply_bytes(reply_at(last, 0))))
                     : -1;
    script_purge(&rig.client.cmd, &rig.queue, 1);
    ck_assert_int_eq(reply_int(rig_ask(&rig), -9), number >= 0);
    if (number >= 0)
        end_job(number);
}

/* ---- the walk ---------------------------------------------------------------------- */

static void expect_counters(void)
{
    for (int i = 0; i < BROKEN; i++)
        ck_assert_int_eq(
            reply_int(ASK(&rig, "HGET", rig.queue.counters, rig_format(&rig, "c%d", i)),
                      0),
            sums[i]);
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
        int number = number_of(rig_text(&rig, reply_bytes(reply_at(all, i))));
        ck_assert_msg(seen[number]++ == 0, "job %d is there twice", number);
        ck_assert_msg(fate[number] == WAITS, "job %d ended and is there", number);
    }
}

static const struct {
    int weight;
    void (*take)(void);
} steps[] = {
    {20, push},   {22, reserve},    {4, reserve_suspect}, {25, settle},
    {14, land},   {4, release},     {3, crash},           {4, reap},
    {6, promote}, {2, extend},      {12, send_again},     {4, operate},
    {2, purge},   {4, forget_copy}, {1, time_passes},
};

static void (*any_step(void))(void)
{
    int all = 0;
    for (size_t i = 0; i < COUNT(steps); i++)
        all += steps[i].weight;
    int at = below(all);
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
static void walk(uint64_t seed)
{
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
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
        walk(seed);                                                                      \
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
