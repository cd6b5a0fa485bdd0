/* SPDX-License-Identifier: MIT */
#include "worker/master.h"
#include "base/log.h"
#include "worker/dump.h"
#include "worker/pool.h"
#include "worker/process.h"
#include "worker/service.h"
#include "worker/title.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SIGNALS_MAX = 6 };

struct master {
    int argc;
    char **argv;
    pid_t pid;
    struct settings *settings;
    struct settings *fresh; /* read on HUP, until a process has proven them */
    struct ev_loop *loop;
    struct pool_hooks hooks;
    struct pool pool;
    struct service service;
    int quiet, reloading;
    int wake_fd;
    ev_io woken;
    ev_timer beat;
    ev_signal signals[SIGNALS_MAX];
};

static const struct settings *newest_settings(const struct master *master)
{
    return master->fresh != NULL ? master->fresh : master->settings;
}

/* ---- telling ----------------------------------------------------------------------- */

static const char *state_name(const struct master *master)
{
    if (master->pool.stopping)
        return "stopping";
    if (master->reloading)
        return "reloading";
    return master->quiet ? "quiet" : "running";
}

static void show_title(const struct master *master, const struct pool_sum *sum)
{
    struct buf title = {0};
    buf_adds(&title, "leat worker: master ");
    title_add_queues(&title, &master->settings->worker);
    buf_addf(&title, " %d process%s, %lld/%lld busy", sum->processes,
             sum->processes == 1 ? "" : "es", (long long)sum->busy,
             (long long)sum->slots);
    if (master->pool.stopping || master->reloading || master->quiet)
        buf_addf(&title, ", %s", state_name(master));
    title_set(buf_text(&title));
    buf_fini(&title);
}

static void end_reload(struct master *master, const char *result)
{
    if (!master->reloading)
        return;
    master->reloading = 0;
    log_info("reload ended", log_text("result", result),
             log_number("processes", master->pool.size));
}

static void tell(void *arg)
{
    struct master *master = arg;
    struct pool_sum sum;
    pool_sum(&master->pool, &sum);
    if (sum.ready)
        end_reload(master, "renewed");
    show_title(master, &sum);
    struct service_news news = {.ready = sum.ready && !master->reloading,
                                .healthy = sum.healthy,
                                .busy = sum.busy,
                                .slots = sum.slots,
                                .processes = sum.processes};
    service_tell(&master->service, &news);
}

static void add_child(struct buf *out, const struct child *child)
{
    const struct scoreboard_row *row = child->row;
    buf_addf(
        out,
        "{\"process\":%d,\"pid\":%d,\"worker\":\"%s\",\"state\":\"%s\",\"slots\":%lld,"
        "\"busy\":%lld,\"held\":%lld,\"done\":%lld,\"failed\":%lld}",
        child->index + 1, (int)child->pid, child->ready ? row->id : "",
        child->ready ? worker_state_name((enum worker_state)row->state) : "starting",
        (long long)row->slots, (long long)row->busy, (long long)row->held,
        (long long)row->done, (long long)row->failed);
}

static void dump(struct master *master)
{
    struct buf out = {0};
    struct pool_sum sum;
    pool_sum(&master->pool, &sum);
    buf_addf(&out, "{\"master\":%d,\"state\":\"%s\",\"processes\":%d,\"restarts\":%lld,",
             (int)master->pid, state_name(master), sum.processes,
             (long long)master->pool.restarts);
    dump_add_queues(&out, &master->settings->worker);
    buf_addf(&out,
             ",\"slots\":%lld,\"busy\":%lld,\"held\":%lld,\"done\":%lld,\"failed\":%lld,"
             "\"children\":[",
             (long long)sum.slots, (long long)sum.busy, (long long)sum.held,
             (long long)sum.done, (long long)sum.failed);
    for (const struct child *it = master->pool.children; it != NULL; it = it->next) {
        if (it != master->pool.children)
            buf_addc(&out, ',');
        add_child(&out, it);
    }
    buf_adds(&out, "]}");
    dump_write(&out);
}

/* ---- in a new process -------------------------------------------------------------- */

/* When the master is killed nobody leads any more: end as if it had said so. It may be
 * dead before the kernel was asked to tell. */
static void end_with(pid_t master)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != master)
        raise(SIGTERM); /* it waits until somebody listens */
}

static void run(void *arg, const struct child *child)
{
    struct master *master = arg;
    const struct settings *settings = newest_settings(master);
    struct worker_config worker = settings->worker;
    struct process_config config = {.worker = &worker,
                                    .row = child->row,
                                    .wake_fd = master->wake_fd,
                                    .quiet = master->quiet,
                                    .signals_blocked = 1};
    end_with(master->pid);
    for (int i = 0; i < SIGNALS_MAX; i++)
        ev_signal_stop(master->loop, &master->signals[i]);
    ev_loop_destroy(master->loop);
    log_settings_use(&settings->log);
    worker.groups = &child->row->groups;
    worker.process = child->index + 1;
    worker.processes = master->pool.size;
    worker.leave_suspects = !pool_takes_suspects(&master->pool, child);
    /* Redis was there: when it is away now it will be back. New settings prove
     * themselves. */
    worker.insist = master->fresh == NULL && master->pool.kept_generation != 0;
    exit(process_run(&config));
}

/* ---- reloading --------------------------------------------------------------------- */

