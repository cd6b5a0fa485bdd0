/* SPDX-License-Identifier: MIT */
/* lease_new -> lease_reserve -> on_reserved -> settle -> on_settled -> lease_free.
 *
 * Behind a bell the first three are one step: the job is worked on while its lease is asked
 * for. If that comes to nothing so does the settle behind it, for the lease fences it. The
 * two go in one pipeline, so the RESERVE is answered first, also when both are lost.
 *
 * Sorting gives every job an outcome. When Redis refuses one of the summed increments (a
 * counter would overflow, or holds no integer) nothing has changed: the lease is sorted once
 * more, with the refused counters' jobs counted one by one, so that only the jobs at fault
 * die. */
#include "worker/lease.h"
#include "worker/attempt.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "base/text.h"
#include "broker/script_call.h"
#include "schema/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MARGIN_MS = 1000,           /* of a lease, in which nothing starts any more */
    NO_HANDLER_MS = 86400000,   /* after which a job without a handler dies */
    NO_HANDLER_FIRST_MS = 5000, /* its back-off */
    NO_HANDLER_CAP_MS = 300000,
    PAUSED_REST_MS = 1000,
    SHOWN_BYTES = 60, /* of what is refused */
    OVERFLOWS = 1,    /* instead of a sum, in `refused` */
};

static void settle(struct lease *lease);

/* ---- life --------------------------------------------------------------------------- */

struct lease *lease_new(struct feed *feed, int jobs_max, int64_t ttl_ms)
{
    struct worker *worker = feed->worker;
    struct lease *lease = xcalloc(1, sizeof *lease);
    int64_t margin_ms = ttl_ms / 5 > MARGIN_MS ? ttl_ms / 5 : MARGIN_MS;
    worker_next_lease(worker, lease->id);
    lease->feed = feed;
    lease->asked = jobs_max;
    lease->sent_mono_ms = clock_mono_ms();
    lease->deadline_mono_ms = lease->sent_mono_ms + ttl_ms - margin_ms;
    lease->next = worker->leases;
    lease->link_here = &worker->leases;
    if (lease->next != NULL)
        lease->next->link_here = &lease->next;
    worker->leases = lease;
    return lease;
}

static void drop_claims(struct lease *lease)
{
    while (lease->claims != NULL)
        attempt_free(lease->claims);
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
    drop_claims(lease);
    arena_fini(&lease->arena);
    reply_free(lease->body);
    free(lease->refused);
    free(lease);
}

/* ---- reserving ---------------------------------------------------------------------- */

static int open_body(struct lease *lease);
static void hold(struct lease *lease, int jobs, size_t bytes);
static void begin(struct lease *lease);

