/* SPDX-License-Identifier: MIT */
#include "up.h"
#include "base/clock.h"
#include "broker/link.h"
#include "command.h"

#include <ev.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PART_REDIS,
    PART_DASHBOARD,
    PART_WORKER,
    PART_COUNT
}; /* in the order of starting */

enum {
    QUICK_MS = 10000, /* who lived shorter has died quickly */
    QUICK_DEATHS = 5, /* in a row, and there is no use in starting another one */
    BACKOFF_MS = 200, /* doubled by each quick death */
};

static const struct {
    const char *name;
    double grace_s; /* between TERM and KILL */
    int death_signal;
} parts[PART_COUNT] = {
    [PART_REDIS] = {"redis", 30, SIGTERM},
    [PART_DASHBOARD] = {"dashboard", 5, SIGKILL},
    /* It finishes what runs for up to 25 s. With us goes its Redis: nothing to wait
     * for. */
    [PART_WORKER] = {"worker", 30, SIGKILL},
};

struct part {
    struct up *up;
    int id, quick;   /* `quick`: deaths in a row */
    pid_t pid;       /* 0: does not run */
    int64_t mono_ms; /* when it was started */
    const char *log;
    ev_child exited;
    ev_timer timer; /* until it is started again; while stopping, until it is killed */
};

enum up_state { UP_STARTING, UP_RUNNING, UP_STOPPING };

struct up {
    const struct up_config *config;
    struct arena *arena;
    struct ev_loop *loop;
    enum up_state state;
    int status;
    struct part part[PART_COUNT];
    struct part *ending; /* while stopping: the one whose turn it is */
    struct link *link;   /* until Redis answers */
    ev_signal signals[3];
    ev_io announced;
    int announced_fd;
    char address[256]; /* what the dashboard writes; then where it is */
    size_t address_len;
};

/* ---- stopping ---------------------------------------------------------------------- */

static void on_too_slow(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct part *part = watcher->data;
    fprintf(stderr, "leat: the %s did not end in time and is killed\n",
            parts[part->id].name);
    kill(part->pid, SIGKILL);
}

/* Stop the newest part that still runs; its end calls this again. */
static void stop_next(struct up *up)
{
    for (int id = PART_COUNT - 1; id >= 0; id--) {
        struct part *part = &up->part[id];
        if (part->pid == 0)
            continue;
        up->ending = part;
        kill(part->pid, SIGTERM);
        ev_timer_init(&part->timer, on_too_slow, parts[id].grace_s, 0);
        ev_timer_start(up->loop, &part->timer);
        return;
    }
    ev_break(up->loop, EVBREAK_ALL);
}

static void stop(struct up *up, int status)
{
    if (up->state == UP_STOPPING)
        return;
    up->state = UP_STOPPING;
    up->status = status;
    for (int id = 0; id < PART_COUNT; id++)
        ev_timer_stop(up->loop, &up->part[id].timer);
    stop_next(up);
}

static void fail(struct up *up, const struct err *err)
{
    if (up->state != UP_STOPPING)
        stop(up, command_fail(err));
}

/* A second one goes on to the worker, which then gives back at once what it runs. */
static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)events;
    struct up *up = watcher->data;
    if (up->state != UP_STOPPING)
        stop(up, 0);
    else if (up->ending == &up->part[PART_WORKER])
        kill(up->ending->pid, SIGTERM);
}

/* ---- starting ---------------------------------------------------------------------- */

static int spawn_self(struct part *part, char **argv, int out_fd, struct err *err)
{
    struct child_spec spec = {
        .file = "/proc/self/exe",
        .argv = argv,
        .log = part->log,
        .out_fd = out_fd,
        .kept_fd = -1,
        .death_signal = parts[part->id].death_signal,
    };
    return child_spawn(&spec, err);
}

static void on_announced(struct ev_loop *loop, ev_io *watcher, int events);

