/* SPDX-License-Identifier: MIT */
#include "worker/process.h"
#include "base/log.h"
#include "worker/drain.h"
#include "worker/dump.h"
#include "worker/service.h"
#include "worker/title.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SIGNALS_MAX = 8 };

struct process {
    const struct process_config *config;
    struct worker worker;
    struct ev_loop *loop;
    struct scoreboard_row *row, own_row; /* the own one when alone */
    struct service service;
    ev_timer beat;
    ev_prepare until_ready;
    ev_signal signals[SIGNALS_MAX];
};

static int is_alone(const struct process *process)
{
    return process->config->row == NULL;
}

/* ---- telling ----------------------------------------------------------------------- */

static void show_title(const struct process *process)
{
    struct buf title = {0};
    const struct worker *worker = &process->worker;
    buf_adds(&title, "leat worker ");
    title_add_queues(&title, worker->config);
    buf_addf(&title, " %d/%d busy", worker->attempts.count, worker->config->slots);
    if (worker->state != WORKER_RUNNING)
        buf_addf(&title, " %s", worker_state_name(worker->state));
    title_set(buf_text(&title));
    buf_fini(&title);
}

static void tell_manager(struct process *process)
{
    const struct scoreboard_row *row = process->row;
    struct service_news news = {.ready = (int)row->ready,
                                .healthy = scoreboard_is_healthy(row),
                                .busy = row->busy,
                                .slots = row->slots,
                                .processes = 1};
    service_tell(&process->service, &news);
}

static void wake_master(const struct process *process)
{
    const uint64_t one = 1;
    if (write(process->config->wake_fd, &one, sizeof one) < 0)
        return; /* it looks once a second anyway */
}

static void tell(struct process *process)
{
    scoreboard_write(process->row, &process->worker);
    show_title(process);
    if (is_alone(process))
        tell_manager(process);
}

/* What should not wait for the master's next look. */
static void tell_at_once(struct process *process)
{
    tell(process);
    if (!is_alone(process))
        wake_master(process);
}

static void on_beat(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    tell(watcher->data);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)events;
    struct process *process = watcher->data;
    if (!worker_is_ready(&process->worker))
        return;
    ev_prepare_stop(loop, watcher);
    tell_at_once(process);
}

/* ---- signals ----------------------------------------------------------------------- */

static void stop(struct process *process)
{
    if (is_alone(process) && process->worker.state >= WORKER_STOPPING)
        worker_leave(&process->worker);
    else
        worker_stop(&process->worker, WORKER_GRACE_MS);
    if (is_alone(process))
        service_tell_stopping(&process->service);
}

static void stop_when_done(struct process *process)
{
    worker_stop(&process->worker, 0);
}

static void stop_at_once(struct process *process)
{
    worker_leave(&process->worker);
}

static void be_quiet(struct process *process)
{
    worker_quiet(&process->worker);
}

static void go_on(struct process *process)
{
    worker_go_on(&process->worker);
}

static void dump(struct process *process)
{
    dump_worker(&process->worker);
}

static void refuse_reload(struct process *process)
{
    (void)process;
    log_warn("nothing is reloaded",
             log_text("why", "without a master (-p 0) it has to be started anew"));
}

enum who { ALONE = 1, LED = 2 };

static const struct {
    int number;
    unsigned who;
    void (*act)(struct process *process);
} acts[] = {
    {SIGTERM, ALONE | LED, stop},     {SIGINT, ALONE, stop},
    {SIGQUIT, LED, stop_when_done},   {SIGUSR1, LED, stop_at_once},
    {SIGTSTP, ALONE | LED, be_quiet}, {SIGCONT, ALONE | LED, go_on},
    {SIGUSR2, ALONE | LED, dump},     {SIGHUP, ALONE, refuse_reload},
};

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)events;
    struct process *process = watcher->data;
    acts[watcher - process->signals].act(process);
    tell_at_once(process);
}

static void take_signals(struct process *process)
{
    unsigned who = is_alone(process) ? ALONE : LED;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        ev_signal_init(&process->signals[i], on_signal, acts[i].number);
        process->signals[i].data = process;
        if (acts[i].who & who)
            ev_signal_start(process->loop, &process->signals[i]);
        else if (who == LED)
            signal(acts[i].number, SIG_IGN);
    }
}

/* ---- life -------------------------------------------------------------------------- */

/* Each queue needs two connections, each fetch one. Programs that we run get the limit we
 * were started with: some close all up to it, or use select(). */
static void raise_descriptor_limit(struct worker *worker)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    worker->descriptors_max = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int init(struct process *process, const struct process_config *config)
{
    *process = (struct process){.config = config, .row = config->row};
    process->loop = ev_loop_new(EVFLAG_AUTO);
    if (process->loop == NULL) {
        log_error("cannot make an event loop", log_text("err", strerror(errno)));
        return -1;
    }
    if (is_alone(process)) {
        process->row = &process->own_row;
        service_init(&process->service);
    }
    take_signals(process);
    worker_init(&process->worker, process->loop, config->worker);
    raise_descriptor_limit(&process->worker);
    if (config->quiet)
        worker_quiet(&process->worker);
    double every_s = is_alone(process) ? service_every_s(&process->service) : 1;
    ev_timer_init(&process->beat, on_beat, 0, every_s);
    ev_prepare_init(&process->until_ready, on_prepare);
    process->beat.data = process->until_ready.data = process;
    ev_timer_start(process->loop, &process->beat);
    ev_prepare_start(process->loop, &process->until_ready);
    return 0;
}

/* Below a master it is the master who tells people, once for all. */
static void tell_end(struct process *process)
{
    const struct worker *worker = &process->worker;
    const char *left = drain_left(worker->drain);
    if (!is_alone(process)) {
        process->row->failure = worker->fatal;
        if (left != NULL)
            scoreboard_write_drained(process->row, left);
        return;
    }
    if (left != NULL)
        printf("drained: %lld done\n%s", (long long)worker->done, left);
    if (worker->fatal.code != LEAT_OK)
        fprintf(stderr, "leat: %s\n", worker->fatal.text);
}

static int fini(struct process *process)
{
    struct worker *worker = &process->worker;
    int code = worker->fatal.code;
    log_info("stopped", log_number("done", worker->done),
             log_number("failed", worker->failed));
    tell_end(process);
    scoreboard_write(process->row, worker);
    worker_fini(worker);
    ev_loop_destroy(process->loop);
    if (is_alone(process))
        service_fini(&process->service);
    return err_exit_status(code);
}

int process_run(const struct process_config *config)
{
    struct process process;
    if (init(&process, config) != 0)
        return err_exit_status(LEAT_EBUG);
    if (config->signals_blocked) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
    }
    ev_run(process.loop, 0);
    return fini(&process);
}
