/* SPDX-License-Identifier: MIT */
#include "worker/call.h"
#include "base/clock.h"
#include "base/text.h"
#include "schema/then.h"
#include "worker/feed.h"
#include "worker/run.h"
#include "worker/tick.h"
#include "worker/tracking.h"

#include <assert.h>

static struct worker *worker_of(const struct call *call)
{
    return call->attempt.feed->worker;
}

static const struct handler_keys *keys_of(const struct call *call)
{
    return &call->handler->config->keys;
}

static void tell(const struct call *call, const struct tracking_news *news)
{
    tracking_tell(&call->attempt, run_lease(call->run), keys_of(call)->keep_ms, news);
}

/* ---- life -------------------------------------------------------------------------- */

struct call *call_new(struct feed *feed, struct handler *handler,
                      const struct entry *entry, const struct envelope *envelope,
                      struct arena *arena)
{
    struct call *call = arena_alloc(arena, sizeof *call);
    handler->coming++;
    *call = (struct call){.attempt = {.feed = feed,
                                      .type = &handler->type,
                                      .entry = *entry,
                                      .envelope = *envelope},
                          .handler = handler,
                          .state = CALL_WAITING,
                          .out = {"", 0},
                          .err = {"", 0},
                          .timeout_ms = envelope->timeout_ms > 0
                                            ? envelope->timeout_ms
                                            : handler->config->keys.timeout_ms};
    return call;
}

void call_forget(struct call *call)
{
    call->handler->coming--;
}

int64_t call_bytes(const struct call *call)
{
    const struct entry *entry = &call->attempt.entry;
    return (int64_t)(entry->iid.len + entry->tokens.len + entry->payload.len);
}

static void keep(struct call *call, struct bytes *bytes)
{
    bytes->at = arena_dup(&call->arena, *bytes);
}

void call_keep(struct call *call)
{
    struct attempt *attempt = &call->attempt;
    struct entry *entry = &attempt->entry;
    keep(call, &entry->iid);
    keep(call, &entry->error);
    keep(call, &entry->slot);
    keep(call, &entry->tokens);
    keep(call, &entry->payload);
    int code = envelope_read(&attempt->envelope, entry->payload, &call->arena, NULL);
    assert(code == LEAT_OK); /* it was read before */
}

void call_start(struct call *call)
{
    attempt_begin(&call->attempt);
    worker_of(call)->slots_free--;
    call->state = CALL_RUNNING;
    call->stop_mono_ms = call->attempt.started_mono_ms + call->timeout_ms;
    if (call->run->count <= JOBLOG_LOUD_MAX || log_shows(LOG_DEBUG))
        attempt_tell(&call->attempt, JOB_STARTED, NULL);
    tell(call, &(struct tracking_news){.state = "running",
                                       .attempt = call->attempt.entry.fails + 1});
    call->handler->config->kind->start(call);
}

void call_progress(struct call *call, struct bytes progress)
{
    const struct attempt *attempt = &call->attempt;
    log_debug("job goes on", log_known("id", attempt->envelope.id),
              log_known("iid", attempt->entry.iid), log_bytes("progress", progress));
    if (!tracking_is_on(&attempt->envelope))
        return;
    buf_reset(&call->progress);
    buf_add(&call->progress, progress.at, progress.len);
}

void call_tails(struct call *call, struct bytes out, struct bytes err)
{
    call->out = (struct bytes){arena_dup(&call->arena, out), out.len};
    call->err = (struct bytes){arena_dup(&call->arena, err), err.len};
    /* Not in the settle: that one runs at maxmemory, too, and nothing bounds how many
     * records there are. */
    tell(call, &(struct tracking_news){.out = out, .err = err});
}

static void tell_progress(struct call *call)
{
    if (call->progress.len == 0)
        return;
    tell(call, &(struct tracking_news){.progress = buf_bytes(&call->progress)});
    buf_reset(&call->progress);
}

/* It is not its handler's any more. */
static void leave_handler(struct call *call)
{
    if (call->state == CALL_WAITING) {
        handler_drop(call);
    } else if (call->state == CALL_RUNNING || call->state == CALL_STOPPING) {
        attempt_end(&call->attempt);
        handler_done(call);
        worker_slot_free(worker_of(call), call->attempt.solo);
        tell_progress(call);
        buf_fini(&call->progress);
    }
}

void call_abandon(struct call *call, enum joblog_event event, const char *why)
{
    if (call->state == CALL_RUNNING || call->state == CALL_STOPPING)
        call->handler->config->kind->kill(call);
    if (call->state < CALL_ENDED)
        attempt_tell(&call->attempt, event, why);
    leave_handler(call);
    call->state = CALL_ENDED;
    arena_fini(&call->arena);
}

/* ---- what it has come to ----------------------------------------------------------- */

