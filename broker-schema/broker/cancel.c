/* SPDX-License-Identifier: MIT */
/* record -> CANCEL -> (answer of a worker | found where jobs wait | neither in time)
 *                                             `-> UNSCHEDULE, if it is not due yet
 *
 * The worker's answer and the search go on at the same time. Whichever knows first ends
 * it, once nothing is on its way that would come back to a cancel that was freed. */
#include "broker/cancel.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "base/text.h"
#include "broker/script_call.h"
#include "schema/entry.h"
#include "schema/envelope.h"

#include <stdio.h>
#include <stdlib.h>

static void end(struct cancel *cancel)
{
    stream_watch_remove(&cancel->answer);
    ev_timer_stop(cancel->loop, &cancel->alarm);
    cancel->done(cancel, cancel->err.code != LEAT_OK ? &cancel->err : NULL);
}

static int knows(const struct cancel *cancel)
{
    return cancel->err.code != LEAT_OK || cancel->host[0] != '\0' ||
           cancel->where != NULL || cancel->is_late;
}

static void judge(struct cancel *cancel)
{
    if (cancel->is_busy || !knows(cancel))
        return;
    if (cancel->host[0] != '\0')
        cancel->fate = CANCEL_STOPPING;
    else if (cancel->is_unscheduled)
        cancel->fate = CANCEL_UNSCHEDULED;
    else if (cancel->where != NULL)
        cancel->fate = CANCEL_WAITING;
    else
        cancel->fate =
            cancel->record.state != TRACK_NONE ? CANCEL_UNSEEN : CANCEL_UNKNOWN;
    end(cancel);
}

/* ---- the worker's answer ----------------------------------------------------------- */

static void copy_field(char *out, size_t size, const struct stream_entry *entry,
                       const char *name)
{
    struct bytes text = reply_bytes(reply_field(entry->fields, name));
    snprintf(out, size, "%.*s", (int)(text.len < size ? text.len : size - 1), text.at);
}

static void on_answer(struct stream_wait *wait, const struct stream_entry *entry)
{
    struct cancel *cancel =
        (struct cancel *)(void *)((char *)wait - offsetof(struct cancel, answer));
    if (entry == NULL)
        return;
    copy_field(cancel->host, sizeof cancel->host, entry, "host");
    copy_field(cancel->pid, sizeof cancel->pid, entry, "pid");
    judge(cancel);
}

static void on_deaf(struct stream_wait *wait, const struct err *err)
{
    struct cancel *cancel =
        (struct cancel *)(void *)((char *)wait - offsetof(struct cancel, answer));
    err_set(&cancel->err, err->code, "%s", err->text);
    judge(cancel);
}

static void on_alarm(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct cancel *cancel = watcher->data;
    cancel->is_late = 1;
    judge(cancel);
}

/* ---- where it waits ---------------------------------------------------------------- */

static const char *place_of(const struct cancel *cancel, const char *key)
{
    const struct queue *queue = cancel->queue;
    const struct {
        const char *key, *name;
    } places[] = {{queue->list, "queue"},
                  {queue->high, "high"},
                  {queue->staging, "staging"},
                  {queue->suspects, "suspects"}};
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        if (key == places[i].key)
            return places[i].name;
    return "queue"; /* for what is scheduled: it is there when it falls due */
}

/* The call is put together while the entry is there, and sent when the walk is over. */
static void prepare_unscheduling(struct cancel *cancel, struct bytes raw,
                                 const struct envelope *envelope)
{
    struct bytes record_key = bytes_of("");
    struct bytes kept = {arena_dup(&cancel->arena, raw), raw.len};
    if (envelope->track && envelope->id.len > 0)
        record_key = queue_record_key(cancel->queue, envelope->id, &cancel->arena);
    script_unschedule(&cancel->cmd, cancel->queue, bytes_of(cancel->id), kept, record_key,
                      TRACK_KEEP_MS);
}

static int on_entry(void *arg, struct bytes raw, int64_t at_ms)
{
    struct cancel *cancel = arg;
    struct entry entry;
    struct envelope envelope;
    (void)at_ms;
    arena_reset(&cancel->scratch);
    if (raw.len <= LIMIT_ENTRY_BYTES && entry_read(&entry, raw) == 0 &&
        envelope_read(&envelope, entry.payload, &cancel->scratch, NULL) == LEAT_OK &&
        (bytes_is(envelope.id, cancel->id) || bytes_is(entry.iid, cancel->id))) {
        cancel->where = place_of(cancel, cancel->walk.from);
        if (cancel->walk.source == WALK_SCHEDULED)
            prepare_unscheduling(cancel, raw, &envelope);
    }
    return knows(cancel);
}

/* One that is gone meanwhile fell due: it is in the queue, where the cancel waits for
 * it. */
static void on_unscheduled(void *arg, struct answer *answer)
{
    struct cancel *cancel = arg;
    cancel->is_busy = 0;
    cancel->is_unscheduled = reply_int(answer->reply, 0) == 1;
    if (answer->code != LEAT_OK)
        err_set(&cancel->err, answer->code, "Redis: %s", answer->text);
    else if (cancel->is_unscheduled && cancel->record.state != TRACK_NONE)
        cancel->record.state = TRACK_CANCELLED;
    judge(cancel);
}

static void unschedule(struct cancel *cancel)
{
    cancel->is_busy =
        link_send(cancel->link, &cancel->cmd, 0, 0, on_unscheduled, cancel) == LEAT_OK;
    if (!cancel->is_busy)
        err_set(&cancel->err, LEAT_ELINK, "the connection to Redis was lost");
}

