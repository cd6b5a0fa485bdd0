/* SPDX-License-Identifier: MIT */
#include "worker/sort.h"
#include "worker/call.h"
#include "worker/cancels.h"
#include "worker/flight.h"
#include "worker/follow.h"
#include "worker/outcome.h"
#include "worker/tracking.h"
#include "base/log.h"
#include "base/rnd.h"
#include "schema/then.h"

enum {
    NO_HANDLER_MS = 86400000,   /* after which a job without a handler dies */
    NO_HANDLER_FIRST_MS = 5000, /* its back-off */
    NO_HANDLER_CAP_MS = 300000,
};

/* ---- a job being sorted ------------------------------------------------------------ */

struct sorting {
    struct lease *lease;
    struct worker *worker;
    struct entry entry;
    struct envelope envelope;
    struct err err;
    struct feed_news news;
    int index;      /* of the job in its lease */
    int verbose;    /* jobs that went well are told of too */
    int64_t now_ms; /* of Redis */
    struct buf scratch;
};

/* A job that was never redelivered gets a name only when one is needed: mostly never. */
static void name_job(struct sorting *sorting)
{
    struct buf *name = &sorting->scratch;
    if (sorting->entry.iid.len > 0)
        return;
    buf_reset(name);
    buf_adds(name, sorting->lease->id);
    buf_addc(name, '.');
    buf_add_int(name, sorting->index);
    sorting->entry.iid = bytes_of(arena_dup(&sorting->lease->arena, buf_bytes(name)));
}

/* The job's header, with what `entry` says now. Borrowed from the lease's arena. */
static const char *header_of(struct sorting *sorting, const char *error)
{
    struct buf *header = &sorting->scratch;
    name_job(sorting);
    if (sorting->entry.first_seen_ms == 0)
        sorting->entry.first_seen_ms = sorting->now_ms;
    buf_reset(header);
    entry_write_header(header, &sorting->entry, error);
    return arena_dup(&sorting->lease->arena, buf_bytes(header));
}

static struct joblog log_of(const struct sorting *sorting, const char *why)
{
    return (struct joblog){.queue = sorting->lease->feed->queue.name,
                           .lease = sorting->lease->id,
                           .id = sorting->envelope.id,
                           .iid = sorting->entry.iid,
                           .type = sorting->envelope.type,
                           .deliveries = sorting->entry.deliveries,
                           .fails = sorting->entry.fails,
                           .err = why};
}

/* To be told when the settle is answered. */
static void tell(struct sorting *sorting, enum joblog_event event, int64_t retry_in_ms,
                 const char *why)
{
    struct lease *lease = sorting->lease;
    if (event != JOB_QUARANTINED)
        name_job(sorting);
    struct joblog job = log_of(sorting, why);
    job.retry_in_ms = retry_in_ms;
    joblog_keep(&lease->told, &lease->arena, event, &job);
}

/* Done, or dead of `why`, which its header has: the settle's answer tells. */
static void try_job(struct sorting *sorting, const char *why)
{
    struct lease *lease = sorting->lease;
    struct trial *trial = arena_alloc(&lease->arena, sizeof *trial);
    *trial = (struct trial){.index = sorting->index, .job = log_of(sorting, why)};
    *lease->trials_end = trial;
    lease->trials_end = &trial->next;
}

/* The same, for those who watch a tracked job. */
static void track(struct sorting *sorting, const struct tracking_news *news)
{
    struct lease *lease = sorting->lease;
    tracking_add(&sorting->worker->settlement, &lease->feed->queue, &sorting->envelope,
                 TRACKING_KEEP_MS, news, &lease->arena);
}

/* ---- no run ------------------------------------------------------------------------ */

