/* SPDX-License-Identifier: MIT */
/* Batches stand in a ring: `sent` of them, from `first` on, have a number and wait for
 * their answer, the one behind them is being filled. A batch keeps its number and its
 * bytes until it is acknowledged, because it may have to be sent again.
 *
 *   OPEN --refused--> HELD --all answered, back-off--> OPEN (everything sent again)
 *                       \--no patience left, or final--> ENDED */
#include "broker/pusher.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "base/text.h"
#include "broker/link.h"
#include "broker/script_call.h"
#include "schema/backoff.h"
#include "schema/entry.h"
#include "schema/envelope.h"

#include <assert.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RING = PUSHER_FLIGHT_MAX + 1,
    REMEMBERED_MS = 30 * 60 * 1000, /* well below what the scripts' PX says */
};

enum pusher_state { PUSHER_OPEN, PUSHER_HELD, PUSHER_ENDED };

struct batch {
    struct pusher *pusher;
    int64_t number;
    int count, acknowledged;
    int asked; /* on its way */
    struct pusher_due due;
    struct buf bytes;
    struct buf tracked;             /* ids of tracked jobs, each with its NUL */
    size_t end[LIMIT_PUSH_ENTRIES]; /* of each entry in `bytes` */
};

struct pusher {
    struct pusher_config config;
    struct queue queue;
    enum pusher_state state;
    struct err err; /* set in HELD when trying again is of no use */
    struct cmd cmd, records;
    ev_timer again;

    char producer[RND_ID_CHARS + 1];
    int64_t next_number, last_acknowledged; /* of batches */
    int64_t answered_mono_ms;
    int64_t added, acknowledged; /* jobs */
    int announced;               /* the queue's name is known to Redis, or on its way */
    int flight;                  /* requests without an answer */

    int refusals;            /* in a row */
    char refusal[120];       /* the newest of them */
    int64_t refused_mono_ms; /* the first of them */

    int first, sent;
    struct batch ring[RING];
};

static void resend(struct ev_loop *loop, ev_timer *watcher, int events);

struct pusher *pusher_new(const struct pusher_config *config)
{
    struct pusher *pusher = xcalloc(1, sizeof *pusher);
    pusher->config = *config;
    pusher->queue = *config->queue;
    pusher->config.queue = &pusher->queue;
    pusher->next_number = 1;
    rnd_id(pusher->producer);
    ev_timer_init(&pusher->again, resend, 0, 0);
    pusher->again.data = pusher;
    for (int i = 0; i < RING; i++)
        pusher->ring[i].pusher = pusher;
    return pusher;
}

static void batch_fini(struct batch *batch)
{
    buf_fini(&batch->bytes);
    buf_fini(&batch->tracked);
}

void pusher_free(struct pusher *pusher)
{
    if (pusher == NULL)
        return;
    ev_timer_stop(pusher->config.loop, &pusher->again);
    for (int i = 0; i < RING; i++)
        batch_fini(&pusher->ring[i]);
    cmd_fini(&pusher->cmd);
    cmd_fini(&pusher->records);
    free(pusher);
}

/* ---- sending ----------------------------------------------------------------------- */

static struct batch *batch_at(struct pusher *pusher, int i)
{
    return &pusher->ring[(pusher->first + i) % RING];
}

static struct batch *filling(struct pusher *pusher)
{
    return batch_at(pusher, pusher->sent);
}

static void transmit(struct pusher *pusher, answer_fn fn, void *arg)
{
    pusher->flight++;
    int code = link_send(pusher->config.link, &pusher->cmd, LINK_RESEND, 0, fn, arg);
    assert(code == LEAT_OK); /* the link takes what may be sent again at any time */
}

static void on_announced(void *arg, struct answer *answer);
static void on_answer(void *arg, struct answer *answer);

/* People and workers look for queues in one set. */
static void announce(struct pusher *pusher)
{
    if (pusher->announced)
        return;
    pusher->announced = 1;
    cmd_set(&pusher->cmd, "SADD", QUEUES_KEY, pusher->queue.name, NULL);
    transmit(pusher, on_announced, pusher);
}

/* The keys of the records that a batch begins. */
static const struct cmd *records_of(struct batch *batch)
{
    struct cmd *records = &batch->pusher->records;
    const char *id = batch->tracked.data, *end = id + batch->tracked.len;
    cmd_reset(records);
    for (; id < end; id += strlen(id) + 1)
        cmd_add(records,
                queue_record_key(&batch->pusher->queue, bytes_of(id), &records->scratch));
    return records;
}

