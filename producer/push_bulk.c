/* SPDX-License-Identifier: MIT */
/* Input and Redis take turns: the input is watched only while the pusher has room and no
 * line is left in the block, so memory is bounded whichever side is slower. */
#include "push_bulk.h"
#include "base/clock.h"
#include "base/line_reader.h"
#include "base/text.h"
#include "command.h"
#include "schema/job.h"
#include "schema/uuid.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REPORTED_MAX = 20, READ_BYTES = 256 * 1024 };

struct bulk {
    const struct push_bulk_config *config;
    struct client *client;
    struct pusher *pusher;
    struct line_reader reader;
    int fd;
    ev_io input;
    int done;
    struct err err; /* of the input */
    int64_t lines, refused;

    /* kept from line to line, so that none of them allocates */
    struct arena arena;
    struct buf value, args, payload;
    struct uuid_maker ids;
    int64_t now_ms; /* of the newest block */
};

/* ---- one line ---------------------------------------------------------------------- */

static void refuse(struct bulk *bulk, const char *reason)
{
    if (++bulk->refused <= REPORTED_MAX)
        fprintf(stderr, "line %lld: %s\n", (long long)bulk->reader.number, reason);
}

/* {"type":…,"id":…,"args":{NAME:PREFIX+line}} */
static void build(struct bulk *bulk, struct bytes line)
{
    const struct push_bulk_config *config = bulk->config;
    char id[UUID_CHARS + 1];
    uuid_make(&bulk->ids, bulk->now_ms, id);
    buf_reset(&bulk->value);
    buf_adds(&bulk->value, config->prefix);
    buf_add(&bulk->value, line.at, line.len);
    buf_reset(&bulk->args);
    buf_addc(&bulk->args, '{');
    text_json_string(&bulk->args, bytes_of(config->arg));
    buf_addc(&bulk->args, ':');
    text_json_string(&bulk->args, buf_bytes(&bulk->value));
    buf_addc(&bulk->args, '}');
    struct envelope_draft draft = *config->draft;
    draft.id = id;
    draft.args = buf_bytes(&bulk->args);
    buf_reset(&bulk->payload);
    envelope_write(&bulk->payload, &draft);
}

static void push_line(struct bulk *bulk, struct bytes line)
{
    struct err err = {0};
    struct bytes payload = line;
    if (bulk->config->draft != NULL && !text_is_utf8(line)) {
        refuse(bulk, "not UTF-8");
        return;
    }
    if (bulk->config->draft != NULL) {
        build(bulk, line);
        payload = buf_bytes(&bulk->payload);
    }
    arena_reset(&bulk->arena);
    if (job_check(payload, &bulk->arena, &err) == LEAT_OK)
        pusher_add(bulk->pusher, payload, bulk->config->due);
    else
        refuse(bulk, err.text);
}

static int is_blank(const struct bulk *bulk, struct bytes line)
{
    return bulk->config->draft == NULL &&
           (line.len == 0 || (line.len == 1 && *line.at == '\r'));
}

static void take_line(struct bulk *bulk, enum line_kind kind, struct bytes line)
{
    char reason[64];
    if (kind == LINE_WHOLE && is_blank(bulk, line))
        return;
    bulk->lines++;
    if (kind == LINE_WHOLE) {
        push_line(bulk, line);
        return;
    }
    snprintf(reason, sizeof reason, "longer than %d bytes", LIMIT_PAYLOAD_BYTES);
    refuse(bulk, reason);
}

/* ---- the stream -------------------------------------------------------------------- */

static void watch_input(struct bulk *bulk, int on)
{
    if (on)
        ev_io_start(bulk->client->loop, &bulk->input);
    else
        ev_io_stop(bulk->client->loop, &bulk->input);
}

