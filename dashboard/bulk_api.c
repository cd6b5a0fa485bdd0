/* SPDX-License-Identifier: MIT */
/* POST /api/v1/jobs:bulk: each line of the body is a job, however many there are. Client
 * and Redis take turns: the body is read only while the lines read so far have found
 * room, so memory is bounded whichever side is slower. Bad lines are reported and left
 * out. */
#include "base/line_reader.h"
#include "base/text.h"
#include "dashboard/handlers.h"
#include "dashboard/push_api.h"
#include "schema/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPORTED_MAX = 100, READ_BYTES = 32 * 1024 };

struct bulk {
    struct intake_user user;
    struct http_request *request;
    struct pusher_due due;
    struct line_reader reader;
    struct bytes line; /* the next one, of this kind; LINE_NONE: not read yet */
    enum line_kind kind;
    struct arena arena;
    struct buf errors; /* JSON, of the first REPORTED_MAX refused lines */
    int64_t refused;
};

static void bulk_free(struct bulk *bulk)
{
    intake_leave(&bulk->user);
    line_reader_fini(&bulk->reader);
    arena_fini(&bulk->arena);
    buf_fini(&bulk->errors);
    free(bulk);
}

/* ---- lines ------------------------------------------------------------------------- */

static void refuse(struct bulk *bulk, const char *reason)
{
    if (++bulk->refused > REPORTED_MAX)
        return;
    buf_addf(&bulk->errors,
             "%s{\"line\":%" PRId64 ",\"error\":", bulk->errors.len > 0 ? "," : "",
             bulk->reader.number);
    text_json_string(&bulk->errors, bytes_of(reason));
    buf_addc(&bulk->errors, '}');
}

static int is_blank(struct bytes line)
{
    return line.len == 0 || (line.len == 1 && *line.at == '\r');
}

static void take_line(struct bulk *bulk)
{
    struct err err = {0};
    arena_reset(&bulk->arena);
    if (bulk->kind == LINE_TOO_LONG)
        err_set(&err, LEAT_EDATA, "longer than %d bytes", LIMIT_PAYLOAD_BYTES);
    else if (is_blank(bulk->line))
        return;
    else if (job_check(bulk->line, &bulk->arena, &err) == LEAT_OK)
        intake_add(&bulk->user, bulk->line, bulk->due);
    if (err.code != LEAT_OK)
        refuse(bulk, err.text);
}

/* Push what is read, as far as there is room; who has no line does not ask for room.
 * Returns whether no line is left. */
static int pump(struct bulk *bulk)
{
    for (;;) {
        if (bulk->kind == LINE_NONE)
            bulk->kind = line_reader_next(&bulk->reader, &bulk->line);
        if (bulk->kind == LINE_NONE || !intake_has_room(&bulk->user))
            break;
        take_line(bulk);
        bulk->kind = LINE_NONE;
    }
    intake_flush(&bulk->user);
    return bulk->kind == LINE_NONE;
}

/* ---- the answer -------------------------------------------------------------------- */

static void answer_done(struct bulk *bulk)
{
    struct buf members = {0}, json = {0};
    buf_addf(&members, "\"pushed\":%" PRId64 ",\"refused\":%" PRId64 ",\"errors\":[%s]",
             bulk->user.acknowledged, bulk->refused, buf_text(&bulk->errors));
    if (bulk->user.added == 0 && bulk->refused > 0) {
        push_api_problem(bulk->request, 422, "No job", "No line of the body is a job.",
                         buf_bytes(&members));
    } else {
        buf_addf(&json, "{%s}\n", buf_text(&members));
        http_answer(bulk->request, 200, "application/json", buf_bytes(&json));
    }
    buf_fini(&members);
    buf_fini(&json);
}

/* The errors of lines are left out: this may be an answer amid the body, which has to be
 * small. */
static void answer_failed(struct bulk *bulk)
{
    char members[160];
    snprintf(members, sizeof members,
             "\"pushed\":%" PRId64 ",\"in_doubt\":%" PRId64 ",\"refused\":%" PRId64,
             bulk->user.acknowledged, bulk->user.added - bulk->user.acknowledged,
             bulk->refused);
    push_api_fail(bulk->request, &bulk->user.err, bytes_of(members));
}

static void on_progress(struct intake_user *user)
{
    struct bulk *bulk = (struct bulk *)user;
    int is_used_up = pump(bulk);
    if (user->err.code != LEAT_OK) {
        answer_failed(bulk);
        bulk_free(bulk);
    } else if (is_used_up && bulk->reader.at_end && user->acknowledged == user->added) {
        answer_done(bulk);
        bulk_free(bulk);
    } else if (is_used_up) {
        http_read_on(bulk->request);
    }
}

/* ---- the body ---------------------------------------------------------------------- */

static size_t on_piece(void *arg, struct bytes piece)
{
    struct bulk *bulk = arg;
    size_t taken = 0;
    while (pump(bulk) && taken < piece.len) {
        size_t len;
        char *to = line_reader_room(&bulk->reader, &len);
        if (piece.len - taken < len)
            len = piece.len - taken;
        memcpy(to, piece.at + taken, len);
        line_reader_took(&bulk->reader, len);
        taken += len;
    }
    return taken;
}

static void on_end(void *arg, int is_whole)
{
    struct bulk *bulk = arg;
    if (is_whole) {
        line_reader_took(&bulk->reader, 0);
        on_progress(&bulk->user);
        return;
    }
    http_answer(bulk->request, 400, NULL, (struct bytes){0}); /* to nobody */
    bulk_free(bulk);
}

void post_jobs_bulk(struct http_request *request, void *arg)
{
    static const struct http_reader reader = {on_piece, on_end};
    struct bulk *bulk = xcalloc(1, sizeof *bulk);
    bulk->request = request;
    bulk->user.on_progress = on_progress;
    if (push_api_enter(arg, request, &bulk->user, &bulk->due) != 0) {
        free(bulk);
        return;
    }
    line_reader_init(&bulk->reader, LIMIT_PAYLOAD_BYTES, READ_BYTES);
    http_read(request, &reader, bulk);
}
