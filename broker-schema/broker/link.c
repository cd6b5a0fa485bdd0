/* SPDX-License-Identifier: MIT */
/* A link is always in one state; link_enter() is the only way from one to the next:
 *
 *   WAITING --timer--> RESOLVING --> CONNECTING --> GREETING --> UP
 *      ^                   |             |             |          |
 *      +-------------------+-------------+-------------+----------+   (link_lose)
 *
 * Three queues hold requests: `waiting` until the link is up, `flight` from the first byte
 * written to the answer, `later` after an error that asks for patience. What the greeting
 * sends goes straight to `flight`; `unsent` points at the first request of `flight` that is
 * not wholly written. */
#include "broker/link.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "broker/request.h"
#include "broker/resolve.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONNECT_MS = 3000,
    BACKOFF_FIRST_MS = 50,
    BACKOFF_MAX_MS = 5000,
    WATCH_MS = 500,
    READ_BYTES = 64 * 1024,
    WRITE_PIECES = 64,
    USER_TIMEOUT_MS = 10000,
    SERVER_MAJOR_MIN = 7,
};

enum link_state {
    LINK_WAITING,
    LINK_RESOLVING,
    LINK_CONNECTING,
    LINK_GREETING,
    LINK_UP,
    LINK_DEAD
};

struct link {
    struct ev_loop *loop;
    struct link_config config;
    enum link_state state;
    ev_io io;
    ev_timer timer;
    ev_prepare flush;
    int fd;
    redisReader *reader;

    struct request_queue waiting, flight, later;
    struct request *unsent;
    size_t unsent_offset;     /* bytes of `unsent` that are written */
    int64_t progress_mono_ms; /* last time that an answer came, or that one became due */

    struct resolve *resolve;
    struct addresses addresses;
    int address_next;

    int ever_up;
    int failures; /* in a row, for the back-off */
    int64_t down_mono_ms;
    int retry_step;
    ev_timer retry_timer;
    const char *drop_why;

    /* what the greeting learns */
    int64_t client_id, old_client_id;
    char run_id[48], old_run_id[48];
    char version[32];
    int greetings_due;
    int loading;
};

static void link_lose(struct link *link, const char *why);
static void greet(struct link *link);

struct redisReply *answer_take(struct answer *answer)
{
    struct redisReply *reply = answer->reply;
    answer->reply = NULL;
    return reply;
}

/* ---- states ------------------------------------------------------------------------- */

static void arm(struct link *link, int64_t after_ms)
{
    ev_timer_stop(link->loop, &link->timer);
    ev_timer_set(&link->timer, (double)after_ms / 1000, 0);
    ev_timer_start(link->loop, &link->timer);
}

static void link_enter(struct link *link, enum link_state state)
{
    static const unsigned allowed[] = {
        [LINK_WAITING] = 1 << LINK_RESOLVING | 1 << LINK_DEAD,
        [LINK_RESOLVING] = 1 << LINK_CONNECTING | 1 << LINK_WAITING | 1 << LINK_DEAD,
        [LINK_CONNECTING] = 1 << LINK_GREETING | 1 << LINK_CONNECTING |
                            1 << LINK_WAITING | 1 << LINK_DEAD,
        [LINK_GREETING] = 1 << LINK_UP | 1 << LINK_WAITING | 1 << LINK_DEAD,
        [LINK_UP] = 1 << LINK_WAITING | 1 << LINK_DEAD,
        [LINK_DEAD] = 0,
    };
    static const char *const names[] = {"waiting",  "resolving", "connecting",
                                        "greeting", "up",        "dead"};
    assert(allowed[link->state] & 1u << state);
    log_debug("link", " from=%s to=%s", names[link->state], names[state]);
    link->state = state;
    ev_timer_stop(link->loop, &link->timer);
}

static void link_die(struct link *link, int code, const char *format, const char *detail)
{
    struct err err = {0};
    err_set(&err, code, format, link->config.url.shown, detail);
    link_enter(link, LINK_DEAD);
    if (link->config.on_fatal != NULL)
        link->config.on_fatal(link->config.arg, &err);
}

/* ---- writing ------------------------------------------------------------------------ */

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
        if (link->state >= LINK_CONNECTING && link->state <= LINK_UP)
            link_lose(link, why);
    } else if (link->state == LINK_GREETING || link->state == LINK_UP) {
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
    struct request *request = request_new(
        cmd, flags, patience_ms > 0 ? patience_ms : LINK_PATIENCE_MS, fn, arg);
    if (link->state == LINK_UP)
        launch_one(link, request);
    else
        request_queue_push(&link->waiting, request);
    return LEAT_OK;
}

