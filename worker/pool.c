/* SPDX-License-Identifier: MIT */
/* step() looks at what is and does what is next: it may be called at any time, and is
 * called after everything that happens. */
#include "worker/pool.h"
#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    KILL_MS = 5000,       /* after the time of grace */
    FORK_AGAIN_MS = 1000, /* when there is no room for a process */
};

static void step(struct pool *pool);

/* ---- who is there ------------------------------------------------------------------ */

static int is_proven(const struct pool *pool)
{
    return pool->kept_generation == pool->generation;
}

/* Who fills the place; of two the newer one. */
static struct child *child_at(const struct pool *pool, int index)
{
    for (struct child *it = pool->children; it != NULL; it = it->next)
        if (it->index == index && !it->leaving)
            return it;
    return NULL;
}

static int is_waiting(const struct place *place)
{
    return ev_is_active(&place->again);
}

static int may_fill(const struct pool *pool, int index)
{
    return !is_waiting(&pool->places[index]) && !pool->places[index].done;
}

/* Does somebody begin, whom the others wait for? */
static int someone_begins(const struct pool *pool)
{
    for (const struct child *it = pool->children; it != NULL; it = it->next)
        if (it->generation == pool->generation && !it->ready && !it->leaving)
            return 1;
    return 0;
}

int pool_takes_suspects(const struct pool *pool, const struct child *child)
{
    for (int i = 0; i < child->index; i++)
        if (!pool->places[i].done)
            return 0;
    return 1;
}

void pool_sum(const struct pool *pool, struct pool_sum *sum)
{
    *sum = (struct pool_sum){.done = pool->done,
                             .failed = pool->failed,
                             .healthy = 1,
                             .ready = is_proven(pool)};
    for (int i = 0; i < pool->size; i++) {
        const struct child *child = child_at(pool, i);
        if (child == NULL ? !pool->places[i].done
                          : !child->ready || child->generation != pool->generation)
            sum->ready = 0;
    }
    for (const struct child *it = pool->children; it != NULL; it = it->next) {
        sum->processes++;
        sum->healthy &= scoreboard_is_healthy(it->row);
        sum->busy += it->row->busy;
        sum->slots += it->row->slots;
        sum->held += it->row->held;
        sum->done += it->row->done;
        sum->failed += it->row->failed;
    }
}

/* ---- starting ---------------------------------------------------------------------- */

static void on_exited(struct ev_loop *loop, ev_child *watcher, int events);

static void fill_later(struct pool *pool, int index, int64_t wait_ms)
{
    ev_timer *again = &pool->places[index].again;
    ev_timer_stop(pool->loop, again);
    ev_timer_set(again, (double)wait_ms / 1000, 0);
    ev_timer_start(pool->loop, again);
}