static void end(struct call *call, enum outcome outcome, enum joblog_event event,
                const char *why)
{
    call->outcome = outcome;
    call->attempt.end = event;
    call->attempt.error = why;
    leave_handler(call);
    call->state = CALL_ENDED;
    run_ended(call->run);
}

/* A reason is its kind's; what ended is told later. */
static const char *copy_of(struct call *call, const char *why)
{
    return why != NULL ? arena_dup(&call->arena, bytes_of(why)) : NULL;
}

static void fail(struct call *call, const char *error, int64_t delay_ms)
{
    struct worker *worker = worker_of(call);
    int dies = delay_ms < 0;
    worker->failed++;
    worker->retried += !dies;
    call->attempt.retry_in_ms = dies ? 0 : delay_ms;
    call->effect_bytes = call->out.len + call->err.len;
    if (!dies)
        tick_due_in(worker->tick, delay_ms);
    end(call, dies ? OUTCOME_DEAD : OUTCOME_RETRY, dies ? JOB_DIED : JOB_FAILED,
        arena_dup(&call->arena, bytes_of(error)));
}

/* What it answered since it was told to stop does not count. */
static int end_stopped(struct call *call)
{
    if (call->stopped == CALL_GOES_ON)
        return 0;
    if (call->stopped == CALL_CANCELLED) {
        end(call, OUTCOME_CANCELLED, JOB_CANCELLED, NULL);
        return 1;
    }
    struct buf text = {0};
    buf_adds(&text, "timed out after ");
    text_duration(&text, call->timeout_ms);
    fail(call, buf_text(&text), attempt_back_off(&call->attempt, 0));
    buf_fini(&text);
    return 1;
}

void call_fail(struct call *call, const char *error, int64_t at_least_ms)
{
    if (!end_stopped(call))
        fail(call, error, attempt_back_off(&call->attempt, at_least_ms));
}

void call_die(struct call *call, const char *error)
{
    if (end_stopped(call))
        return;
    call->attempt.entry.fails++;
    fail(call, error, -1);
}

void call_later(struct call *call, int64_t delay_ms, const char *why)
{
    if (end_stopped(call))
        return;
    call->attempt.retry_in_ms = delay_ms;
    tick_due_in(worker_of(call)->tick, delay_ms);
    end(call, OUTCOME_LATER, JOB_LATER, copy_of(call, why));
}

void call_take_back(struct call *call, const char *why)
{
    if (call->state == CALL_RUNNING || call->state == CALL_STOPPING)
        call->handler->config->kind->kill(call);
    end(call, OUTCOME_BACK, JOB_GIVEN_BACK, why);
}

static void drop_answer(struct call *call)
{
    call->answer = (struct job_answer){0};
    call->effect_bytes = 0;
}

void call_refuse(struct call *call, const char *error)
{
    struct attempt *attempt = &call->attempt;
    int64_t delay_ms = attempt_back_off(attempt, 0);
    worker_of(call)->failed++;
    call->outcome = delay_ms < 0 ? OUTCOME_DEAD : OUTCOME_RETRY;
    attempt->end = delay_ms < 0 ? JOB_DIED : JOB_FAILED;
    attempt->error = arena_dup(&call->arena, bytes_of(error));
    attempt->retry_in_ms = delay_ms;
    drop_answer(call);
}

void call_give_back(struct call *call, const char *why)
{
    if (!end_stopped(call))
        end(call, OUTCOME_BACK, JOB_GIVEN_BACK, copy_of(call, why));
}

/* ---- what its handler answered ----------------------------------------------------- */

/* The answer borrows from what the kind will use again. */
static void keep_answer(struct call *call, const struct job_answer *answer)
{
    struct job_answer *kept = &call->answer;
    struct arena *arena = &call->arena;
    *kept = *answer;
    kept->result.at = arena_dup(arena, answer->result);
    call->effect_bytes = answer->result.len;
    kept->incr =
        arena_alloc(arena, (size_t)(answer->incr_count + 1) * sizeof *kept->incr);
    for (int i = 0; i < answer->incr_count; i++) {
        kept->incr[i] = answer->incr[i];
        kept->incr[i].counter.at = arena_dup(arena, answer->incr[i].counter);
        call->effect_bytes += answer->incr[i].counter.len;
    }
    /* One more, for what the envelope's `then` asks for. */
    kept->push =
        arena_alloc(arena, (size_t)(answer->push_count + 1) * sizeof *kept->push);
    for (int i = 0; i < answer->push_count; i++) {
        kept->push[i] = answer->push[i];
        kept->push[i].queue.at = arena_dup(arena, answer->push[i].queue);
        kept->push[i].payload.at = arena_dup(arena, answer->push[i].payload);
        kept->push[i].tracked_id.at = arena_dup(arena, answer->push[i].tracked_id);
        call->effect_bytes += answer->push[i].payload.len;
    }
}