/* ---- reading ------------------------------------------------------------------------ */

static void finish(struct request *request, int code, const char *text,
                   struct redisReply *reply)
{
    struct answer answer = {code, text, reply};
    request->fn(request->arg, &answer);
    reply_free(answer.reply);
    request_free(request);
}

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
        log_debug("redis asks for patience", " error=\"%.60s\"", reply->str);
        send_later(link, request);
        reply_free(reply);
    } else {
        struct answer answer = {code, reply->str, NULL};
        request->fn(request->arg, &answer);
        reply_free(reply);
        request_free(request);
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
    request_queue_pop(&link->flight);
    link->progress_mono_ms = clock_mono_ms();
    if (reply->type == REDIS_REPLY_ERROR) {
        handle_error(link, request, reply);
    } else {
        link->retry_step = 0;
        finish(request, LEAT_OK, "", reply);
    }
    return link->state == LINK_GREETING || link->state == LINK_UP ? 0 : -1;
}

static void read_replies(struct link *link)
{
    void *reply;
    while (redisReaderGetReply(link->reader, &reply) == REDIS_OK) {
        if (reply == NULL || handle_reply(link, reply) != 0)
            return;
    }
    link_lose(link, "what Redis sent is no RESP");
}

static void read_some(struct link *link)
{
    char chunk[READ_BYTES];
    ssize_t got = read(link->fd, chunk, sizeof chunk);
    if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == EWOULDBLOCK))
        return;
    if (got <= 0) {
        link_lose(link, got == 0 ? "Redis closed the connection" : strerror(errno));
        return;
    }
    if (redisReaderFeed(link->reader, chunk, (size_t)got) != REDIS_OK)
        link_lose(link, "the reply is too large");
    else
        read_replies(link);
}

/* ---- connecting --------------------------------------------------------------------- */

static int open_socket(const struct link *link, int *out)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    const struct sockaddr *addr = (const struct sockaddr *)&path;
    socklen_t len = sizeof path;
    if (link->config.url.host[0] == '\0') {
        snprintf(path.sun_path, sizeof path.sun_path, "%s", link->config.url.path);
    } else {
        addr = (const struct sockaddr *)&link->addresses.at[link->address_next].addr;
        len = link->addresses.at[link->address_next].len;
    }
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (addr->sa_family != AF_UNIX) {
        int on = 1, timeout = USER_TIMEOUT_MS;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
    }
    *out = fd;
    return connect(fd, addr, len) == 0 || errno == EINPROGRESS ? 0 : -1;
}

static void try_address(struct link *link)
{
    link_enter(link, LINK_CONNECTING);
    int opened = open_socket(link, &link->fd);
    if (opened != 0) {
        link_lose(link, strerror(errno));
        return;
    }
    ev_io_set(&link->io, link->fd, EV_WRITE);
    ev_io_start(link->loop, &link->io);
    arm(link, CONNECT_MS);
}

static void on_resolved(void *arg, const struct addresses *found, const char *why)
{
    struct link *link = arg;
    link->resolve = NULL;
    if (why != NULL) {
        link_lose(link, why);
        return;
    }
    link->addresses = *found;
    try_address(link);
}

static void begin(struct link *link)
{
    const struct redis_url *url = &link->config.url;
    link_enter(link, LINK_RESOLVING);
    link->address_next = 0;
    if (url->host[0] == '\0' ||
        resolve_numeric(&link->addresses, url->host, url->port) == 0)
        try_address(link);
    else
        link->resolve =
            resolve_start(link->loop, url->host, url->port, on_resolved, link);
}

static void on_connected(struct link *link)
{
    int failure = 0;
    socklen_t len = sizeof failure;
    getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &failure, &len);
    if (failure != 0) {
        link_lose(link, strerror(failure));
        return;
    }
    link->reader = redisReaderCreate();
    watch_io(link, EV_READ);
    link_enter(link, LINK_GREETING);
    arm(link, CONNECT_MS);
    greet(link);
}

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    struct link *link = watcher->data;
    if (link->state == LINK_CONNECTING) {
        on_connected(link);
        return;
    }
    if (events & EV_READ)
        read_some(link);
    if ((events & EV_WRITE) != 0 &&
        (link->state == LINK_GREETING || link->state == LINK_UP))
        write_unsent(link);
}