/* Signals wait: before the child listens to them itself, ours must not run in it. */
static pid_t fork_quietly(struct child *child)
{
    const struct pool_hooks *hooks = child->pool->hooks;
    sigset_t all, before;
    fflush(NULL); /* or both print what is in it */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        hooks->run(hooks->arg, child);
        abort();
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static void drop(struct child *child)
{
    scoreboard_drop(child->row);
    free(child);
}

static void start(struct pool *pool, int index)
{
    struct child *child = xcalloc(1, sizeof *child);
    child->pool = pool;
    child->index = index;
    child->generation = pool->generation;
    child->born_mono_ms = clock_mono_ms();
    child->row = scoreboard_row_new();
    child->pid = child->row != NULL ? fork_quietly(child) : -1;
    if (child->pid < 0) {
        log_error("cannot start a process", log_number("process", index + 1),
                  log_text("err", strerror(errno)));
        drop(child);
        fill_later(pool, index, FORK_AGAIN_MS);
        return;
    }
    log_debug("process started", log_number("process", index + 1),
              log_number("child", child->pid));
    ev_child_init(&child->exited, on_exited, child->pid, 0);
    child->exited.data = child;
    ev_child_start(pool->loop, &child->exited);
    child->next = pool->children;
    pool->children = child;
}

/* ---- renewing ---------------------------------------------------------------------- */

static void tell(struct child *child, int number)
{
    child->leaving |= number != SIGTSTP && number != SIGCONT && number != SIGUSR2;
    kill(child->pid, number);
}

/* It leaves when what it runs has ended. */
static void retire(struct child *child)
{
    if (child->leaving)
        return;
    log_info("process leaves", log_number("process", child->index + 1),
             log_number("child", child->pid), log_number("running", child->row->busy));
    tell(child, SIGQUIT);
}

static void prove(struct pool *pool)
{
    pool->kept_generation = pool->generation;
    pool->kept_size = pool->size;
    pool->hooks->on_proven(pool->hooks->arg);
}

static void note_ready(struct child *child)
{
    struct pool *pool = child->pool;
    child->ready = 1;
    if (child->leaving)
        return; /* it takes nobody's place */
    if (child->generation == pool->generation && !is_proven(pool))
        prove(pool);
    for (struct child *it = pool->children; it != NULL; it = it->next)
        if (it->index == child->index && it->generation < child->generation)
            retire(it);
}

void pool_renew(struct pool *pool, int size)
{
    if (!is_proven(pool)) /* never mind those settings */
        for (struct child *it = pool->children; it != NULL; it = it->next)
            if (it->generation == pool->generation)
                retire(it);
    pool->generation = ++pool->newest;
    pool->size = size;
    for (int i = 0; i < PROCESSES_MAX; i++) {
        pool->places[i].done = pool->places[i].quick = 0;
        ev_timer_stop(pool->loop, &pool->places[i].again);
    }
    step(pool);
}

static void refuse_generation(struct pool *pool, const char *why)
{
    pool->generation = pool->kept_generation;
    pool->size = pool->kept_size;
    pool->hooks->on_refused(pool->hooks->arg, why);
}

static void step(struct pool *pool)
{
    if (pool->stopping)
        return;
    if (!is_proven(pool)) {
        if (!someone_begins(pool) && may_fill(pool, 0))
            start(pool, 0);
        return;
    }
    for (struct child *it = pool->children; it != NULL; it = it->next)
        if (it->index >= pool->size)
            retire(it);
    for (int i = 0; i < pool->size; i++)
        if (child_at(pool, i) == NULL && may_fill(pool, i))
            start(pool, i);
    for (int i = 0; i < pool->size && !someone_begins(pool); i++) {
        const struct child *child = child_at(pool, i);
        if (child != NULL && child->generation != pool->generation && may_fill(pool, i))
            start(pool, i);
    }
}

void pool_look(struct pool *pool)
{
    for (struct child *it = pool->children; it != NULL; it = it->next)
        if (!it->ready && it->row->ready)
            note_ready(it);
    step(pool);
    pool->hooks->on_change(pool->hooks->arg);
}

static void on_time_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    step(((struct place *)watcher->data)->pool);
}

/* ---- stopping ---------------------------------------------------------------------- */

void pool_signal(const struct pool *pool, int number)
{
    for (struct child *it = pool->children; it != NULL; it = it->next)
        tell(it, number);
}

static void on_too_slow(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct pool *pool = watcher->data;
    struct pool_sum sum;
    pool_sum(pool, &sum);
    log_error("processes do not end and are killed",
              log_number("processes", sum.processes));
    pool_signal(pool, SIGKILL);
}

static int is_over(const struct pool *pool)
{
    if (pool->children != NULL)
        return 0;
    for (int i = 0; i < pool->size && !pool->stopping; i++)
        if (!pool->places[i].done)
            return 0;
    return 1;
}

static void end_if_over(struct pool *pool)
{
    if (is_over(pool))
        pool->hooks->on_end(pool->hooks->arg);
}

void pool_stop(struct pool *pool)
{
    pool_signal(pool, pool->stopping ? SIGUSR1 : SIGTERM);
    if (!pool->stopping)
        ev_timer_start(pool->loop, &pool->too_slow);
    pool->stopping = 1;
    for (int i = 0; i < PROCESSES_MAX; i++)
        ev_timer_stop(pool->loop, &pool->places[i].again);
    end_if_over(pool);
}

static void give_up(struct pool *pool, int code, const char *why)
{
    err_set(&pool->failure, code, "%s", why);
    if (!pool->stopping)
        pool_stop(pool);
}

/* ---- when one ends ----------------------------------------------------------------- */

/* Trying again changes nothing. Redis is missed only by who was never there. */
static int is_final(const struct child *child)
{
    switch (child->row->failure.code) {
    case LEAT_EUSAGE:
    case LEAT_EDENIED:
    case LEAT_ECONFIG:
    case LEAT_EFOREIGN: return 1;
    case LEAT_ELINK: return child->pool->kept_generation == 0;
    default: return 0;
    }
}