static void sort_dead(struct sorting *sorting, const char *error)
{
    struct settlement *settlement = &sorting->worker->settlement;
    settlement_add(settlement, OUTCOME_DEAD);
    cmd_adds(&settlement->args, header_of(sorting, error));
    track(sorting, &(struct tracking_news){.state = "dead", .error = error});
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
    int64_t now_ms = sorting->now_ms;
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
    track(sorting, &(struct tracking_news){
                       .state = "later", .due_ms = now_ms + delay_ms, .error = reason});
    tell(sorting, JOB_PUT_OFF, delay_ms, reason);
}

static void sort_unknown(struct sorting *sorting)
{
    struct bytes type = sorting->envelope.type;
    const char *reason = arena_printf(&sorting->lease->arena, "no handler for %.*s",
                                      (int)type.len, type.at);
    sort_later(sorting, reason, type);
}

static void sort_without_room(struct sorting *sorting)
{
    sort_later(sorting, "Redis has no memory for the job that follows", bytes_of(""));
}

/* A follow-up of the job just added. */
static void add_then(struct sorting *sorting, const struct follow_up *then)
{
    struct settlement *settlement = &sorting->worker->settlement;
    struct lease *lease = sorting->lease;
    settlement_grow(settlement);
    follow_settle(settlement, lease->feed, then, &lease->arena);
}

/* ---- instant jobs ------------------------------------------------------------------ */

/* With `refusal`, if it can be refused. */
static void track_done(struct sorting *sorting, const char *refusal)
{
    track(sorting, &(struct tracking_news){.state = "done", .refusal = refusal});
}

/* What one dies of that adds to this counter and has another follow, if that is refused:
 * which of the two it was Redis does not tell. */
static const char *refusal_of(struct lease *lease, const struct increment_args *args)
{
    return outcome_refusal(args->counter, args->by,
                           OUTCOME_NO_INTEGER ", or " OUTCOME_OUT_OF_RANGE
                                              "; or the queue of what follows holds "
                                              "something else",
                           &lease->arena);
}

/* The increment and the job that follows it are effects of one job. */
static void sort_followed(struct sorting *sorting, const struct increment_args *args)
{
    struct lease *lease = sorting->lease;
    struct settlement *settlement = &sorting->worker->settlement;
    struct follow_up then;
    if (then_make(&then, sorting->envelope.then, bytes_of(""), &lease->arena,
                  &sorting->err) != LEAT_OK) {
        sort_dead(sorting, sorting->err.text);
        return;
    }
    const char *why = refusal_of(lease, args);
    settlement_add(settlement, OUTCOME_EFFECTS);
    cmd_adds(&settlement->args, header_of(sorting, why));
    cmd_add_int(&settlement->args, 1);
    cmd_add(&settlement->args, args->counter);
    cmd_add_int(&settlement->args, args->by);
    cmd_add_int(&settlement->args, 1);
    add_then(sorting, &then);
    track_done(sorting, why);
    try_job(sorting, why);
}

/* Its counter refused the sums of this lease: each job is counted by itself. */
static void sort_refused(struct sorting *sorting, const struct increment_args *args,
                         int64_t how)
{
    struct settlement *settlement = &sorting->worker->settlement;
    const char *why =
        outcome_refusal(args->counter, args->by,
                        how == SORT_OVERFLOWS ? OUTCOME_OUT_OF_RANGE : OUTCOME_NO_INTEGER,
                        &sorting->lease->arena);
    settlement_add(settlement, OUTCOME_COUNTED);
    cmd_add(&settlement->args, args->counter);
    cmd_add_int(&settlement->args, args->by);
    cmd_adds(&settlement->args, header_of(sorting, why));
    track_done(sorting, why);
    try_job(sorting, why);
}