static void drop(struct settings *settings)
{
    if (settings != NULL)
        settings_fini(settings);
    free(settings);
}

static void refuse(const char *why)
{
    log_error("reload refused, the settings stay as they are", log_text("err", why));
}

static int read_again(struct master *master, struct settings *fresh, struct err *err)
{
    if (settings_read(fresh, master->argc, master->argv, err) != LEAT_OK)
        return err->code;
    if (fresh->processes > 0)
        return LEAT_OK;
    settings_fini(fresh);
    return err_set(err, LEAT_ECONFIG,
                   "processes is 0: to run without a master it has to be started anew");
}

static void reload(struct master *master)
{
    struct err err = {0};
    struct settings *fresh;
    if (master->pool.stopping)
        return;
    fresh = xcalloc(1, sizeof *fresh);
    if (read_again(master, fresh, &err) != LEAT_OK) {
        refuse(err.text);
        free(fresh);
        return;
    }
    drop(master->fresh);
    master->fresh = fresh;
    master->reloading = 1;
    log_info("reloading", log_number("processes", fresh->processes));
    service_tell_reloading(&master->service);
    pool_renew(&master->pool, fresh->processes);
}

static void on_proven(void *arg)
{
    struct master *master = arg;
    if (master->fresh == NULL)
        return;
    drop(master->settings);
    master->settings = master->fresh;
    master->fresh = NULL;
    log_settings_use(&master->settings->log);
}

static void on_refused(void *arg, const char *why)
{
    struct master *master = arg;
    char text[800];
    snprintf(text, sizeof text, "the first process with the new ones ended: %s", why);
    refuse(text);
    drop(master->fresh);
    master->fresh = NULL;
    end_reload(master, "refused");
}

/* ---- signals ----------------------------------------------------------------------- */

static void stop(struct master *master)
{
    log_info(master->pool.stopping ? "stopping at once" : "stopping all",
             log_number("processes", master->pool.size));
    service_tell_stopping(&master->service);
    pool_stop(&master->pool);
}

static void be_quiet(struct master *master)
{
    master->quiet = 1;
    pool_signal(&master->pool, SIGTSTP);
}

static void go_on(struct master *master)
{
    master->quiet = 0;
    pool_signal(&master->pool, SIGCONT);
}

static void dump_all(struct master *master)
{
    dump(master);
    pool_signal(&master->pool, SIGUSR2);
}

static const struct {
    int number;
    void (*act)(struct master *master);
} acts[] = {
    {SIGTERM, stop},     {SIGINT, stop},   {SIGHUP, reload},
    {SIGTSTP, be_quiet}, {SIGCONT, go_on}, {SIGUSR2, dump_all},
};

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)events;
    struct master *master = watcher->data;
    acts[watcher - master->signals].act(master);
    tell(master);
}

/* ---- life -------------------------------------------------------------------------- */

static void on_woken(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct master *master = watcher->data;
    uint64_t count;
    if (read(master->wake_fd, &count, sizeof count) > 0)
        pool_look(&master->pool);
}

static void on_beat(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    pool_look(&((struct master *)watcher->data)->pool);
}

static void on_end(void *arg)
{
    struct master *master = arg;
    ev_break(master->loop, EVBREAK_ALL);
}

static void watch(struct master *master)
{
    double every_s = service_every_s(&master->service);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        ev_signal_init(&master->signals[i], on_signal, acts[i].number);
        master->signals[i].data = master;
        ev_signal_start(master->loop, &master->signals[i]);
    }
    ev_io_init(&master->woken, on_woken, master->wake_fd, EV_READ);
    ev_timer_init(&master->beat, on_beat, every_s, every_s);
    master->woken.data = master->beat.data = master;
    ev_io_start(master->loop, &master->woken);
    ev_timer_start(master->loop, &master->beat);
}

static void init(struct master *master, struct settings *settings, int argc, char **argv)
{
    *master = (struct master){
        .argc = argc, .argv = argv, .pid = getpid(), .settings = settings};
    master->hooks = (struct pool_hooks){master, run, on_proven, on_refused, tell, on_end};
    master->loop = ev_default_loop(EVFLAG_AUTO);
    master->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    service_init(&master->service);
    pool_init(&master->pool, master->loop, &master->hooks);
    master->pool.drains = settings->worker.drain != DRAIN_NO;
    watch(master);
}

static int fini(struct master *master)
{
    const struct pool *pool = &master->pool;
    const struct err failure = pool->failure;
    int status =
        failure.code != LEAT_OK ? err_exit_status(failure.code) : pool->worst_status;
    if (failure.code != LEAT_OK)
        fprintf(stderr, "leat: %s\n", failure.text);
    else if (pool->drained && !pool->stopping)
        printf("drained: %lld done\n%s", (long long)pool->done, pool->left);
    pool_fini(&master->pool);
    service_fini(&master->service);
    ev_loop_destroy(master->loop);
    close(master->wake_fd);
    drop(master->fresh);
    drop(master->settings);
    return status;
}

int master_run(struct settings *settings, int argc, char **argv)
{
    struct master *master = xcalloc(1, sizeof *master);
    init(master, settings, argc, argv);
    pool_renew(&master->pool, settings->processes);
    ev_run(master->loop, 0);
    int status = fini(master);
    free(master);
    return status;
}
