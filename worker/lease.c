/* SPDX-License-Identifier: MIT */
/* lease_new -> lease_reserve -> on_reserved -> settle -> on_settled -> lease_free.
 *
 * Behind a bell the first three are one step: the job is worked on while its lease is
 * asked for. If that comes to nothing so does the settle behind it, for the lease fences
 * it. The two go in one pipeline, so the RESERVE is answered first, also when both are
 * lost.
 *
 * When Redis refuses one of the summed increments (a counter would overflow, or holds no
 * integer) nothing has changed: the lease is sorted once more, with the refused counters'
 * jobs counted one by one, so that only the jobs at fault die. When Redis has no memory
 * for what follows some jobs it is sorted once more, too, and those are put off. */
#include "worker/lease.h"
#include "worker/call.h"
#include "worker/flight.h"
#include "worker/outcome.h"
#include "worker/run.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/script_call.h"
#include "schema/pack.h"
#include "worker/sort.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MARGIN_MS = 1000, /* at least */
    PAUSED_REST_MS = 1000,
};

static void settle(struct lease *lease);

/* ---- life -------------------------------------------------------------------------- */

int64_t lease_margin_ms(int64_t ttl_ms)
{
    return ttl_ms / 5 > MARGIN_MS ? ttl_ms / 5 : MARGIN_MS;
}

struct lease *lease_new(struct feed *feed, int jobs_max, int64_t ttl_ms)
{
    struct worker *worker = feed->worker;
    struct lease *lease = xcalloc(1, sizeof *lease);
    worker_next_lease(worker, lease->id);
    lease->feed = feed;
    lease->asked = jobs_max;
    lease->sent_mono_ms = clock_mono_ms();
    lease->deadline_mono_ms = lease->sent_mono_ms + ttl_ms - lease_margin_ms(ttl_ms);
    lease->next = worker->leases;
    lease->link_here = &worker->leases;
    if (lease->next != NULL)
        lease->next->link_here = &lease->next;
    worker->leases = lease;
    return lease;
}

static void drop_slow(struct lease *lease)
{
    while (lease->claims != NULL)
        flight_free(flight_of(lease->claims));
    for (struct call *call = lease->calls; call != NULL; call = call->next)
        call_forget(call);
    lease->calls = NULL;
    lease->call_count = 0;
}

void lease_free(struct lease *lease)
{
    struct worker *worker = lease->feed->worker;
    *lease->link_here = lease->next;
    if (lease->next != NULL)
        lease->next->link_here = lease->link_here;
    worker->held_jobs -= lease->jobs;
    worker->held_bytes -= lease->budget_bytes;
    if (lease->solo) {
        worker->solo_last_mono_ms = clock_mono_ms();
        if (lease->feed->state == FEED_IDLE)
            lease->feed->state = FEED_HUNGRY; /* ordinary jobs may have come meanwhile */
    }
    drop_slow(lease);
    arena_fini(&lease->arena);
    reply_free(lease->body);
    free(lease->refused);
    free(lease);
}

static int cancel_if(struct attempt *attempt, struct bytes id)
{
    int is_it = attempt_is(attempt, id);
    if (is_it)
        attempt->cancelled = 1;
    return is_it;
}

int lease_cancel(const struct lease *lease, struct bytes id)
{
    int count = 0;
    for (struct attempt *it = lease->claims; it != NULL; it = it->next)
        count += cancel_if(it, id);
    for (struct call *call = lease->calls; call != NULL; call = call->next)
        count += cancel_if(&call->attempt, id);
    return count;
}

/* ---- reserving --------------------------------------------------------------------- */

static struct bytes body_of(const struct lease *lease);
static int open_body(struct lease *lease);
static void hold(struct lease *lease, int jobs, size_t bytes);
static void begin(struct lease *lease);
static int is_all_calls(const struct lease *lease);
static void run_calls(struct lease *lease);

static int ask(struct lease *lease, unsigned flags, answer_fn fn)
{
    struct feed *feed = lease->feed;
    struct worker *worker = feed->worker;
    int code = link_send(worker->link, &worker->cmd, flags, 0, fn, lease);
    if (code == LEAT_OK) {
        feed->reserving++;
        worker->reserving++;
        feed_charge(feed, lease->asked);
        if (lease->handler != NULL)
            lease->handler->asked += lease->asked;
    }
    return code;
}