static void walk_on(struct cancel *cancel, enum walk_source source)
{
    cancel->walk.source = source;
    cancel->is_busy = walk_start(&cancel->walk) == LEAT_OK;
    if (!cancel->is_busy)
        err_set(&cancel->err, LEAT_ELINK, "the connection to Redis was lost");
}

static void on_walked(struct walk *walk, const struct err *err)
{
    struct cancel *cancel = walk->arg;
    cancel->is_busy = 0;
    if (err != NULL)
        err_set(&cancel->err, err->code, "%s", err->text);
    else if (walk->source == WALK_SCHEDULED && cancel->where != NULL)
        unschedule(cancel);
    else if (!knows(cancel) && walk->source == WALK_READY)
        walk_on(cancel, WALK_SCHEDULED);
    judge(cancel);
}

/* ---- the steps --------------------------------------------------------------------- */

static void on_cancelled(void *arg, struct answer *answer)
{
    struct cancel *cancel = arg;
    cancel->is_busy = 0;
    ev_timer_set(&cancel->alarm, CANCEL_ANSWER_MS / 1000.0, 0);
    ev_timer_start(cancel->loop, &cancel->alarm);
    if (answer->code != LEAT_OK)
        err_set(&cancel->err, answer->code, "Redis: %s", answer->text);
    else
        walk_on(cancel, WALK_READY);
    judge(cancel);
}

/* One that is due, and may not be found now, must not start then. */
static int64_t keep_ms(const struct cancel *cancel)
{
    int64_t now_ms = clock_wall_ms(), due_ms = cancel->record.due_ms;
    if (due_ms <= now_ms)
        return CANCEL_KEEP_MS;
    return CANCEL_KEEP_MS +
           (due_ms - now_ms < LIMIT_DELAY_MS ? due_ms - now_ms : LIMIT_DELAY_MS);
}

/* The answer is waited for before there can be one. */
static int cancel_now(struct cancel *cancel)
{
    char nonce[RND_ID_CHARS + 1];
    rnd_id(nonce);
    cancel->answer.key = queue_answer_key(cancel->queue, nonce, &cancel->arena);
    if (stream_watch_add(cancel->watch, &cancel->answer, &cancel->err) != LEAT_OK)
        return cancel->err.code;
    script_cancel(&cancel->cmd, cancel->queue, bytes_of(cancel->id), keep_ms(cancel),
                  nonce);
    cancel->is_busy =
        link_send(cancel->link, &cancel->cmd, 0, 0, on_cancelled, cancel) == LEAT_OK;
    if (cancel->is_busy)
        return LEAT_OK;
    return err_set(&cancel->err, LEAT_ELINK, "the connection to Redis was lost");
}

static void on_record(void *arg, struct answer *answer)
{
    struct cancel *cancel = arg;
    if (answer->code != LEAT_OK)
        err_set(&cancel->err, answer->code, "Redis: %s", answer->text);
    else
        track_add_all(&cancel->record, answer->reply);
    cancel->fate = CANCEL_ENDED;
    if (cancel->err.code != LEAT_OK || track_is_end(cancel->record.state) ||
        cancel_now(cancel) != LEAT_OK)
        end(cancel);
}

int cancel_start(struct cancel *cancel, struct err *err)
{
    const char *key;
    cancel->answer = (struct stream_wait){.on_entry = on_answer, .on_error = on_deaf};
    cancel->walk = (struct walk){.link = cancel->link,
                                 .queue = cancel->queue,
                                 .max = CANCEL_LOOK_MAX,
                                 .entry = on_entry,
                                 .done = on_walked,
                                 .arg = cancel};
    ev_timer_init(&cancel->alarm, on_alarm, 0, 0);
    cancel->alarm.data = cancel;
    int code = track_key(&key, cancel->queue, cancel->id, &cancel->arena, err);
    if (code != LEAT_OK)
        return code;
    stream_put_look(&cancel->cmd, key);
    if (link_send(cancel->link, &cancel->cmd, 0, 0, on_record, cancel) == LEAT_OK)
        return LEAT_OK;
    return err_set(err, LEAT_ELINK, "the connection to Redis was lost");
}

void cancel_fini(struct cancel *cancel)
{
    stream_watch_remove(&cancel->answer);
    if (cancel->loop != NULL)
        ev_timer_stop(cancel->loop, &cancel->alarm);
    walk_fini(&cancel->walk);
    cmd_fini(&cancel->cmd);
    track_fini(&cancel->record);
    arena_fini(&cancel->arena);
    arena_fini(&cancel->scratch);
}

/* ---- showing ----------------------------------------------------------------------- */

void cancel_json(struct buf *out, const struct cancel *cancel)
{
    static const char *const fates[] = {
        [CANCEL_STOPPING] = "stopping", [CANCEL_WAITING] = "waiting",
        [CANCEL_ENDED] = "ended",       [CANCEL_UNSEEN] = "unseen",
        [CANCEL_UNKNOWN] = "unknown",   [CANCEL_UNSCHEDULED] = "cancelled",
    };
    buf_addf(out, "{\"id\":\"%s\",\"queue\":\"%s\",\"outcome\":\"%s\"", cancel->id,
             cancel->queue->name, fates[cancel->fate]);
    if (cancel->fate == CANCEL_STOPPING) {
        buf_adds(out, ",\"host\":");
        text_json_string(out, bytes_of(cancel->host));
        buf_addf(out, ",\"pid\":%lld", strtoll(cancel->pid, NULL, 10));
    }
    if (cancel->fate == CANCEL_WAITING)
        buf_addf(out, ",\"where\":\"%s\"", cancel->where);
    if (cancel->record.state != TRACK_NONE)
        buf_addf(out, ",\"state\":\"%s\"", track_state_name(cancel->record.state));
    buf_addc(out, '}');
}