static void sort_instant(struct sorting *sorting, const struct job_type *type)
{
    struct lease *lease = sorting->lease;
    struct increment_args args;
    const struct tally_row *refused;
    if (type->read(&args, sorting->envelope.args, &lease->arena, &sorting->err) !=
        LEAT_OK) {
        sort_dead(sorting, sorting->err.text);
    } else if (sorting->envelope.then.len > 0 && lease->no_room) {
        sort_without_room(sorting);
    } else if (sorting->envelope.then.len > 0) {
        sort_followed(sorting, &args);
    } else if (lease->refused != NULL &&
               (refused = tally_find(lease->refused, args.counter)) != NULL) {
        sort_refused(sorting, &args, refused->sum);
    } else {
        settlement_add(&sorting->worker->settlement, OUTCOME_DONE);
        lease->done++;
        tally_add(&sorting->worker->tally, args.counter, args.by);
        track_done(sorting, NULL);
        if (sorting->verbose)
            tell(sorting, JOB_COUNTED, 0, NULL);
    }
}

/* ---- slow jobs --------------------------------------------------------------------- */

static void sort_back(struct sorting *sorting, const char *why)
{
    struct settlement *settlement = &sorting->worker->settlement;
    sorting->news.back++;
    settlement_add(settlement, OUTCOME_BACK);
    cmd_adds(&settlement->args, "");
    if (sorting->verbose)
        tell(sorting, JOB_NO_SLOT, 0, why);
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
    if (sorting->envelope.then.len > 0 && sorting->lease->no_room) {
        sort_without_room(sorting);
        return;
    }
    if (worker->slots_free == 0) {
        sort_back(sorting, "no slot is free");
        return;
    }
    struct flight *flight;
    const char *header = header_of(sorting, NULL);
    if (flight_new(&flight, sorting->lease->feed, type, &sorting->entry, &sorting->err) !=
        LEAT_OK) {
        sort_dead(sorting, sorting->err.text);
        return;
    }
    keep_claim(sorting->lease, &flight->attempt);
    settlement_add(settlement, OUTCOME_FLIGHT);
    cmd_adds(&settlement->args, header);
    cmd_adds(&settlement->args, flight->lease);
    cmd_add_int(&settlement->args, worker->config->lease_ms);
    cmd_add_int(&settlement->args, flight->refresh.max_age_ms);
    cmd_add_int(&settlement->args, flight->follows);
    if (flight->follows)
        add_then(sorting, &flight->then);
    settlement_claim(settlement, flight->cache_key);
    track_done(sorting, NULL);
}

static void keep_call(struct lease *lease, struct call *call)
{
    if (lease->calls == NULL)
        lease->calls = call;
    else
        lease->last_call->next = call;
    lease->last_call = call;
    lease->call_count++;
}

/* Its handler takes it, now or in a moment. */
static void sort_call(struct sorting *sorting, struct handler *handler)
{
    struct lease *lease = sorting->lease;
    struct settlement *settlement = &sorting->worker->settlement;
    int headed = sorting->entry.iid.len > 0;
    sorting->news.slow++;
    if (lease->handler != handler && handler_room(handler) == 0) {
        if (sorting->news.handler == NULL)
            sorting->news.handler = handler;
        sort_back(sorting, "its handler is busy");
        return;
    }
    sorting->news.handler = handler;
    name_job(sorting);
    struct call *call = call_new(lease->feed, handler, &sorting->entry,
                                 &sorting->envelope, &lease->arena);
    call->attempt.lease = lease->id;
    call->headed = headed;
    keep_call(lease, call);
    settlement_add(settlement, OUTCOME_STAY);
    call->header_word = settlement->args.count;
    cmd_adds(&settlement->args, "");
}

/* Headers of the calls that move to a lease of theirs; mostly a lease has nothing but
 * calls, and then none moves. */
static void write_headers(struct sorting *sorting)
{
    struct lease *lease = sorting->lease;
    struct cmd *args = &sorting->worker->settlement.args;
    if (lease->call_count == lease->jobs)
        return;
    for (struct call *call = lease->calls; call != NULL; call = call->next)
        if (!call->headed) {
            buf_reset(&sorting->scratch);
            attempt_write_header(&sorting->scratch, &call->attempt, NULL);
            cmd_replace(args, call->header_word,
                        arena_dup(&lease->arena, buf_bytes(&sorting->scratch)));
            call->headed = 1;
        }
}