static int ask(struct lease *lease, unsigned flags, answer_fn fn)
{
    struct feed *feed = lease->feed;
    struct worker *worker = feed->worker;
    int code = link_send(worker->link, &worker->cmd, flags, 0, fn, lease);
    if (code == LEAT_OK) {
        feed->reserving++;
        worker->reserving++;
        feed_charge(feed, lease->asked);
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
        lease->body = answer_take(answer);
        hold(lease, open_body(lease), reply_bytes(lease->body).len);
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
    call_reserve(&worker->cmd, &feed->queue, lease->id, lease->asked,
                 worker->config->lease_ms, LIMIT_LEASE_BYTES, with_suspect);
    if (ask(lease, LINK_RETRY, on_reserved) != LEAT_OK)
        lease_free(lease);
}

/* Index the entries of the body. Returns their number, or -1. */
static int open_body(struct lease *lease)
{
    struct pack_reader reader;
    if (pack_open(&reader, reply_bytes(lease->body)) != 0 ||
        reader.left > LIMIT_LEASE_JOBS)
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
    call_reserve_rung(&worker->cmd, &feed->queue, lease->id, worker->config->lease_ms,
                      entry);
    if (ask(lease, LINK_TEXT, on_confirmed) != LEAT_OK) {
        lease_free(lease);
        feed_wake(feed);
        return;
    }
    lease->body = answer_take(answer);
    lease->entries = arena_alloc(&lease->arena, sizeof *lease->entries);
    *lease->entries = entry;
    hold(lease, 1, entry.len);
    settle(lease); /* never too late: RESERVE has not left yet */
}

/* ---- sorting ------------------------------------------------------------------------ */

/* A job being sorted. */
struct sorting {
    struct lease *lease;
    struct worker *worker;
    struct entry entry;
    struct envelope envelope;
    struct err err;
    struct feed_news news;
    int index;   /* of the job in its lease */
    int verbose; /* jobs that went well are told of too */
};

/* A job that was never redelivered gets its name only when one is needed: most never do. */
static void name_job(struct sorting *sorting)
{
    struct lease *lease = sorting->lease;
    if (sorting->entry.iid.len == 0)
        sorting->entry.iid =
            bytes_of(arena_printf(&lease->arena, "%s.%d", lease->id, sorting->index));
}

/* The job's header, with what `entry` says now. Borrowed from the lease's arena. */
static const char *header_of(struct sorting *sorting, const char *error)
{
    struct buf header = {0};
    name_job(sorting);
    if (sorting->entry.first_seen_ms == 0)
        sorting->entry.first_seen_ms = worker_redis_now_ms(sorting->worker);
    entry_write_header(&header, &sorting->entry, error);
    const char *kept = arena_dup(&sorting->lease->arena, buf_bytes(&header));
    buf_fini(&header);
    return kept;
}

/* To be told when the settle is answered. */
static void tell(struct sorting *sorting, enum joblog_event event, int64_t retry_in_ms,
                 const char *why)
{
    struct lease *lease = sorting->lease;
    if (event != JOB_QUARANTINED)
        name_job(sorting);
    joblog_keep(&lease->told, &lease->arena, event,
                &(struct joblog){.queue = lease->feed->queue.name,
                                 .lease = lease->id,
                                 .id = sorting->envelope.id,
                                 .iid = sorting->entry.iid,
                                 .type = sorting->envelope.type,
                                 .deliveries = sorting->entry.deliveries,
                                 .fails = sorting->entry.fails,
                                 .retry_in_ms = retry_in_ms,
                                 .err = why});
}

static void sort_dead(struct sorting *sorting, const char *error)
{
    struct settlement *settlement = &sorting->worker->settlement;
    settlement_add(settlement, OUTCOME_DEAD);
    cmd_adds(&settlement->args, header_of(sorting, error));
    sorting->lease->died++;
    tell(sorting, JOB_REFUSED, 0, error);
}

static void sort_bad(struct sorting *sorting, size_t header_bytes, const char *reason)
{
    struct settlement *settlement = &sorting->worker->settlement;
    settlement_add(settlement, OUTCOME_BAD);
    cmd_add_int(&settlement->args, (int64_t)header_bytes);
    tell(sorting, JOB_QUARANTINED, 0, reason);
}

/* Not a failure: again later, until a day is over. */
static void sort_later(struct sorting *sorting, const char *reason, struct bytes type)
{
    struct settlement *settlement = &sorting->worker->settlement;
    int64_t now_ms = worker_redis_now_ms(sorting->worker);
    const char *header = header_of(sorting, reason);
    int64_t age_ms = now_ms - sorting->entry.first_seen_ms;
    if (age_ms > NO_HANDLER_MS) {
        sort_dead(sorting, reason);
        return;
    }
    int64_t delay_ms = age_ms < NO_HANDLER_FIRST_MS ? NO_HANDLER_FIRST_MS : age_ms;
    if (delay_ms > NO_HANDLER_CAP_MS)
        delay_ms = NO_HANDLER_CAP_MS;
    delay_ms = delay_ms / 2 + (int64_t)rnd_below((uint64_t)delay_ms / 2 + 1);
    settlement_add(settlement, OUTCOME_LATER);
    cmd_adds(&settlement->args, header);
    cmd_add_int(&settlement->args, delay_ms);
    cmd_add(&settlement->args, type);
    tell(sorting, JOB_PUT_OFF, delay_ms, reason);
}

static void sort_unknown(struct sorting *sorting)
{
    struct bytes type = sorting->envelope.type;
    const char *reason = arena_printf(&sorting->lease->arena, "no handler for %.*s",
                                      (int)type.len, type.at);
    sort_later(sorting, reason, type);
}

/* What a counted increment dies of, if Redis refuses it once more. */
static const char *refusal_of(struct lease *lease, const struct increment_args *args,
                              int overflows)
{
    struct buf name = {0};
    text_printable(&name, args->counter, SHOWN_BYTES);
    const char *reason =
        overflows ? arena_printf(&lease->arena,
                                 "counter %s by %lld: the value would leave the range "
                                 "from -2^63 to 2^63-1",
                                 buf_text(&name), (long long)args->by)
                  : arena_printf(&lease->arena,
                                 "counter %s by %lld: what it holds is no integer",
                                 buf_text(&name), (long long)args->by);
    buf_fini(&name);
    return reason;
}

static void sort_instant(struct sorting *sorting, const struct job_type *type)
{
    struct lease *lease = sorting->lease;
    struct settlement *settlement = &sorting->worker->settlement;
    struct increment_args args;
    const struct tally_row *refused;
    if (type->read(&args, sorting->envelope.args, &lease->arena, &sorting->err) !=
        LEAT_OK) {
        sort_dead(sorting, sorting->err.text);
    } else if (lease->refused != NULL &&
               (refused = tally_find(lease->refused, args.counter)) != NULL) {
        settlement_add(settlement, OUTCOME_COUNTED);
        cmd_add(&settlement->args, args.counter);
        cmd_add_int(&settlement->args, args.by);
        const char *why = refusal_of(lease, &args, refused->sum == OVERFLOWS);
        cmd_adds(&settlement->args, header_of(sorting, why));
        tell(sorting, JOB_COUNTED_ALONE, 0, why);
    } else {
        settlement_add(settlement, OUTCOME_DONE);
        tally_add(&sorting->worker->tally, args.counter, args.by);
        if (sorting->verbose)
            tell(sorting, JOB_COUNTED, 0, NULL);
    }
}

static void keep_claim(struct lease *lease, struct attempt *attempt)
{
    struct attempt **end = &lease->claims;
    while (*end != NULL)
        end = &(*end)->next;
    attempt->next = NULL;
    attempt->link_here = end;
    *end = attempt;
}

static void sort_slow(struct sorting *sorting, const struct job_type *type)
{
    struct worker *worker = sorting->worker;
    struct settlement *settlement = &worker->settlement;
    sorting->news.slow++;
    if (worker->slots_free == 0) {
        sorting->news.back++;
        settlement_add(settlement, OUTCOME_BACK);
        cmd_adds(&settlement->args, "");
        if (sorting->verbose)
            tell(sorting, JOB_NO_SLOT, 0, "no slot is free");
        return;
    }
    struct attempt *attempt;
    const char *header = header_of(sorting, NULL);
    if (attempt_new(&attempt, sorting->lease->feed, type, &sorting->entry,
                    &sorting->err) != LEAT_OK) {
        sort_dead(sorting, sorting->err.text);
        return;
    }
    keep_claim(sorting->lease, attempt);
    settlement_add(settlement, OUTCOME_FLIGHT);
    cmd_adds(&settlement->args, header);
    cmd_adds(&settlement->args, attempt->lease);
    cmd_add_int(&settlement->args, worker->config->lease_ms);
    cmd_add_int(&settlement->args, attempt->refresh.max_age_ms);
    settlement_claim(settlement, attempt->cache_key);
}

static int is_expired(const struct sorting *sorting)
{
    return sorting->envelope.expires_at_ms > 0 &&
           worker_redis_now_ms(sorting->worker) > sorting->envelope.expires_at_ms;
}

static void sort_expired(struct sorting *sorting)
{
    settlement_add(&sorting->worker->settlement, OUTCOME_EXPIRED);
    tell(sorting, JOB_EXPIRED, 0, NULL);
}

static void sort_job(struct sorting *sorting, int index)
{
    struct lease *lease = sorting->lease;
    struct bytes raw = lease->entries[index];
    struct entry *entry = &sorting->entry;
    sorting->index = index;
    sorting->err.code = LEAT_OK; /* not the whole text: this runs for every job */
    sorting->envelope = (struct envelope){0};
    if (entry_read(entry, raw) != 0) {
        entry_refuse(raw, &sorting->err);
        sort_bad(sorting, 0, sorting->err.text);
        return;
    }
    if (entry->deliveries >= LIMIT_DELIVERIES) {
        /* Not even parsed: that may be what kills. */
        sort_dead(sorting, "its workers died of it, or lost it, too often");
        return;
    }
    if (envelope_read(&sorting->envelope, entry->payload, &lease->arena, &sorting->err) !=
        0) {
        sort_bad(sorting, (size_t)(entry->payload.at - raw.at), sorting->err.text);
        return;
    }
    const struct job_type *type = types_find(sorting->envelope.type);
    if (is_expired(sorting))
        sort_expired(sorting);
    else if (sorting->envelope.version > ENVELOPE_VERSION)
        sort_later(sorting, "an envelope of a later version", bytes_of(""));
    else if (type == NULL)
        sort_unknown(sorting);
    else if (type->read != NULL)
        sort_instant(sorting, type);
    else
        sort_slow(sorting, type);
}

/* ---- settling ----------------------------------------------------------------------- */

static void note_refused(struct lease *lease, struct bytes name, struct bytes why)
{
    int overflows = memmem(why.at, why.len, "overflow", 8) != NULL;
    if (tally_find(lease->refused, name) != NULL)
        return;
    name.at = arena_dup(&lease->arena, name);
    tally_add(lease->refused, name, overflows ? OVERFLOWS : 0);
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
    drop_claims(lease);
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
                {"again", JOB_BEHIND}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (bytes_is(verdict, rows[i].verdict))
            return rows[i].event;
    return JOB_ABANDONED; /* the lease was gone, and the claim with it */
}

static const char *why_of(struct bytes verdict)
{
    return bytes_is(verdict, "gone") ? "its lease was gone" : NULL;
}

/* The settle says which claims may run. A worker that is leaving gives them back. */
static void run_claims(struct lease *lease, const struct redisReply *verdicts)
{
    for (size_t i = 1; lease->claims != NULL; i++) {
        struct attempt *attempt = lease->claims;
        attempt->solo = lease->solo;
        struct bytes verdict = reply_bytes(reply_at(verdicts, i));
        if (bytes_is(verdict, "run") && lease->feed->worker->state != WORKER_LEAVING) {
            attempt_run(attempt);
            continue;
        }
        if (bytes_is(verdict, "run"))
            feed_release(lease->feed, attempt->lease);
        if (!lease->lost)
            attempt_tell(attempt, event_of(verdict), why_of(verdict));
        attempt_free(attempt);
    }
}

static void note_end(struct lease *lease, int64_t ended)
{
    struct worker *worker = lease->feed->worker;
    feed_well(lease->feed);
    if (lease->lost)
        return;
    if (ended == 1) {
        worker->done += lease->plain;
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
    if (answer->code != LEAT_OK) {
        feed_release(feed, lease->id);
        feed_refused(feed, answer);
        lease_free(lease);
    } else if (reply_is_int(answer->reply)) { /* ACK */
        note_end(lease, reply_int(answer->reply, 0));
        lease_free(lease);
    } else if (!reply_is_int(first)) {
        settle_refused(lease, answer->reply, 0);
        return;
    } else if (reply_int(first, 0) == -1) {
        settle_refused(lease, answer->reply, 1);
        return;
    } else {
        note_end(lease, reply_int(first, 0));
        run_claims(lease, answer->reply);
        lease_free(lease);
    }
    worker_pump(worker);
}

static void settle(struct lease *lease)
{
    struct worker *worker = lease->feed->worker;
    struct sorting sorting = {.lease = lease,
                              .worker = worker,
                              .news = {.asked = lease->asked, .got = lease->jobs},
                              .verbose = log_shows(LOG_DEBUG)};
    settlement_reset(&worker->settlement);
    tally_reset(&worker->tally);
    lease->told = (struct joblog_list){0};
    lease->died = 0;
    for (int i = 0; i < lease->jobs; i++)
        sort_job(&sorting, i);
    lease->plain = worker->settlement.plain;
    settlement_write(&worker->settlement, &worker->cmd, &lease->feed->queue, lease->id,
                     &worker->tally);
    link_send(worker->link, &worker->cmd, LINK_RESEND | LINK_RETRY, 0, on_settled, lease);
    if (lease->refused == NULL)
        feed_learn(lease->feed, &sorting.news);
}