/* The answer of a RESERVE is here. Returns 1 when it brought jobs. */
static int was_given(struct lease *lease, const struct answer *answer)
{
    struct feed *feed = lease->feed;
    feed->reserving--;
    feed->worker->reserving--;
    feed_charge(feed, -lease->asked); /* feed_learn() is told what came */
    if (lease->handler != NULL)
        lease->handler->asked -= lease->asked;
    if (answer->code == LEAT_ELINK)
        feed_release(feed, lease->id); /* it may have run: what it took goes back */
    else
        feed_progressed(feed);
    if (answer->code != LEAT_OK) {
        feed_refused(feed, answer);
        return 0;
    }
    feed->worker->asked = 1;
    feed->paused = reply_is_int(answer->reply) && reply_int(answer->reply, 0) == -2;
    if (feed->paused) {
        feed->suspects = 0;
        feed_rest(feed, PAUSED_REST_MS);
    }
    return !reply_is_int(answer->reply);
}

static void on_reserved(void *arg, struct answer *answer)
{
    struct lease *lease = arg;
    struct feed *feed = lease->feed;
    struct worker *worker = feed->worker;
    if (was_given(lease, answer)) {
        lease->reserved_us = reply_int(reply_at(answer->reply, 1), 0);
        lease->body = answer_take(answer);
        hold(lease, open_body(lease), body_of(lease).len);
        begin(lease);
    } else {
        lease_free(lease);
        if (answer->code == LEAT_OK)
            feed_found_nothing(feed);
    }
    worker_pump(worker);
}

void lease_reserve(struct lease *lease, int with_suspect)
{
    struct feed *feed = lease->feed;
    struct worker *worker = feed->worker;
    lease->budget_bytes = LIMIT_LEASE_BYTES;
    worker->held_bytes += lease->budget_bytes;
    lease->solo = with_suspect;
    script_reserve(&worker->cmd, &feed->queue, lease->id, lease->asked,
                   worker->config->lease_ms, LIMIT_LEASE_BYTES, with_suspect);
    if (ask(lease, LINK_RETRY, on_reserved) != LEAT_OK)
        lease_free(lease);
}

static struct bytes body_of(const struct lease *lease)
{
    return reply_bytes(reply_at(lease->body, 0));
}

/* Index the entries of the body. Returns their number, or -1. */
static int open_body(struct lease *lease)
{
    struct pack_reader reader;
    if (pack_open(&reader, body_of(lease)) != 0 || reader.left > LIMIT_LEASE_JOBS)
        return -1;
    int count = (int)reader.left;
    lease->entries = arena_alloc(&lease->arena, (size_t)count * sizeof *lease->entries);
    for (int i = 0; i < count; i++)
        if (pack_next(&reader, &lease->entries[i]) != 0)
            return -1;
    return count;
}

static void hold(struct lease *lease, int jobs, size_t bytes)
{
    struct worker *worker = lease->feed->worker;
    lease->jobs = jobs > 0 ? jobs : 0;
    worker->held_jobs += lease->jobs;
    worker->held_bytes += (int64_t)bytes - lease->budget_bytes;
    lease->budget_bytes = (int64_t)bytes;
}

/* The jobs are ours: work on them, unless it is too late for that. */
static void begin(struct lease *lease)
{
    struct worker *worker = lease->feed->worker;
    if (lease->jobs == 0) {
        struct err err = {0};
        err_set(&err, LEAT_EBUG, "lease %s has a body that is no list of jobs",
                lease->id);
        lease_free(lease);
        worker_fail(worker, &err);
    } else if (worker->state != WORKER_RUNNING ||
               clock_mono_ms() > lease->deadline_mono_ms) {
        log_debug("lease given back", log_text("queue", lease->feed->queue.name),
                  log_text("lease", lease->id), log_number("jobs", lease->jobs));
        feed_release(lease->feed, lease->id);
        lease_free(lease);
    } else {
        log_debug("leased", log_text("queue", lease->feed->queue.name),
                  log_text("lease", lease->id), log_number("jobs", lease->jobs));
        settle(lease);
    }
}

static void on_confirmed(void *arg, struct answer *answer)
{
    struct lease *lease = arg;
    struct worker *worker = lease->feed->worker;
    lease->lost = !was_given(lease, answer);
    lease->reserved_us = reply_int(reply_at(answer->reply, 1), 0);
    lease->rung = 0;
    if (is_all_calls(lease))
        run_calls(lease);
    worker_pump(worker);
}