static const char *how(const struct child *child, char out[600])
{
    int status = child->exited.rstatus;
    const char *text = child->row->failure.text;
    if (WIFSIGNALED(status))
        snprintf(out, 600, "signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(out, 600, "exit status %d%s%s", WEXITSTATUS(status),
                 text[0] != '\0' ? ": " : "", text);
    return out;
}

static int exit_status(const struct child *child)
{
    int status = child->exited.rstatus;
    return WIFEXITED(status) ? WEXITSTATUS(status) : err_exit_status(LEAT_EBUG);
}

static void replace(struct child *child)
{
    struct pool *pool = child->pool;
    int64_t now_mono_ms = clock_mono_ms(), lived_ms = now_mono_ms - child->born_mono_ms;
    char why[600], text[800];
    if (deaths_note(&pool->deaths, lived_ms, now_mono_ms)) {
        snprintf(
            text, sizeof text,
            "worker processes die again and again, %d times in %d s; the last one by "
            "%.300s",
            DEATHS_MAX, DEATHS_WINDOW_MS / 1000, how(child, why));
        give_up(pool, LEAT_EBUG, text);
        return;
    }
    int64_t wait_ms = deaths_wait_ms(&pool->places[child->index].quick, lived_ms);
    log_warn("process died", log_number("process", child->index + 1),
             log_number("child", child->pid), log_number("lived_ms", lived_ms),
             log_number("replaced_in_ms", wait_ms), log_text("why", how(child, why)));
    pool->restarts++;
    fill_later(pool, child->index, wait_ms);
}

/* One that left because it was told to, or one more of those that stop. */
static void note_left(struct child *child)
{
    struct pool *pool = child->pool;
    char why[600];
    int status = exit_status(child);
    if (status > pool->worst_status && pool->stopping)
        pool->worst_status = status;
    if (status != 0)
        log_warn("process ended badly", log_number("process", child->index + 1),
                 log_number("child", child->pid), log_text("why", how(child, why)));
}

static void sort_end(struct child *child)
{
    struct pool *pool = child->pool;
    char why[600];
    if (pool->stopping || child->leaving)
        note_left(child);
    else if (!is_proven(pool) && pool->kept_generation != 0 &&
             child->generation == pool->generation)
        refuse_generation(pool, how(child, why));
    else if (pool->drains && child->row->drained)
        pool->places[child->index].done = 1;
    else if (is_final(child) || (pool->drains && child->row->failure.code != LEAT_OK))
        give_up(pool, child->row->failure.code, child->row->failure.text);
    else
        replace(child);
}

static void take_leave(struct child *child)
{
    struct pool *pool = child->pool;
    struct child **at = &pool->children;
    while (*at != child) {
        assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = child->next;
    pool->done += child->row->done;
    pool->failed += child->row->failed;
    if (child->row->drained) {
        free(pool->left);
        pool->left = xstrdup(child->row->left);
        pool->drained = 1;
    }
}

static void on_exited(struct ev_loop *loop, ev_child *watcher, int events)
{
    (void)events;
    struct child *child = watcher->data;
    struct pool *pool = child->pool;
    ev_child_stop(loop, watcher);
    child_groups_kill(&child->row->groups);
    if (!child->ready && child->row->ready)
        note_ready(child); /* it was quicker than our look */
    take_leave(child);
    sort_end(child);
    drop(child);
    pool_look(pool);
    end_if_over(pool);
}

/* ---- life -------------------------------------------------------------------------- */

void pool_init(struct pool *pool, struct ev_loop *loop, const struct pool_hooks *hooks)
{
    *pool = (struct pool){.loop = loop, .hooks = hooks};
    for (int i = 0; i < PROCESSES_MAX; i++) {
        pool->places[i].pool = pool;
        ev_timer_init(&pool->places[i].again, on_time_again, 0, 0);
        pool->places[i].again.data = &pool->places[i];
    }
    ev_timer_init(&pool->too_slow, on_too_slow, (WORKER_GRACE_MS + KILL_MS) / 1000.0, 0);
    pool->too_slow.data = pool;
}

void pool_fini(struct pool *pool)
{
    ev_timer_stop(pool->loop, &pool->too_slow);
    for (int i = 0; i < PROCESSES_MAX; i++)
        ev_timer_stop(pool->loop, &pool->places[i].again);
    free(pool->left);
}