static int spawn_dashboard(struct part *part, struct err *err)
{
    struct up *up = part->up;
    int ends[2];
    const char *listen = up->state == UP_RUNNING ? up->address : up->config->listen;
    const struct up_config *config = up->config;
    const char *argv[] = {
        "leat",         "dashboard",        "--listen",    listen,
        "--redis",      config->redis->url, "--log-level", config->log.level,
        "--log-format", config->log.format, NULL};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, LEAT_EBUSY, "cannot make a pipe: %s", strerror(errno));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int pid = spawn_self(part, (char **)argv, ends[1], err);
    close(ends[1]);
    up->announced_fd = ends[0];
    ev_io_init(&up->announced, on_announced, ends[0], EV_READ);
    up->announced.data = up;
    ev_io_start(up->loop, &up->announced);
    return pid;
}

static int spawn(struct part *part, struct err *err)
{
    switch (part->id) {
    case PART_REDIS: return private_redis_spawn(part->up->config->redis, part->log, err);
    case PART_DASHBOARD: return spawn_dashboard(part, err);
    default: return spawn_self(part, part->up->config->worker, -1, err);
    }
}

static void start(struct part *part)
{
    struct err err = {0};
    part->mono_ms = clock_mono_ms();
    int pid = spawn(part, &err);
    if (pid <= 0) {
        fail(part->up, &err);
        return;
    }
    part->pid = pid;
    ev_child_set(&part->exited, pid, 0);
    ev_child_start(part->up->loop, &part->exited);
}

/* Links must not be freed by their callbacks, so this one stays until the dashboard is
 * up. */
static void on_redis_up(void *arg)
{
    struct up *up = arg;
    if (up->state == UP_STARTING && up->part[PART_DASHBOARD].pid == 0)
        start(&up->part[PART_DASHBOARD]);
}

static void on_redis_fatal(void *arg, const struct err *err)
{
    fail(arg, err);
}

static void open_link(struct up *up)
{
    struct link_config config = {.name = "leat-up",
                                 .serving = 1,
                                 .give_up_ms = -1,
                                 .insist = 1,
                                 .arg = up,
                                 .on_up = on_redis_up,
                                 .on_fatal = on_redis_fatal};
    struct err err = {0};
    if (redis_url_parse(&config.url, up->config->redis->url, &err) != LEAT_OK)
        fail(up, &err);
    else
        up->link = link_new(up->loop, &config);
}

static void be_ready(struct up *up)
{
    up->state = UP_RUNNING;
    link_free(up->link);
    up->link = NULL;
    start(&up->part[PART_WORKER]);
    if (up->state != UP_RUNNING)
        return;
    const char *url = strncmp(up->address, "unix:", 5) == 0
                          ? up->address
                          : arena_printf(up->arena, "http://%s/", up->address);
    private_redis_announce(up->config->redis, url);
    up->config->on_ready(up->config->arg, url);
}

static void close_announced(struct up *up)
{
    ev_io_stop(up->loop, &up->announced);
    if (up->announced_fd >= 0)
        close(up->announced_fd);
    up->announced_fd = -1;
}

/* `dashboard at http://ADDRESS/`. The next one is told to take the very same address. */
static void read_address(struct up *up)
{
    static const char before[] = "dashboard at http://";
    char *end = strstr(up->address, "/\n");
    if (end == NULL || strncmp(up->address, before, strlen(before)) != 0)
        return;
    *end = '\0';
    memmove(up->address, up->address + strlen(before),
            strlen(up->address + strlen(before)) + 1);
    be_ready(up);
}

static void on_announced(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct up *up = watcher->data;
    char unread[256];
    int first = up->state == UP_STARTING;
    char *into = first ? up->address + up->address_len : unread;
    size_t room = first ? sizeof up->address - 1 - up->address_len : sizeof unread;
    ssize_t len = room > 0 ? read(up->announced_fd, into, room) : 0;
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        close_announced(up);
        return;
    }
    if (first) {
        up->address_len += (size_t)len;
        read_address(up);
    }
}

/* ---- when one ends ----------------------------------------------------------------- */

static void on_time_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    start(watcher->data);
}

static int is_for_good(const struct part *part, int status)
{
    return status == err_exit_status(LEAT_EUSAGE) ||
           status == err_exit_status(LEAT_EDENIED) ||
           status == err_exit_status(LEAT_ECONFIG) || part->quick >= QUICK_DEATHS;
}

/* A shell's way to tell of a signal. */
static const char *how(int status, char out[32])
{
    if (status > 128)
        snprintf(out, 32, "killed by signal %d", status - 128);
    else
        snprintf(out, 32, "status %d", status);
    return out;
}