/* ---- which it is ------------------------------------------------------------------- */

static int is_expired(const struct sorting *sorting)
{
    return sorting->envelope.expires_at_ms > 0 &&
           sorting->now_ms > sorting->envelope.expires_at_ms;
}

static void sort_expired(struct sorting *sorting)
{
    settlement_add(&sorting->worker->settlement, OUTCOME_EXPIRED);
    track(sorting, &(struct tracking_news){.state = "expired"});
    tell(sorting, JOB_EXPIRED, 0, NULL);
}

/* Redis knows whether the cancel is still there; if not, the job goes back. */
static void sort_cancelled(struct sorting *sorting, struct bytes id)
{
    struct settlement *settlement = &sorting->worker->settlement;
    cancels_use(sorting->lease->feed->cancels, id);
    settlement_add(settlement, OUTCOME_CANCELLED);
    cmd_add(&settlement->args, id);
    cmd_adds(&settlement->args, "0");
    track(sorting, &(struct tracking_news){.state = "cancelled"});
    tell(sorting, JOB_CANCELLED, 0, NULL);
}

/* The name under which it was cancelled: its producer's, or ours, which is all that some
 * have; or nothing. */
static struct bytes cancelled_as(const struct sorting *sorting)
{
    const struct cancels *cancels = sorting->lease->feed->cancels;
    if (cancels_has(cancels, sorting->envelope.id))
        return sorting->envelope.id;
    if (cancels_has(cancels, sorting->entry.iid))
        return sorting->entry.iid;
    return bytes_of("");
}

/* One that could be read. */
static void sort_well(struct sorting *sorting)
{
    const struct job_type *type = types_find(sorting->envelope.type);
    struct handler *handler =
        type == NULL ? handler_find(sorting->worker, sorting->envelope.type) : NULL;
    struct bytes cancelled = cancelled_as(sorting);
    if (is_expired(sorting))
        sort_expired(sorting);
    else if (cancelled.len > 0)
        sort_cancelled(sorting, cancelled);
    else if (sorting->envelope.version > ENVELOPE_VERSION)
        sort_later(sorting, "an envelope of a later version", bytes_of(""));
    else if (handler != NULL)
        sort_call(sorting, handler);
    else if (type == NULL)
        sort_unknown(sorting);
    else if (type->read != NULL)
        sort_instant(sorting, type);
    else
        sort_slow(sorting, type);
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
        /* Read once more for those who wait for it; never again if that is what kills. */
        if (entry->deliveries == LIMIT_DELIVERIES)
            envelope_read(&sorting->envelope, entry->payload, &lease->arena, NULL);
        sort_dead(sorting, "its workers died of it, or lost it, too often");
        return;
    }
    if (envelope_read(&sorting->envelope, entry->payload, &lease->arena, &sorting->err) !=
        0) {
        sort_bad(sorting, (size_t)(entry->payload.at - raw.at), sorting->err.text);
        return;
    }
    sort_well(sorting);
}

/* ---- all of them ------------------------------------------------------------------- */

void sort_lease(struct lease *lease, struct feed_news *news)
{
    struct worker *worker = lease->feed->worker;
    struct sorting sorting = {.lease = lease,
                              .worker = worker,
                              .news = {.asked = lease->asked, .got = lease->jobs},
                              .verbose = log_shows(LOG_DEBUG),
                              .now_ms = worker_redis_now_ms(worker)};
    settlement_reset(&worker->settlement);
    tally_reset(&worker->tally);
    lease->told = (struct joblog_list){0};
    lease->trials = NULL;
    lease->trials_end = &lease->trials;
    lease->done = lease->died = 0;
    for (int i = 0; i < lease->jobs; i++)
        sort_job(&sorting, i);
    write_headers(&sorting);
    *news = sorting.news;
    buf_fini(&sorting.scratch);
}