static int add_then(struct call *call, struct err *err)
{
    struct job_answer *answer = &call->answer;
    if (call->attempt.envelope.then.len == 0)
        return LEAT_OK;
    struct follow_up *then = &answer->push[answer->push_count];
    int code =
        then_make(then, call->attempt.envelope.then, answer->result, &call->arena, err);
    if (code != LEAT_OK)
        return code;
    answer->push_count++;
    call->effect_bytes += then->payload.len;
    return LEAT_OK;
}

static void done(struct call *call, const struct job_answer *answer)
{
    struct err err = {0};
    int has_effects = answer->incr_count > 0 || answer->push_count > 0 ||
                      answer->result.len > 0 || call->attempt.envelope.then.len > 0;
    if (!has_effects) {
        end(call, OUTCOME_DONE, JOB_DONE, NULL);
        return;
    }
    keep_answer(call, answer);
    if (add_then(call, &err) != LEAT_OK) {
        drop_answer(call); /* nothing of it happens, nor is told */
        call_fail(call, arena_printf(&call->arena, "then: %s", err.text), 0);
        return;
    }
    int plain = call->answer.incr_count == 0 && call->answer.push_count == 0;
    end(call, plain ? OUTCOME_DONE : OUTCOME_EFFECTS, JOB_DONE, NULL);
}

static const char *error_text(struct call *call, struct bytes error)
{
    struct buf text = {0};
    text_printable(&text, error, LIMIT_ERROR_BYTES);
    const char *kept = arena_dup(&call->arena, buf_bytes(&text));
    buf_fini(&text);
    return kept;
}

void call_answer(struct call *call, const struct job_answer *answer)
{
    if (end_stopped(call))
        return;
    switch (answer->end) {
    case ANSWER_DONE: done(call, answer); break;
    case ANSWER_LATER: call_later(call, answer->again_in_ms, NULL); break;
    case ANSWER_DEAD: call_die(call, error_text(call, answer->error)); break;
    case ANSWER_FAILED:
        call_fail(call, error_text(call, answer->error), answer->retry_in_ms);
        break;
    }
}

/* ---- its limits -------------------------------------------------------------------- */

int call_stop(struct call *call, enum call_stop why)
{
    if (call->state != CALL_RUNNING)
        return 0;
    call->state = CALL_STOPPING;
    call->stopped = why;
    call->stop_mono_ms = clock_mono_ms() + keys_of(call)->grace_ms;
    call->handler->config->kind->stop(call);
    return 1;
}

int call_cancelled(struct call *call)
{
    if (call->state != CALL_WAITING)
        return call_stop(call, CALL_CANCELLED);
    end(call, OUTCOME_CANCELLED, JOB_CANCELLED, NULL);
    return 1;
}

void call_watch(struct call *call, int64_t mono_ms)
{
    if (call->state != CALL_RUNNING && call->state != CALL_STOPPING)
        return;
    tell_progress(call);
    handler_notice(call->handler, mono_ms - call->attempt.started_mono_ms);
    if (mono_ms < call->stop_mono_ms)
        return;
    if (call->state == CALL_RUNNING) {
        call_stop(call, CALL_TIMED_OUT);
    } else if (call->state == CALL_STOPPING) {
        call->handler->config->kind->kill(call);
        end_stopped(call);
    }
}

/* ---- what its handler is told ------------------------------------------------------ */

int64_t call_deadline_ms(const struct call *call)
{
    return call->attempt.started_mono_ms + call->timeout_ms + call->run->wall_ahead_ms;
}

int64_t call_token(const struct call *call)
{
    return call->run->token;
}

/* As it stands in front of its value. This runs for every job: no printf(). */
#define NAME(name) "\"" name "\":"

static void add_text(struct buf *out, const char *name, struct bytes text)
{
    if (text.len == 0)
        return;
    buf_adds(out, name);
    text_json_string(out, text);
    buf_addc(out, ',');
}

static void add_number(struct buf *out, const char *name, int64_t number)
{
    buf_adds(out, name);
    buf_add_int(out, number);
    buf_addc(out, ',');
}

void call_write(struct buf *out, const struct call *call, const char *handle)
{
    const struct attempt *attempt = &call->attempt;
    const struct envelope *envelope = &attempt->envelope;
    buf_addc(out, '{');
    if (handle != NULL)
        add_text(out, NAME("job"), bytes_of(handle));
    add_text(out, NAME("id"), attempt_id(attempt));
    add_text(out, NAME("type"), envelope->type);
    add_text(out, NAME("queue"), bytes_of(attempt->feed->queue.name));
    add_number(out, NAME("attempt"), attempt->entry.fails + 1);
    add_number(out, NAME("delivery"), attempt->entry.deliveries + 1);
    add_number(out, NAME("deadline_ms"), call_deadline_ms(call));
    add_number(out, NAME("token"), call_token(call));
    add_text(out, NAME("traceparent"), envelope->traceparent);
    add_text(out, NAME("tracestate"), envelope->tracestate);
    buf_adds(out, NAME("args"));
    text_json_line(out, envelope->args);
    buf_addc(out, '}');
}