void lease_rung(struct feed *feed, struct answer *answer)
{
    struct worker *worker = feed->worker;
    struct bytes entry = reply_bytes(answer->reply);
    if (!worker_takes(worker))
        return; /* it is staged: others find it */
    if (entry.len > LIMIT_ENTRY_BYTES) {
        feed_wake(feed); /* RESERVE knows where that belongs */
        return;
    }
    struct lease *lease = lease_new(feed, 1, worker->config->lease_ms);
    script_reserve_rung(&worker->cmd, &feed->queue, lease->id, worker->config->lease_ms,
                        entry);
    if (ask(lease, LINK_TEXT, on_confirmed) != LEAT_OK) {
        lease_free(lease);
        feed_wake(feed);
        return;
    }
    lease->rung = 1;
    lease->body = answer_take(answer);
    lease->entries = arena_alloc(&lease->arena, sizeof *lease->entries);
    *lease->entries = entry;
    hold(lease, 1, entry.len);
    settle(lease); /* never too late: RESERVE has not left yet */
}

/* ---- settling ---------------------------------------------------------------------- */

static void note_refused(struct lease *lease, struct bytes name, struct bytes why)
{
    int overflows = memmem(why.at, why.len, "overflow", 8) != NULL;
    if (tally_find(lease->refused, name) != NULL)
        return;
    name.at = arena_dup(&lease->arena, name);
    tally_add(lease->refused, name, overflows ? SORT_OVERFLOWS : 0);
}

/* Redis refused sums: note which, and sort again. */
static void settle_refused(struct lease *lease, const struct redisReply *list,
                           size_t first)
{
    if (lease->refused == NULL) {
        lease->refused = xmalloc(sizeof *lease->refused);
        tally_reset(lease->refused);
    }
    for (size_t i = first; i + 1 < reply_count(list); i += 2)
        note_refused(lease, reply_bytes(reply_at(list, i)),
                     reply_bytes(reply_at(list, i + 1)));
    log_warn("counters refused", log_text("queue", lease->feed->queue.name),
             log_number("counters", (int64_t)(reply_count(list) - first) / 2),
             log_bytes("first", reply_bytes(reply_at(list, first))),
             log_bytes("err", reply_bytes(reply_at(list, first + 1))));
    drop_slow(lease);
    settle(lease);
}

/* Redis has no memory for what some jobs bring: the others must not wait for it. */
static void settle_without_room(struct lease *lease)
{
    lease->no_room = 1;
    drop_slow(lease);
    settle(lease);
}

