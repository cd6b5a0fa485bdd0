/* SPDX-License-Identifier: MIT */
/* The step of the walk that ends a lease: each job gets any outcome that a worker could
 * choose, and what Redis says came of it is believed. */
#include "walk.h"
#include "schema/entry.h"
#include "schema/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    int is_wanted = walk_below(2);
    if (is_wanted)
        ASK(&rig, "HSET", rig.queue.cancel, id, "1");
    else
        ASK(&rig, "HDEL", rig.queue.cancel, id);
    job->has_run = walk_below(3) == 0;
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
    if (walk_below(3) == 0)
        job->letter = "rldbgxk"[walk_below(7)];
    else if (job->is_flight)
        job->letter = 'f';
    else
        job->letter = refused && job->target == BROKEN ? "ces"[walk_below(3)]
                                                       : "aaaces"[walk_below(6)];
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
    job->follows = walk.job_next < JOBS ? walk.job_next++ : -1;
    if (job->follows < 0)
        ADD("0");
    else if (walk_below(2))
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
        cmd_adds(cmd, walk_below(2) ? "0" : "100000000");
        if (job->letter == 'l')
            cmd_adds(cmd, walk_below(2) ? "mail" : "");
        break;
    case 'd': cmd_adds(cmd, header(job, 1, "no")); break;
    case 'b': cmd_adds(cmd, "0"); break;
    case 'g': cmd_adds(cmd, walk_below(2) ? "" : header(job, 0, NULL)); break;
    case 's': cmd_adds(cmd, header(job, 0, NULL)); break;
    case 'e': add_effects(job); break;
    case 'k': ADD(rig_format(&rig, "%d", job->number), job->has_run ? "1" : "0"); break;
    case 'f':
        cmd_adds(cmd, header(job, 0, NULL));
        cmd_adds(cmd, walk_next_id(job->claim));
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
        head.stay_lease = walk_next_id(stay);
    script_settle(&rig.client.cmd, &rig.queue, &head, &more);
    cmd_fini(&claims);
    cmd_adds(&rig.client.cmd, rig_format(&rig, "%s", letters));
    add_sums(jobs, lease->jobs, 1);
    for (int i = 0; i < lease->jobs; i++)
        add_arguments(&jobs[i]);
    for (int i = 0; i < lease->jobs; i++)
        if ((letters[i] == 'r' || letters[i] == 'd') && walk_below(2))
            ADD(rig_format(&rig, "%d", i), "first\nlast\n",
                walk_below(2) ? "" : "R1 no.header 0 0\n");
}

/* What the settle did, which was answered with 1. */
static void believe(const struct sorted *job, struct bytes verdict)
{
    if (job->letter == 'a' || (job->letter == 'c' && job->target != BROKEN)) {
        walk.sums[job->target] += job->by;
        walk_end_job(job->number);
    } else if (job->letter == 'e' && job->target != BROKEN) {
        walk.sums[0] += 7;
        walk.sums[job->target] += job->by;
        rig.pushed += job->follows >= 0;
        walk_end_job(job->number);
    } else if (job->letter == 'x' || (job->letter == 'k' && job->is_cancelled) ||
               bytes_is(verdict, "fresh") || bytes_is(verdict, "merged")) {
        walk_end_job(job->number);
    } else if (bytes_is(verdict, "run")) {
        struct lease *flight = &walk.leases[walk.lease_count++];
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
    struct lease *lease = &walk.leases[walk.lease_count++];
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
    const struct redisReply *reply = walk_send();
    const struct redisReply *first = reply_is_int(reply) ? reply : reply_at(reply, 0);
    int done = (int)reply_int(first, -1); /* ACK's list of refusals has no number */
    if (done < 0)
        walk.sent_count--; /* with other outcomes it will be sent anew */
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

void walk_settle(void)
{
    if (walk.lease_count == 0 || walk.lease_count + LEASE_JOBS > LEASES)
        return;
    int at = walk_below(walk.lease_count);
    struct lease lease = walk.leases[at];
    if (lease.is_flight)
        return;
    walk_drop_lease(at);
    if (settle_once(&lease, 0) < 0)
        ck_assert_int_ge(settle_once(&lease, 1), 0);
}