/* ---- greeting ----------------------------------------------------------------------- */

static void come_up(struct link *link)
{
    link_enter(link, LINK_UP);
    link->ever_up = 1;
    link->failures = 0;
    link->old_client_id = 0;
    arm(link, WATCH_MS);
    launch(link, &link->waiting);
    launch(link, &link->later);
    if (link->config.on_up != NULL)
        link->config.on_up(link->config.arg);
}

static void greeting_done(struct link *link)
{
    if (--link->greetings_due > 0 || link->state != LINK_GREETING)
        return;
    if (link->loading)
        link_lose(link, "Redis is loading its data");
    else
        come_up(link);
}

/* A refused greeting is final, but for a server that is not ready yet. */
static void greeting_refused(struct link *link, const struct answer *answer)
{
    if (answer->code == LEAT_ELINK || link->state != LINK_GREETING)
        return; /* lost: the loss is being handled already */
    if (answer->code == LEAT_EBUSY) {
        link_lose(link, "Redis is not ready");
        return;
    }
    link_die(link, answer->code == LEAT_EBUG ? LEAT_ECONFIG : answer->code,
             "Redis at %s refused the connection: %.200s", answer->text);
}

static void on_must(void *arg, struct answer *answer)
{
    if (answer->code != LEAT_OK)
        greeting_refused(arg, answer);
    else
        greeting_done(arg);
}

static void on_may(void *arg, struct answer *answer)
{
    if (answer->code != LEAT_ELINK)
        greeting_done(arg);
}

static void on_client_id(void *arg, struct answer *answer)
{
    struct link *link = arg;
    if (answer->code == LEAT_OK)
        link->client_id = reply_int(answer->reply, 0);
    on_may(link, answer);
}

/* Copy the value of an INFO line. */
static void info_value(struct bytes info, const char *name, char *out, size_t size)
{
    out[0] = '\0';
    const char *at = memmem(info.at, info.len, name, strlen(name));
    if (at == NULL)
        return;
    at += strlen(name);
    size_t left = (size_t)(info.at + info.len - at), len = 0;
    while (len < left && at[len] != '\r' && at[len] != '\n')
        len++;
    snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), at);
}

static void greet_one(struct link *link, struct cmd *cmd, answer_fn fn)
{
    link->greetings_due++;
    launch_one(link, request_new(cmd, 0, LINK_PATIENCE_MS, fn, link));
}

/* The old connection may still hold commands that the server has not read. */
static void kill_old(struct link *link)
{
    struct cmd cmd = {0};
    if (link->old_client_id == 0 || strcmp(link->run_id, link->old_run_id) != 0)
        return;
    cmd_set(&cmd, "CLIENT", "KILL", "ID", NULL);
    cmd_add_int(&cmd, link->old_client_id);
    greet_one(link, &cmd, on_may);
    cmd_fini(&cmd);
}

static void on_info(void *arg, struct answer *answer)
{
    struct link *link = arg;
    if (answer->code != LEAT_OK) {
        greeting_refused(link, answer);
        return;
    }
    struct bytes info = reply_bytes(answer->reply);
    char loading[4], policy[32];
    info_value(info, "\nredis_version:", link->version, sizeof link->version);
    info_value(info, "\nrun_id:", link->run_id, sizeof link->run_id);
    info_value(info, "\nloading:", loading, sizeof loading);
    info_value(info, "\nmaxmemory_policy:", policy, sizeof policy);
    link->loading = strcmp(loading, "1") == 0;
    if (atoi(link->version) < SERVER_MAJOR_MIN) {
        link_die(link, LEAT_ECONFIG,
                 "Redis at %s has version %s, leat needs 7.0 or later", link->version);
    } else if (policy[0] != '\0' && strcmp(policy, "noeviction") != 0) {
        link_die(
            link, LEAT_ECONFIG,
            "Redis at %s may evict jobs: maxmemory-policy is %s, it must be noeviction "
            "(CONFIG SET maxmemory-policy noeviction)",
            policy);
    } else {
        kill_old(link);
        greeting_done(link);
    }
}

