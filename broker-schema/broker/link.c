/* SPDX-License-Identifier: MIT */
/* A link is always in one state; link_enter() is the only way from one to the next:
 *
 *   WAITING --timer--> DIALLING --> GREETING --> UP
 *      ^                   |           |          |
 *      +-------------------+-----------+----------+   (link_lose)
 *
 * Three queues hold requests: `waiting` until the link is up, `flight` from the first
 * byte written to the answer, `later` after an error that asks for patience. What the
 * greeting sends goes straight to `flight`; `unsent` points at the first request of
 * `flight` that is not wholly written. */
#include "broker/link.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "broker/dial.h"
#include "broker/greeting.h"
#include "broker/reader.h"
#include "broker/request.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    GREETING_MS = 3000,
    MEETING_MS = 1000, /* as long, a server never greeted may hang up */
    BACKOFF_FIRST_MS = 50,
    BACKOFF_MAX_MS = 2000, /* so that a cut that has ended is found soon */
    WATCH_MS = 500,
    READ_BYTES = 64 * 1024,
    WRITE_PIECES = 64,
};

enum link_state { LINK_WAITING, LINK_DIALLING, LINK_GREETING, LINK_UP, LINK_DEAD };

struct link {
    struct ev_loop *loop;
    struct link_config config;
    enum link_state state;
    ev_io io;
    ev_timer timer;
    ev_prepare flush;
    int fd;
    struct reader *reader;

    struct request_queue waiting, flight, later;
    struct request *unsent;
    size_t unsent_offset;     /* bytes of `unsent` that are written */
    int64_t progress_mono_ms; /* last time that bytes came, or an answer was due */

    struct dial *dial;
    int ever_up;
    int64_t met_mono_ms; /* somebody listened for the first time */
    int failures;        /* in a row, for the back-off */
    int64_t down_mono_ms;
    int64_t tried_mono_ms;
    int retry_step;
    ev_timer retry_timer;
    const char *drop_why;
    char lost_why[160];

    struct greeting greeting;
    int loading; /* the server said so last time */
};

static void link_lose(struct link *link, const char *why);

struct redisReply *answer_take(struct answer *answer)
{
    struct redisReply *reply = answer->reply;
    answer->reply = NULL;
    return reply;
}

/* ---- states ------------------------------------------------------------------------ */

static void arm(struct link *link, int64_t after_ms)
{
    ev_timer_stop(link->loop, &link->timer);
    ev_timer_set(&link->timer, (double)after_ms / 1000, 0);
    ev_timer_start(link->loop, &link->timer);
}

static void link_enter(struct link *link, enum link_state state)
{
    static const unsigned allowed[] = {
        [LINK_WAITING] = 1 << LINK_DIALLING | 1 << LINK_DEAD,
        [LINK_DIALLING] = 1 << LINK_GREETING | 1 << LINK_WAITING | 1 << LINK_DEAD,
        [LINK_GREETING] = 1 << LINK_UP | 1 << LINK_WAITING | 1 << LINK_DEAD,
        [LINK_UP] = 1 << LINK_WAITING | 1 << LINK_DEAD,
        [LINK_DEAD] = 0,
    };
    static const char *const names[] = {"waiting", "dialling", "greeting", "up", "dead"};
    assert(allowed[link->state] & 1u << state);
    log_debug("link", log_text("from", names[link->state]), log_text("to", names[state]));
    link->state = state;
    ev_timer_stop(link->loop, &link->timer);
}

static int is_connected(const struct link *link)
{
    return link->state == LINK_GREETING || link->state == LINK_UP;
}

static void disconnect(struct link *link)
{
    ev_io_stop(link->loop, &link->io);
    ev_io_set(&link->io, -1, 0);
    ev_prepare_stop(link->loop, &link->flush);
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    reader_free(link->reader);
    link->reader = NULL;
    link->unsent = NULL;
    link->drop_why = NULL; /* the next connection is not meant */
}

static void link_die(struct link *link, const struct err *err)
{
    disconnect(link);
    link_enter(link, LINK_DEAD);
    if (link->config.on_fatal != NULL)
        link->config.on_fatal(link->config.arg, err);
}

/* ---- writing ----------------------------------------------------------------------- */

/* Gather what is unsent into one vector. */
static int gather(const struct link *link, struct iovec piece[WRITE_PIECES])
{
    int count = 0;
    size_t offset = link->unsent_offset;
    for (struct request *it = link->unsent; it != NULL && count < WRITE_PIECES;
         it = it->next) {
        piece[count++] = (struct iovec){it->wire + offset, it->wire_len - offset};
        offset = 0;
    }
    return count;
}