static void batch_send(struct batch *batch)
{
    struct pusher *pusher = batch->pusher;
    struct cmd *cmd = &pusher->cmd;
    const struct cmd *records = records_of(batch);
    announce(pusher);
    if (batch->due.when == PUSH_NOW)
        script_push(cmd, &pusher->queue, pusher->producer, batch->number, records);
    else
        script_schedule(cmd, &pusher->queue, pusher->producer, batch->number,
                        batch->due.when == PUSH_IN, batch->due.ms, records);
    size_t start = 0;
    for (int i = 0; i < batch->count; i++) {
        cmd_add(cmd, (struct bytes){batch->bytes.data + start, batch->end[i] - start});
        start = batch->end[i];
    }
    batch->asked = 1;
    transmit(pusher, on_answer, batch);
}

/* Redis may have forgotten a producer that was idle, and would call its next batch a
 * gap. */
static void renew_if_stale(struct pusher *pusher)
{
    if (pusher->sent > 0 || pusher->next_number == 1 ||
        clock_mono_ms() - pusher->answered_mono_ms < REMEMBERED_MS)
        return;
    rnd_id(pusher->producer);
    pusher->next_number = 1;
    pusher->last_acknowledged = 0;
}

static void send_filled(struct pusher *pusher)
{
    renew_if_stale(pusher);
    struct batch *batch = filling(pusher);
    batch->number = pusher->next_number++;
    pusher->sent++;
    struct batch *next = filling(pusher);
    *next =
        (struct batch){.pusher = pusher, .bytes = next->bytes, .tracked = next->tracked};
    buf_reset(&next->bytes);
    buf_reset(&next->tracked);
    batch_send(batch);
}

static int can_send(const struct pusher *pusher)
{
    return pusher->state == PUSHER_OPEN && pusher->sent < PUSHER_FLIGHT_MAX;
}

void pusher_flush(struct pusher *pusher)
{
    if (can_send(pusher) && pusher->sent == 0 && filling(pusher)->count > 0)
        send_filled(pusher);
}

/* ---- adding ------------------------------------------------------------------------ */

int pusher_has_room(const struct pusher *pusher)
{
    return can_send(pusher);
}

static int fits(const struct batch *batch, size_t len, struct pusher_due due)
{
    return batch->count == 0 ||
           (batch->count < LIMIT_PUSH_ENTRIES &&
            batch->bytes.len + LIMIT_HEADER_BYTES + len <= LIMIT_PUSH_BYTES &&
            batch->due.when == due.when && batch->due.ms == due.ms);
}

/* Entries in a ZSET must differ: the producer's id and a count make them. */
static void add_header(struct pusher *pusher, struct buf *out)
{
    char iid[RND_ID_CHARS + 24];
    snprintf(iid, sizeof iid, "%s.%lld", pusher->producer, (long long)pusher->added);
    struct entry entry = {.iid = bytes_of(iid)};
    entry_write_header(out, &entry, NULL);
    buf_addc(out, '\n');
}

/* The names of an envelope's fields are written without escapes, so nearly all jobs can
 * be told to be untracked without reading them. */
static void note_record(struct batch *batch, struct bytes payload)
{
    static const char word[] = "\"track\"";
    struct envelope envelope;
    struct arena arena = {0};
    if (memmem(payload.at, payload.len, word, sizeof word - 1) == NULL)
        return;
    if (envelope_read(&envelope, payload, &arena, NULL) == LEAT_OK && envelope.track &&
        envelope.id.len > 0) {
        buf_add(&batch->tracked, envelope.id.at, envelope.id.len);
        buf_addc(&batch->tracked, '\0');
    }
    arena_fini(&arena);
}

void pusher_add(struct pusher *pusher, struct bytes payload, struct pusher_due due)
{
    assert(pusher_has_room(pusher) && payload.len <= LIMIT_PAYLOAD_BYTES);
    if (!fits(filling(pusher), payload.len, due))
        send_filled(pusher);
    struct batch *batch = filling(pusher);
    batch->due = due;
    if (due.when != PUSH_NOW)
        add_header(pusher, &batch->bytes);
    buf_add(&batch->bytes, payload.at, payload.len);
    note_record(batch, payload);
    batch->end[batch->count++] = batch->bytes.len;
    pusher->added++;
    if (batch->count == LIMIT_PUSH_ENTRIES && can_send(pusher))
        send_filled(pusher);
}

/* ---- answers ----------------------------------------------------------------------- */

static void acknowledge(struct pusher *pusher, struct batch *batch)
{
    batch->acknowledged = 1;
    pusher->acknowledged += batch->count;
    if (batch->number > pusher->last_acknowledged)
        pusher->last_acknowledged = batch->number;
    pusher->refusals = 0;
    pusher->refused_mono_ms = 0;
    while (pusher->sent > 0 && batch_at(pusher, 0)->acknowledged) {
        pusher->first = (pusher->first + 1) % RING;
        pusher->sent--;
    }
}