static void greet(struct link *link)
{
    const struct redis_url *url = &link->config.url;
    struct cmd cmd = {0};
    link->greetings_due =
        1; /* this function's own, so that nothing is done before its end */
    link->loading = 0;
    if (url->password[0] != '\0') {
        cmd_set(&cmd, "AUTH", NULL);
        if (url->user[0] != '\0')
            cmd_adds(&cmd, url->user);
        cmd_adds(&cmd, url->password);
        greet_one(link, &cmd, on_must);
    }
    if (url->db != 0) {
        cmd_set(&cmd, "SELECT", NULL);
        cmd_add_int(&cmd, url->db);
        greet_one(link, &cmd, on_must);
    }
    if (link->config.name != NULL) {
        cmd_set(&cmd, "CLIENT", "SETNAME", link->config.name, NULL);
        greet_one(link, &cmd, on_may);
    }
    if (link->config.serving) {
        cmd_set(&cmd, "CLIENT", "ID", NULL);
        greet_one(link, &cmd, on_client_id);
        cmd_set(&cmd, "INFO", NULL);
        greet_one(link, &cmd, on_info);
    }
    cmd_fini(&cmd);
    greeting_done(link);
}

/* ---- losing ------------------------------------------------------------------------- */

static void disconnect(struct link *link)
{
    ev_io_stop(link->loop, &link->io);
    ev_io_set(&link->io, -1, 0);
    ev_prepare_stop(link->loop, &link->flush);
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    if (link->reader != NULL)
        redisReaderFree(link->reader);
    link->reader = NULL;
    link->unsent = NULL;
}

/* What may be sent again waits, in front of what waits already; the rest is told. */
static void sort_flight(struct link *link)
{
    struct request_queue again = {0}, told = {0};
    for (struct request *request; (request = request_queue_pop(&link->flight)) != NULL;)
        request_queue_push(request->flags & LINK_RESEND ? &again : &told, request);
    request_queue_splice(&again, &link->waiting);
    link->waiting = again;
    for (struct request *request; (request = request_queue_pop(&told)) != NULL;)
        finish(request, LEAT_ELINK, "the connection to Redis was lost", NULL);
}

static int gives_up(const struct link *link)
{
    if (!link->ever_up && !link->loading)
        return 1;
    return link->config.give_up_ms >= 0 &&
           clock_mono_ms() - link->down_mono_ms >= link->config.give_up_ms;
}

static void remember_old(struct link *link)
{
    if (link->client_id == 0)
        return;
    link->old_client_id = link->client_id;
    memcpy(link->old_run_id, link->run_id, sizeof link->old_run_id);
    link->client_id = 0;
}

static void link_lose(struct link *link, const char *why)
{
    char reason[160];
    snprintf(reason, sizeof reason, "%s", why);
    int was_up = link->state == LINK_UP;
    int more = link->state == LINK_CONNECTING && link->config.url.host[0] != '\0' &&
               link->address_next + 1 < link->addresses.count;
    disconnect(link);
    if (more) {
        link->address_next++;
        try_address(link);
        return;
    }
    if (was_up || link->down_mono_ms == 0)
        link->down_mono_ms = clock_mono_ms();
    remember_old(link);
    if (gives_up(link)) {
        link_die(link, LEAT_ELINK,
                 "cannot reach Redis at %s (%s); start one there, or name another with "
                 "--redis URL or LEAT_REDIS",
                 reason);
        return;
    }
    link_enter(link, LINK_WAITING);
    arm(link, backoff_ms(++link->failures));
    if (was_up && link->config.on_down != NULL)
        link->config.on_down(link->config.arg, reason);
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
    case LINK_WAITING: begin(link); break;
    case LINK_CONNECTING: link_lose(link, "no connection in time"); break;
    case LINK_GREETING: link_lose(link, "no greeting in time"); break;
    case LINK_UP: watch(link); break;
    case LINK_RESOLVING:
    case LINK_DEAD: break;
    }
}

/* ---- life --------------------------------------------------------------------------- */

struct link *link_new(struct ev_loop *loop, const struct link_config *config)
{
    struct link *link = xcalloc(1, sizeof *link);
    link->loop = loop;
    link->config = *config;
    link->fd = -1;
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
    resolve_cancel(link->resolve);
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

void link_drop(struct link *link, const char *why)
{
    link->drop_why = why;
    ev_prepare_start(link->loop, &link->flush);
}

int64_t link_client_id(const struct link *link)
{
    return link->state == LINK_UP ? link->client_id : 0;
}

const char *link_server_version(const struct link *link)
{
    return link->version;
}