static void advance(struct link *link, size_t written)
{
    while (written > 0) {
        size_t left = link->unsent->wire_len - link->unsent_offset;
        if (written < left) {
            link->unsent_offset += written;
            return;
        }
        written -= left;
        link->unsent = link->unsent->next;
        link->unsent_offset = 0;
    }
}

static void watch_io(struct link *link, int events)
{
    if ((link->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(link->loop, &link->io);
    ev_io_set(&link->io, link->fd, events);
    ev_io_start(link->loop, &link->io);
}

static void write_unsent(struct link *link)
{
    while (link->unsent != NULL) {
        struct iovec piece[WRITE_PIECES];
        struct msghdr message = {.msg_iov = piece,
                                 .msg_iovlen = (size_t)gather(link, piece)};
        ssize_t written = sendmsg(link->fd, &message, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            watch_io(link, EV_READ | EV_WRITE);
            return;
        }
        if (written < 0) {
            link_lose(link, strerror(errno));
            return;
        }
        advance(link, (size_t)written);
    }
    watch_io(link, EV_READ);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)events;
    struct link *link = watcher->data;
    ev_prepare_stop(loop, watcher);
    if (link->drop_why != NULL) {
        const char *why = link->drop_why;
        link->drop_why = NULL;
        if (is_connected(link))
            link_lose(link, why);
    } else if (is_connected(link)) {
        write_unsent(link);
    }
}

static void launch(struct link *link, struct request_queue *queue)
{
    if (queue->first == NULL)
        return;
    if (link->flight.first == NULL)
        link->progress_mono_ms = clock_mono_ms();
    if (link->unsent == NULL) {
        link->unsent = queue->first;
        link->unsent_offset = 0;
    }
    request_queue_splice(&link->flight, queue);
    ev_prepare_start(link->loop, &link->flush);
}

static void launch_one(struct link *link, struct request *request)
{
    struct request_queue one = {0};
    request_queue_push(&one, request);
    launch(link, &one);
}

int link_send(struct link *link, const struct cmd *cmd, unsigned flags,
              int64_t patience_ms, answer_fn fn, void *arg)
{
    if (link->state != LINK_UP && (flags & LINK_RESEND) == 0)
        return LEAT_ELINK;
    if ((flags & LINK_STREAM) != 0)
        patience_ms = INT64_MAX;
    struct request *request = request_new(
        cmd, flags, patience_ms > 0 ? patience_ms : LINK_PATIENCE_MS, fn, arg);
    if ((flags & LINK_TEXT) != 0)
        request_use_text(request);
    if (link->state == LINK_UP)
        launch_one(link, request);
    else
        request_queue_push(&link->waiting, request);
    return LEAT_OK;
}

/* ---- reading ----------------------------------------------------------------------- */

static int64_t backoff_ms(int failures)
{
    int64_t ms = BACKOFF_FIRST_MS;
    for (int i = 1; i < failures && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return ms / 2 + (int64_t)rnd_below((uint64_t)ms / 2 + 1);
}

static void on_retry(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct link *link = watcher->data;
    if (link->state == LINK_UP)
        launch(link, &link->later);
}

static void send_later(struct link *link, struct request *request)
{
    request_queue_push(&link->later, request);
    if (ev_is_active(&link->retry_timer))
        return;
    ev_timer_set(&link->retry_timer, (double)backoff_ms(++link->retry_step) / 1000, 0);
    ev_timer_start(link->loop, &link->retry_timer);
}

static void handle_error(struct link *link, struct request *request,
                         struct redisReply *reply)
{
    int code;
    struct bytes text = {reply->str, (size_t)reply->len};
    enum reply_class class = reply_classify(text, &code);
    if (class == REPLY_NO_SCRIPT && request->script != NULL) {
        request_use_text(request);
        launch_one(link, request);
        reply_free(reply);
    } else if (class == REPLY_RETRY && (request->flags & LINK_RETRY) != 0) {
        log_debug("redis asks for patience", log_bytes("err", text));
        send_later(link, request);
        reply_free(reply);
    } else {
        request_fail(request, code, reply_error_text(reply));
        reply_free(reply);
    }
}

/* Returns -1 when the connection was lost on the way. */
static int handle_reply(struct link *link, struct redisReply *reply)
{
    struct request *request = link->flight.first;
    if (request == NULL || request == link->unsent) {
        /* Redis speaks first only to say why it hangs up. */
        char why[128];
        snprintf(why, sizeof why, "Redis said: %.100s",
                 reply->type == REDIS_REPLY_ERROR ? reply->str : "something unasked");
        reply_free(reply);
        link_lose(link, why);
        return -1;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        request_queue_pop(&link->flight);
        handle_error(link, request, reply);
    } else if ((request->flags & LINK_STREAM) != 0) {
        request_answer(request, reply);
    } else {
        request_queue_pop(&link->flight);
        link->retry_step = 0;
        request_answer(request, reply);
        request_free(request);
    }
    return is_connected(link) ? 0 : -1;
}

/* Asking for it again would bring the same answer: whoever asked is told. */
static void refuse_reply(struct link *link)
{
    static const char why[] = "the answer is larger than any that leat takes";
    struct request *request = link->flight.first;
    if (link->state == LINK_UP && request != NULL && request != link->unsent)
        request_fail(request_queue_pop(&link->flight), LEAT_EDATA, why);
    link_lose(link, why);
}

static void read_replies(struct link *link)
{
    struct redisReply *reply;
    enum reader_end end;
    while ((end = reader_next(link->reader, &reply)) == READER_OK) {
        if (reply == NULL || handle_reply(link, reply) != 0)
            return;
    }
    if (end == READER_TOO_LARGE)
        refuse_reply(link);
    else
        link_lose(link, "what Redis sent is no RESP");
}

/* Returns whether there may be more. */
static int read_some(struct link *link)
{
    char chunk[READ_BYTES];
    ssize_t got = read(link->fd, chunk, sizeof chunk);
    if (got > 0)
        link->progress_mono_ms = clock_mono_ms();
    if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == EWOULDBLOCK))
        return errno == EINTR;
    if (got <= 0)
        link_lose(link, got == 0 ? "Redis closed the connection" : strerror(errno));
    else if (reader_feed(link->reader, (struct bytes){chunk, (size_t)got}) != READER_OK)
        refuse_reply(link);
    else
        read_replies(link);
    return is_connected(link);
}