/* `GAP <last>`: an earlier batch was refused, or is gone. */
static void on_gap(struct pusher *pusher, const char *text)
{
    int64_t last = 0;
    if (strncmp(text, "GAP ", 4) == 0)
        text_to_int(bytes_of(text + 4), &last);
    if (last < pusher->last_acknowledged)
        err_set(&pusher->err, LEAT_EGAP,
                "Redis lost history: of queue '%s' it acknowledged batch %lld and now "
                "knows %lld; %lld jobs were acknowledged, the newest of them may be gone",
                pusher->queue.name, (long long)pusher->last_acknowledged, (long long)last,
                (long long)pusher->acknowledged);
}

static void on_refusal(struct pusher *pusher, const char *text)
{
    int64_t now = clock_mono_ms();
    if (pusher->refused_mono_ms == 0)
        pusher->refused_mono_ms = now;
    snprintf(pusher->refusal, sizeof pusher->refusal, "%s", text);
    if (now - pusher->refused_mono_ms >= pusher->config.patience_ms)
        err_set(&pusher->err, LEAT_EBUSY, "queue '%s' takes no more jobs for now (%s)",
                pusher->queue.name, text);
}

static void refuse(struct pusher *pusher, const struct answer *answer)
{
    pusher->state = PUSHER_HELD;
    if (answer->code == LEAT_EGAP)
        on_gap(pusher, answer->text);
    else if (answer->code == LEAT_EBUSY)
        on_refusal(pusher, answer->text);
    else
        err_set(&pusher->err, answer->code, "queue '%s': %s: %s", pusher->queue.name,
                err_meaning(answer->code), answer->text);
}

static void resend(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct pusher *pusher = watcher->data;
    pusher->state = PUSHER_OPEN;
    for (int i = 0; i < pusher->sent; i++)
        if (!batch_at(pusher, i)->acknowledged)
            batch_send(batch_at(pusher, i));
}

/* All that was on its way is answered: what next? */
static void settle_down(struct pusher *pusher)
{
    static const struct backoff pace = {
        .kind = BACKOFF_EXPONENTIAL, .base_ms = 20, .factor = 2, .cap_ms = 1000};
    if (pusher->err.code != LEAT_OK) {
        pusher->state = PUSHER_ENDED;
    } else if (pusher->state == PUSHER_HELD) {
        int64_t ms = backoff_delay_ms(&pace, ++pusher->refusals, rnd_below(UINT64_MAX));
        log_debug("batches are sent again", log_text("queue", pusher->queue.name),
                  log_number("batches", pusher->sent), log_number("in_ms", ms));
        ev_timer_set(&pusher->again, (double)ms / 1000, 0);
        ev_timer_start(pusher->config.loop, &pusher->again);
    }
}

static void answered(struct pusher *pusher)
{
    pusher->answered_mono_ms = clock_mono_ms();
    if (--pusher->flight == 0)
        settle_down(pusher);
    if (can_send(pusher) && filling(pusher)->count == LIMIT_PUSH_ENTRIES)
        send_filled(pusher);
    pusher_flush(pusher);
    if (pusher->config.on_progress != NULL)
        pusher->config.on_progress(pusher->config.arg);
}

static void on_answer(void *arg, struct answer *answer)
{
    struct batch *batch = arg;
    struct pusher *pusher = batch->pusher;
    batch->asked = 0;
    if (answer->code == LEAT_OK)
        acknowledge(pusher, batch);
    else
        refuse(pusher, answer);
    answered(pusher);
}

/* Without it the queue is only missing from the list of names: asked again with the next
 * batch. */
static void on_announced(void *arg, struct answer *answer)
{
    struct pusher *pusher = arg;
    pusher->announced = answer->code == LEAT_OK;
    answered(pusher);
}

/* ---- asking ------------------------------------------------------------------------ */

int pusher_is_idle(const struct pusher *pusher)
{
    return pusher->acknowledged == pusher->added;
}

int64_t pusher_added(const struct pusher *pusher)
{
    return pusher->added;
}

int64_t pusher_acknowledged(const struct pusher *pusher)
{
    return pusher->acknowledged;
}

enum pusher_fate pusher_fate(const struct pusher *pusher, int64_t nth)
{
    int64_t end = pusher->acknowledged;
    if (nth < end)
        return PUSH_ACKNOWLEDGED;
    for (int i = 0; i < pusher->sent; i++) {
        const struct batch *batch = &pusher->ring[(pusher->first + i) % RING];
        end += batch->count;
        if (nth < end)
            return batch->asked ? PUSH_IN_DOUBT : PUSH_ABSENT;
    }
    return PUSH_ABSENT;
}

const char *pusher_refusal(const struct pusher *pusher)
{
    return pusher->refused_mono_ms != 0 ? pusher->refusal : NULL;
}

const struct err *pusher_error(const struct pusher *pusher)
{
    return pusher->state == PUSHER_ENDED ? &pusher->err : NULL;
}
