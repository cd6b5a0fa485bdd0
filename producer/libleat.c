/* SPDX-License-Identifier: MIT */
#include "handle.h"
#include "schema/job.h"
#include "sized.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPEN_MS = 5000 };

/* The public codes are the internal ones under names that stand alone. */
#define SAME(public_code, internal)                                                      \
    _Static_assert((int)(public_code) == (int)(internal), #public_code)
SAME(LEAT_ERROR_USAGE, LEAT_EUSAGE);
SAME(LEAT_ERROR_DATA, LEAT_EDATA);
SAME(LEAT_ERROR_LINK, LEAT_ELINK);
SAME(LEAT_ERROR_BUG, LEAT_EBUG);
SAME(LEAT_ERROR_BUSY, LEAT_EBUSY);
SAME(LEAT_ERROR_DENIED, LEAT_EDENIED);
SAME(LEAT_ERROR_CONFIG, LEAT_ECONFIG);
SAME(LEAT_ERROR_TIMEOUT, LEAT_ETIMEOUT);
SAME(LEAT_ERROR_FOREIGN, LEAT_EFOREIGN);
SAME(LEAT_ERROR_HISTORY, LEAT_EGAP);

/* ---- opening and closing ----------------------------------------------------------- */

static int is_client_name(const char *name)
{
    size_t len = strnlen(name, CLIENT_NAME_BYTES + 1);
    for (size_t i = 0; i < len; i++)
        if (name[i] <= ' ' || name[i] >= 0x7f)
            return 0;
    return len > 0 && len <= CLIENT_NAME_BYTES;
}

static int read_options(struct leat *leat, struct leat_options *out,
                        const struct leat_options *given)
{
    *out = (struct leat_options){0};
    if (given != NULL &&
        sized_read(out, sizeof *out, given, "leat_options", &leat->err) != LEAT_OK)
        return leat->err.code;
    if (out->client_name == NULL)
        out->client_name = "leat";
    if (out->open_timeout_ms == 0)
        out->open_timeout_ms = OPEN_MS;
    if (out->open_timeout_ms < 0)
        return err_set(&leat->err, LEAT_EUSAGE, "'open_timeout_ms' is negative");
    if (!is_client_name(out->client_name))
        return err_set(&leat->err, LEAT_EUSAGE,
                       "'client_name' must be 1 to %d visible ASCII characters",
                       CLIENT_NAME_BYTES);
    snprintf(leat->client_name, sizeof leat->client_name, "%s", out->client_name);
    return LEAT_OK;
}

int leat_open(struct leat **out, const char *url, const struct leat_options *given)
{
    if (out == NULL)
        return LEAT_ERROR_USAGE;
    struct leat *leat = xcalloc(1, sizeof *leat);
    struct leat_options options;
    leat->pid = getpid();
    *out = leat;
    int code = read_options(leat, &options, given);
    if (code == LEAT_OK)
        code = handle_connect(leat, url, options.open_timeout_ms);
    if (code == LEAT_OK)
        return LEAT_OK;
    handle_disconnect(leat);
    leat->fatal = leat->err;
    return code;
}

void leat_close(struct leat *leat)
{
    if (leat == NULL)
        return;
    handle_disconnect(leat);
    libleat_job_fini(&leat->job);
    free(leat);
}

/* ---- pushing ----------------------------------------------------------------------- */

static int has_room(const struct leat *leat, const struct goal *goal)
{
    (void)leat;
    return pusher_has_room(goal->lane->pusher);
}

static int is_acknowledged(const struct leat *leat, const struct goal *goal)
{
    return lanes_state(&leat->lanes, goal->number) == LEAT_STATE_ACKNOWLEDGED;
}

static int is_over(const struct leat *leat, const struct goal *goal)
{
    (void)goal;
    for (int i = 0; i < LANE_MAX; i++) {
        const struct pusher *pusher = leat->lanes.at[i].pusher;
        if (pusher != NULL && !pusher_is_idle(pusher) && pusher_error(pusher) == NULL)
            return 0;
    }
    return 1;
}

/* Begin a call: forget the last error, and see that there can be one. */
static int begin(struct leat *leat, int64_t timeout_ms)
{
    if (leat == NULL)
        return LEAT_EUSAGE;
    leat->err.code = LEAT_OK;
    leat->err.text[0] = '\0';
    if (leat->pid != getpid())
        return err_set(&leat->err, LEAT_EUSAGE,
                       "the handle belongs to another process: open one behind fork()");
    if (timeout_ms < 0)
        return err_set(&leat->err, LEAT_EUSAGE, "'timeout_ms' is negative");
    return leat->fatal.code != LEAT_OK ? handle_fail(leat, &leat->fatal) : LEAT_OK;
}

/* A job that is checked, on its way to a lane. */
struct offer {
    const char *queue;
    struct bytes payload;
    struct pusher_due due;
    const char *id;
};

/* Begin a call that pushes, and check its job. */
static int offer_job(struct leat *leat, struct offer *offer, const struct leat_job *given,
                     int64_t timeout_ms)
{
    struct leat_job job;
    int code = begin(leat, timeout_ms);
    if (code != LEAT_OK)
        return code;
    if (given == NULL)
        return err_set(&leat->err, LEAT_EUSAGE, "the job is missing");
    code = sized_read(&job, sizeof job, given, "leat_job", &leat->err);
    if (code == LEAT_OK)
        code = libleat_job_write(&leat->job, &job, &leat->err);
    if (code == LEAT_OK)
        *offer = (struct offer){job.queue, buf_bytes(&leat->job.payload), leat->job.due,
                                leat->job.id};
    return code;
}

static int offer_envelope(struct leat *leat, struct offer *offer, const char *queue,
                          const void *envelope, size_t len, int64_t timeout_ms)
{
    int code = begin(leat, timeout_ms);
    if (code != LEAT_OK)
        return code;
    if (envelope == NULL)
        return err_set(&leat->err, LEAT_EUSAGE, "the envelope is missing");
    *offer = (struct offer){queue, {envelope, len}, {PUSH_NOW, 0}, ""};
    arena_reset(&leat->job.arena);
    return job_check(offer->payload, &leat->job.arena, &leat->err);
}

/* Put the job into its lane, once there is room. */
static int take(struct leat *leat, const struct offer *offer, struct leat_ticket *ticket,
                struct lane **lane, int64_t end_mono_ms)
{
    const char *queue = offer->queue != NULL ? offer->queue : "default";
    int code = lanes_find(&leat->lanes, queue, lane, &leat->err);
    if (code == LEAT_OK)
        code = handle_turn_until(leat, (struct goal){has_room, *lane, 0}, end_mono_ms);
    if (code != LEAT_OK)
        return code;
    ticket->number = lanes_next_number(&leat->lanes, *lane);
    snprintf(ticket->id, sizeof ticket->id, "%s", offer->id);
    pusher_add((*lane)->pusher, offer->payload, offer->due);
    return LEAT_OK;
}

/* A full batch goes out at once, so that Redis works while the caller makes the next. */
static void keep_going(struct leat *leat, const struct lane *lane)
{
    if (pusher_added(lane->pusher) % LIMIT_PUSH_ENTRIES == 0)
        handle_turn(leat, 0);
}

static int add(struct leat *leat, const struct offer *offer, struct leat_ticket *ticket,
               int64_t timeout_ms)
{
    struct leat_ticket taken;
    struct lane *lane;
    int code = take(leat, offer, &taken, &lane, handle_end_of(timeout_ms));
    if (code != LEAT_OK)
        return code;
    if (ticket != NULL)
        *ticket = taken;
    keep_going(leat, lane);
    return LEAT_OK;
}

static int push(struct leat *leat, const struct offer *offer, struct leat_ticket *ticket,
                int64_t timeout_ms)
{
    struct leat_ticket taken;
    struct lane *lane;
    int64_t end_mono_ms = handle_end_of(timeout_ms);
    int code = take(leat, offer, &taken, &lane, end_mono_ms);
    if (code != LEAT_OK)
        return code;
    if (ticket != NULL)
        *ticket = taken;
    pusher_flush(lane->pusher);
    return handle_turn_until(leat, (struct goal){is_acknowledged, lane, taken.number},
                             end_mono_ms);
}

static void clear(struct leat_ticket *ticket)
{
    if (ticket != NULL)
        *ticket = (struct leat_ticket){0};
}

int leat_push(struct leat *leat, const struct leat_job *job, struct leat_ticket *ticket,
              int64_t timeout_ms)
{
    struct offer offer = {0};
    clear(ticket);
    int code = offer_job(leat, &offer, job, timeout_ms);
    return code == LEAT_OK ? push(leat, &offer, ticket, timeout_ms) : code;
}

int leat_push_envelope(struct leat *leat, const char *queue, const void *envelope,
                       size_t len, struct leat_ticket *ticket, int64_t timeout_ms)
{
    struct offer offer = {0};
    clear(ticket);
    int code = offer_envelope(leat, &offer, queue, envelope, len, timeout_ms);
    return code == LEAT_OK ? push(leat, &offer, ticket, timeout_ms) : code;
}

int leat_add(struct leat *leat, const struct leat_job *job, struct leat_ticket *ticket,
             int64_t timeout_ms)
{
    struct offer offer = {0};
    int code = offer_job(leat, &offer, job, timeout_ms);
    return code == LEAT_OK ? add(leat, &offer, ticket, timeout_ms) : code;
}

int leat_add_envelope(struct leat *leat, const char *queue, const void *envelope,
                      size_t len, struct leat_ticket *ticket, int64_t timeout_ms)
{
    struct offer offer = {0};
    int code = offer_envelope(leat, &offer, queue, envelope, len, timeout_ms);
    return code == LEAT_OK ? add(leat, &offer, ticket, timeout_ms) : code;
}

int leat_flush(struct leat *leat, int64_t timeout_ms)
{
    int code = begin(leat, timeout_ms);
    if (code != LEAT_OK)
        return code;
    struct lane *end = leat->lanes.at + LANE_MAX;
    for (struct lane *it = leat->lanes.at; it < end; it++)
        if (it->pusher != NULL)
            pusher_flush(it->pusher);
    code = handle_turn_until(leat, (struct goal){.is_reached = is_over},
                             handle_end_of(timeout_ms));
    for (struct lane *it = leat->lanes.at; code == LEAT_OK && it < end; it++)
        if (it->pusher != NULL && pusher_error(it->pusher) != NULL)
            code = handle_fail(leat, pusher_error(it->pusher));
    return code;
}

/* ---- asking ------------------------------------------------------------------------ */

enum leat_state leat_state(const struct leat *leat, int64_t number)
{
    return leat != NULL ? lanes_state(&leat->lanes, number) : LEAT_STATE_NONE;
}

int64_t leat_taken(const struct leat *leat)
{
    return leat != NULL ? lanes_taken(&leat->lanes) : 0;
}

int64_t leat_acknowledged(const struct leat *leat)
{
    return leat != NULL ? lanes_acknowledged(&leat->lanes) : 0;
}

const char *leat_error_text(const struct leat *leat)
{
    return leat != NULL ? leat->err.text : "there is no handle";
}

const char *leat_strerror(int code)
{
    static const struct {
        int code;
        const char *meaning;
    } rows[] = {{0, "done"},
#define ROW(name, code, meaning) {code, meaning},
                LEAT_ERROR_CODES(ROW)
#undef ROW
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return rows[i].meaning;
    return "unknown error";
}

const char *leat_version(void)
{
    return LEAT_VERSION;
}