void link_poll(struct link *link)
{
    while (link->state == LINK_UP && read_some(link))
        ;
}

/* ---- greeting ---------------------------------------------------------------------- */

static void come_up(struct link *link)
{
    link_enter(link, LINK_UP);
    link->ever_up = 1;
    link->failures = 0;
    link->loading = 0;
    arm(link, WATCH_MS);
    launch(link, &link->waiting);
    launch(link, &link->later);
    if (link->config.on_up != NULL)
        link->config.on_up(link->config.arg);
}

static void send_greeting(void *arg, const struct cmd *cmd, answer_fn fn, void *fn_arg)
{
    launch_one(arg, request_new(cmd, 0, LINK_PATIENCE_MS, fn, fn_arg));
}

static void on_greeted(void *arg, const struct err *err)
{
    struct link *link = arg;
    if (err->code == LEAT_OK) {
        come_up(link);
    } else if (err->code == LEAT_EBUSY) {
        link->loading = 1;
        link_drop(link, "Redis is not ready yet");
    } else {
        link_die(link, err);
    }
}

/* ---- connecting -------------------------------------------------------------------- */

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    struct link *link = watcher->data;
    if (events & EV_READ)
        read_some(link);
    if ((events & EV_WRITE) != 0 && is_connected(link))
        write_unsent(link);
}

static void on_dialled(void *arg, int fd, const char *why)
{
    struct link *link = arg;
    link->dial = NULL;
    if (fd < 0) {
        link_lose(link, why);
        return;
    }
    link->fd = fd;
    if (link->met_mono_ms == 0)
        link->met_mono_ms = clock_mono_ms();
    link->reader = reader_new();
    ev_io_set(&link->io, fd, EV_READ);
    ev_io_start(link->loop, &link->io);
    link_enter(link, LINK_GREETING);
    arm(link, GREETING_MS);
    greeting_start(&link->greeting);
}

/* ---- losing ------------------------------------------------------------------------ */

/* What may be sent again waits, in front of what waits already; the rest is told. */
static void sort_flight(struct link *link)
{
    struct request_queue again = {0}, told = {0};
    for (struct request *request; (request = request_queue_pop(&link->flight)) != NULL;)
        request_queue_push(request->flags & LINK_RESEND ? &again : &told, request);
    request_queue_splice(&again, &link->waiting);
    link->waiting = again;
    for (struct request *request; (request = request_queue_pop(&told)) != NULL;)
        request_fail(request, LEAT_ELINK, "the connection to Redis was lost");
}