static void start_again(struct part *part, int status)
{
    char end[32];
    double wait_s = BACKOFF_MS * (double)(1 << part->quick) / 2000;
    fprintf(stderr, "leat: the %s ended (%s), the next one starts in %.1f s; see %s\n",
            parts[part->id].name, how(status, end), wait_s, part->log);
    ev_timer_init(&part->timer, on_time_again, wait_s, 0);
    ev_timer_start(part->up->loop, &part->timer);
}

static void give_up(struct part *part, int status)
{
    struct up *up = part->up;
    const char *cure = up->state == UP_STARTING && part->id == PART_DASHBOARD
                           ? "; --listen ADDRESS takes another address"
                           : "";
    char words[300], end[32];
    child_last_words(part->log, words, sizeof words);
    fprintf(stderr, "leat: the %s ended (%s): %s%s; all of it: %s\n",
            parts[part->id].name, how(status, end), words, cure, part->log);
    if (part->id == PART_REDIS)
        status = err_exit_status(LEAT_ELINK);
    else if (up->state == UP_STARTING)
        status = err_exit_status(LEAT_ECONFIG);
    stop(up, status != 0 ? status : err_exit_status(LEAT_EBUG));
}

static void on_exited(struct ev_loop *loop, ev_child *watcher, int events)
{
    (void)events;
    struct part *part = watcher->data;
    struct up *up = part->up;
    int status = child_exit_status(watcher->rstatus);
    ev_child_stop(loop, watcher);
    ev_timer_stop(loop, &part->timer);
    part->pid = 0;
    part->quick = clock_mono_ms() - part->mono_ms < QUICK_MS ? part->quick + 1 : 0;
    if (part->id == PART_DASHBOARD)
        close_announced(up);
    if (up->state == UP_STOPPING) {
        if (part == up->ending) /* another one went before its turn */
            stop_next(up);
    } else if (part->id == PART_REDIS && up->state == UP_STARTING &&
               !is_for_good(part, status) &&
               private_redis_repair(up->config->redis, part->log)) {
        fprintf(stderr, "leat: a crash had cut the end of Redis' file; it is mended\n");
        start(part);
    } else if (part->id == PART_REDIS || up->state == UP_STARTING ||
               is_for_good(part, status)) {
        give_up(part, status);
    } else {
        start_again(part, status);
    }
}

/* ---- life -------------------------------------------------------------------------- */

/* The log of the run before is kept beside the new one. */
static const char *fresh_log(struct up *up, const char *name)
{
    const char *folder = up->config->redis->folder;
    const char *log = arena_printf(up->arena, "%s/%s.log", folder, name);
    rename(log, arena_printf(up->arena, "%s.1", log));
    return log;
}

static int is_ignored(int number)
{
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

/* A terminal that goes away ends us like a Ctrl-C, but not below nohup. */
static void take_signals(struct up *up)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        if (numbers[i] == SIGHUP && is_ignored(SIGHUP))
            continue;
        ev_signal_init(&up->signals[i], on_signal, numbers[i]);
        up->signals[i].data = up;
        ev_signal_start(up->loop, &up->signals[i]);
    }
}

static void init(struct up *up, const struct up_config *config, struct arena *arena)
{
    *up = (struct up){.config = config, .arena = arena, .announced_fd = -1};
    up->loop = ev_default_loop(EVFLAG_AUTO);
    take_signals(up);
    for (int id = 0; id < PART_COUNT; id++) {
        struct part *part = &up->part[id];
        *part = (struct part){.up = up, .id = id, .log = fresh_log(up, parts[id].name)};
        ev_child_init(&part->exited, on_exited, 0, 0);
        ev_init(&part->timer, on_time_again);
        part->exited.data = part->timer.data = part;
    }
}

int up_run(const struct up_config *config, struct arena *arena)
{
    struct up up;
    init(&up, config, arena);
    start(&up.part[PART_REDIS]);
    if (up.state == UP_STARTING)
        open_link(&up);
    if (up.part[PART_REDIS].pid != 0)
        ev_run(up.loop, 0);
    link_free(up.link);
    ev_loop_destroy(up.loop);
    return up.status;
}