/* Push what is read, as far as there is room. */
static void pump(struct bulk *bulk)
{
    struct bytes line = {0};
    enum line_kind kind = LINE_WHOLE;
    while (pusher_has_room(bulk->pusher) &&
           (kind = line_reader_next(&bulk->reader, &line)) != LINE_NONE)
        take_line(bulk, kind, line);
    pusher_flush(bulk->pusher);
    int used_up = kind == LINE_NONE;
    int at_end = bulk->reader.at_end || bulk->err.code != LEAT_OK;
    watch_input(bulk, used_up && !at_end);
    bulk->done = pusher_error(bulk->pusher) != NULL ||
                 (used_up && at_end && pusher_is_idle(bulk->pusher));
}

/* Read once. */
static void fill(struct bulk *bulk)
{
    size_t len;
    char *to = line_reader_room(&bulk->reader, &len);
    ssize_t got = read(bulk->fd, to, len);
    if (got >= 0)
        line_reader_took(&bulk->reader, (size_t)got);
    else if (errno != EAGAIN && errno != EINTR)
        err_set(&bulk->err, LEAT_EDATA, "cannot read the input: %s", strerror(errno));
}

static void on_input(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct bulk *bulk = watcher->data;
    fill(bulk);
    bulk->now_ms = clock_wall_ms();
    pump(bulk);
}

static void on_progress(void *arg)
{
    pump(arg);
}

/* ---- the end ----------------------------------------------------------------------- */

static int summarize(const struct bulk *bulk, const struct err *err)
{
    long long pushed = (long long)pusher_acknowledged(bulk->pusher);
    if (bulk->refused > REPORTED_MAX)
        fprintf(stderr, "and %lld more lines refused\n",
                (long long)bulk->refused - REPORTED_MAX);
    int status = bulk->refused > 0 ? err_exit_status(LEAT_EDATA) : 0;
    if (err->code != LEAT_OK)
        status = command_fail(err);
    fprintf(stderr, "pushed %lld of %lld%s\n", pushed, (long long)bulk->lines,
            err->code != LEAT_OK ? " read so far" : "");
    if (bulk->config->json)
        printf("{\"pushed\":%lld,\"read\":%lld,\"refused\":%lld}\n", pushed,
               (long long)bulk->lines, (long long)bulk->refused);
    return status;
}

static int run(struct bulk *bulk)
{
    struct pusher_config config = {.loop = bulk->client->loop,
                                   .link = bulk->client->link,
                                   .queue = bulk->config->queue,
                                   .patience_ms = PUSH_PATIENCE_MS,
                                   .arg = bulk,
                                   .on_progress = on_progress};
    bulk->pusher = pusher_new(&config);
    ev_io_init(&bulk->input, on_input, bulk->fd, EV_READ);
    bulk->input.data = bulk;
    watch_input(bulk, 1);
    struct err err = {0};
    client_wait(bulk->client, &bulk->done, &err);
    watch_input(bulk, 0);
    const struct err *ended = pusher_error(bulk->pusher);
    const struct err *cause = err.code != LEAT_OK ? &err
                              : ended != NULL     ? ended
                                                  : &bulk->err;
    return summarize(bulk, cause);
}

static int open_input(const char *path, struct err *err)
{
    if (path == NULL || strcmp(path, "-") == 0)
        return STDIN_FILENO;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        err_set(err, LEAT_EDATA, "cannot open %s: %s", path, strerror(errno));
    return fd;
}

int push_bulk(struct client *client, const struct push_bulk_config *config)
{
    struct err err = {0};
    struct bulk bulk = {.config = config, .client = client};
    int fd = open_input(config->path, &err);
    if (fd < 0)
        return command_fail(&err);
    bulk.fd = fd;
    line_reader_init(&bulk.reader, LIMIT_PAYLOAD_BYTES, READ_BYTES);
    int status = run(&bulk);
    pusher_free(bulk.pusher);
    line_reader_fini(&bulk.reader);
    arena_fini(&bulk.arena);
    buf_fini(&bulk.value);
    buf_fini(&bulk.args);
    buf_fini(&bulk.payload);
    if (fd != STDIN_FILENO)
        close(fd);
    return status;
}