/* A first greeting can be lost like any other; but who hangs up again and again is no
 * Redis. */
static int was_cut_short(const struct link *link)
{
    return link->state == LINK_GREETING &&
           clock_mono_ms() - link->met_mono_ms < MEETING_MS;
}

static int gives_up(const struct link *link)
{
    if (!link->ever_up && !link->loading && !link->config.insist)
        return !was_cut_short(link);
    return link->config.give_up_ms >= 0 &&
           clock_mono_ms() - link->down_mono_ms >= link->config.give_up_ms;
}

static void die_unreached(struct link *link, const char *why)
{
    static const char by_command[] =
        "name another with --redis URL or LEAT_REDIS; leat up starts a private one";
    const char *cure = link->config.cure != NULL ? link->config.cure : by_command;
    struct err err = {0};
    err_set(&err, LEAT_ELINK, "cannot reach Redis at %s (%s); start one there, or %s",
            link->config.url.shown, why, cure);
    link_die(link, &err);
}

static void link_lose(struct link *link, const char *why)
{
    snprintf(link->lost_why, sizeof link->lost_why, "%s", why);
    int was_up = link->state == LINK_UP;
    disconnect(link);
    link->tried_mono_ms = clock_mono_ms();
    if (was_up || link->down_mono_ms == 0)
        link->down_mono_ms = clock_mono_ms();
    greeting_forget(&link->greeting);
    if (gives_up(link)) {
        die_unreached(link, link->lost_why);
        return;
    }
    link_enter(link, LINK_WAITING);
    arm(link, backoff_ms(++link->failures));
    if (was_up && link->config.on_down != NULL)
        link->config.on_down(link->config.arg, link->lost_why);
    sort_flight(link);
}

static void watch(struct link *link)
{
    const struct request *head = link->flight.first;
    if (head != NULL && clock_mono_ms() - link->progress_mono_ms > head->patience_ms)
        link_lose(link, "no answer in time");
    else
        arm(link, WATCH_MS);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct link *link = watcher->data;
    switch (link->state) {
    case LINK_WAITING:
        link_enter(link, LINK_DIALLING);
        link->dial = dial_start(link->loop, &link->config.url, on_dialled, link);
        break;
    case LINK_GREETING: link_lose(link, "no greeting in time"); break;
    case LINK_UP: watch(link); break;
    case LINK_DIALLING:
    case LINK_DEAD: break;
    }
}

/* ---- life -------------------------------------------------------------------------- */

struct link *link_new(struct ev_loop *loop, const struct link_config *config)
{
    struct link *link = xcalloc(1, sizeof *link);
    assert(config->name != NULL);
    link->loop = loop;
    link->config = *config;
    link->fd = -1;
    link->greeting = (struct greeting){
        .config = &link->config, .send = send_greeting, .done = on_greeted, .arg = link};
    ev_io_init(&link->io, on_io, -1, 0);
    ev_timer_init(&link->timer, on_timer, 0, 0);
    ev_timer_init(&link->retry_timer, on_retry, 0, 0);
    ev_prepare_init(&link->flush, on_prepare);
    link->io.data = link->timer.data = link->retry_timer.data = link->flush.data = link;
    link->state = LINK_WAITING;
    arm(link, 0);
    return link;
}

void link_free(struct link *link)
{
    if (link == NULL)
        return;
    disconnect(link);
    dial_cancel(link->dial);
    ev_timer_stop(link->loop, &link->timer);
    ev_timer_stop(link->loop, &link->retry_timer);
    request_queue_fini(&link->waiting);
    request_queue_fini(&link->flight);
    request_queue_fini(&link->later);
    free(link);
}

int link_is_up(const struct link *link)
{
    return link->state == LINK_UP;
}

int link_is_whole(const struct link *link)
{
    struct pollfd end = {.fd = link->fd, .events = POLLRDHUP};
    return link->state == LINK_UP && poll(&end, 1, 0) == 0;
}

void link_drop(struct link *link, const char *why)
{
    link->drop_why = why;
    ev_prepare_start(link->loop, &link->flush);
}

int64_t link_client_id(const struct link *link)
{
    return link->state == LINK_UP ? link->greeting.client_id : 0;
}

int64_t link_tried_mono_ms(const struct link *link)
{
    return link->tried_mono_ms;
}

const char *link_lost_why(const struct link *link)
{
    return link->lost_why;
}

const char *link_server_version(const struct link *link)
{
    return link->greeting.version;
}