static enum joblog_event event_of(struct bytes verdict)
{
    static const struct {
        const char *verdict;
        enum joblog_event event;
    } rows[] = {{"run", JOB_GIVEN_BACK},
                {"fresh", JOB_FRESH},
                {"merged", JOB_MERGED},
                {"again", JOB_BEHIND},
                {"dead", JOB_REFUSED}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (bytes_is(verdict, rows[i].verdict))
            return rows[i].event;
    return JOB_ABANDONED; /* the lease was gone, and the claim with it */
}

static const char *why_of(struct bytes verdict)
{
    return bytes_is(verdict, "gone")   ? "its lease was gone"
           : bytes_is(verdict, "dead") ? "a queue that it pushes to holds something else"
                                       : NULL;
}

/* The settle says which claims may run. A worker that is leaving gives them back. Returns
 * the index behind their verdicts. */
static size_t run_claims(struct lease *lease, const struct redisReply *verdicts)
{
    size_t i = 1;
    for (; lease->claims != NULL; i++) {
        struct attempt *attempt = lease->claims;
        struct flight *flight = flight_of(attempt);
        attempt->solo = lease->solo;
        struct bytes verdict = reply_bytes(reply_at(verdicts, i));
        if (bytes_is(verdict, "run") && lease->feed->worker->state != WORKER_LEAVING) {
            flight_run(flight);
            continue;
        }
        if (bytes_is(verdict, "run"))
            feed_release(lease->feed, flight->lease);
        if (!lease->lost)
            attempt_tell(attempt, event_of(verdict), why_of(verdict));
        flight_free(flight);
    }
    return i;
}

/* Nothing in it but users' jobs that begin: it becomes a run as it is. */
static int is_all_calls(const struct lease *lease)
{
    return lease->jobs > 0 && lease->call_count == lease->jobs;
}

static void run_calls(struct lease *lease)
{
    struct worker *worker = lease->feed->worker;
    if (lease->lost) {
        lease_free(lease);
    } else if (worker->state != WORKER_RUNNING) {
        feed_release(lease->feed, lease->id);
        lease_free(lease);
    } else {
        run_begin(lease, lease->id, lease->sent_mono_ms);
        lease_free(lease);
    }
}

/* The settle moved the users' jobs to a lease of theirs. */
static void run_moved(struct lease *lease, struct bytes verdict)
{
    if (lease->call_count == 0)
        return;
    if (!bytes_is(verdict, "run")) {
        for (struct call *call = lease->calls; call != NULL; call = call->next)
            attempt_tell(&call->attempt, JOB_ABANDONED, "its lease was gone");
    } else if (lease->feed->worker->state != WORKER_RUNNING) {
        feed_release(lease->feed, lease->stays);
    } else {
        run_begin(lease, lease->stays, lease->settled_mono_ms);
    }
}

static void note_trials(struct lease *lease, const struct redisReply *reply)
{
    struct refusals refusals = outcome_refusals(reply);
    for (struct trial *it = lease->trials; it != NULL; it = it->next) {
        int died = outcome_refused(&refusals, it->index);
        lease->died += died;
        lease->done += !died;
        if (!died)
            it->job.err = NULL;
        joblog_keep(&lease->told, &lease->arena, died ? JOB_REFUSED : JOB_COUNTED,
                    &it->job);
    }
}

/* `ended` is the first number of the answer. */
static void note_end(struct lease *lease, const struct redisReply *reply, int64_t ended)
{
    struct worker *worker = lease->feed->worker;
    feed_well(lease->feed);
    if (lease->lost)
        return;
    note_trials(lease, reply);
    if (ended == 1) {
        worker->done += lease->done;
        worker->failed += lease->died;
    } else {
        log_warn("lease was gone", log_text("queue", lease->feed->queue.name),
                 log_text("lease", lease->id), log_number("jobs", lease->jobs));
    }
    joblog_tell_kept(&lease->told, ended != 1);
}

static void on_settled(void *arg, struct answer *answer)
{
    struct lease *lease = arg;
    struct feed *feed = lease->feed;
    struct worker *worker = feed->worker;
    const struct redisReply *first = reply_at(answer->reply, 0);
    if (answer->code == LEAT_EBUSY && !lease->no_room) {
        settle_without_room(lease);
        return;
    }
    if (answer->code != LEAT_OK) {
        feed_release(feed, lease->id);
        feed_refused(feed, answer);
        lease_free(lease);
    } else if (reply_is_int(answer->reply)) { /* ACK */
        note_end(lease, answer->reply, reply_int(answer->reply, 0));
        lease_free(lease);
    } else if (!reply_is_int(first)) {
        settle_refused(lease, answer->reply, 0);
        return;
    } else if (reply_int(first, 0) == -1) {
        settle_refused(lease, answer->reply, 1);
        return;
    } else {
        note_end(lease, answer->reply, reply_int(first, 0));
        size_t last = run_claims(lease, answer->reply);
        run_moved(lease, reply_bytes(reply_at(answer->reply, last)));
        lease_free(lease);
    }
    worker_pump(worker);
}

static void settle(struct lease *lease)
{
    struct worker *worker = lease->feed->worker;
    struct feed_news news;
    sort_lease(lease, &news);
    if (lease->refused == NULL && !lease->no_room)
        feed_learn(lease->feed, &news);
    if (is_all_calls(lease)) {
        if (!lease->rung)
            run_calls(lease);
        return;
    }
    lease->settled_mono_ms = clock_mono_ms();
    if (lease->call_count > 0) {
        worker_next_lease(worker, lease->stays);
        settlement_stay(&worker->settlement, lease->stays, worker->config->lease_ms);
    }
    if (lease->solo && news.back == lease->jobs) { /* a suspect stays one */
        script_release(&worker->cmd, &lease->feed->queue);
        cmd_adds(&worker->cmd, lease->id);
    } else {
        settlement_write(&worker->settlement, &worker->cmd, &lease->feed->queue,
                         lease->id, &worker->tally);
    }
    link_send(worker->link, &worker->cmd, LINK_RESEND | LINK_RETRY, 0, on_settled, lease);
}
