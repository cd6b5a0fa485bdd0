/* SPDX-License-Identifier: MIT */
/* A producer of the chaos test: pushes the jobs of jobs.h, in numbered batches, at a
 * steady rate for as long as Redis takes them, and comes back from every loss of it.
 *   USR1  push no more; prints `paused' once all is acknowledged
 *   USR2  go on
 *   TERM  push no more; prints how many jobs were acknowledged, which are all, and ends
 * What cannot be made good (Redis lost history, or refuses for good) ends it with status
 * 1. */
#include "base/clock.h"
#include "base/opt.h"
#include "broker/link.h"
#include "broker/pusher.h"
#include "jobs.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICK_MS = 10 };

enum load_state { LOAD_PUSHING, LOAD_PAUSING, LOAD_PAUSED, LOAD_ENDING };

struct load {
    const char *redis, *origin; /* the options */
    int64_t seed, producer, rate;
    struct opt_list words;

    enum load_state state;
    struct ev_loop *loop;
    struct link *link;
    struct queue queue;
    struct pusher *pusher;
    struct jobs jobs;
    struct jobs_job next;
    int64_t count;   /* jobs made */
    int64_t allowed; /* jobs * 1,000 that the rate still allows */
    int64_t mono_ms; /* of the last tick */
    ev_timer tick;
    ev_signal usr1, usr2, term;
};

static void die(const char *text)
{
    fprintf(stderr, "load: %s\n", text);
    exit(1);
}

/* ---- pushing ----------------------------------------------------------------------- */

static void push_one(struct load *load)
{
    struct pusher_due due = {PUSH_NOW, 0};
    jobs_make(&load->jobs, load->count++, &load->next);
    if (load->next.in_ms > 0)
        due = (struct pusher_due){PUSH_IN, load->next.in_ms};
    pusher_add(load->pusher, buf_bytes(&load->next.payload), due);
}

/* What an outage held up is not made up for: a second's jobs at most. */
static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct load *load = timer->data;
    (void)loop, (void)events;
    int64_t now = clock_mono_ms();
    load->allowed += (now - load->mono_ms) * load->rate;
    load->mono_ms = now;
    if (load->allowed > load->rate * 1000)
        load->allowed = load->rate * 1000;
    for (; load->state == LOAD_PUSHING && load->allowed >= 1000 &&
           pusher_has_room(load->pusher);
         load->allowed -= 1000)
        push_one(load);
    pusher_flush(load->pusher);
}

/* ---- pausing and ending ------------------------------------------------------------ */

/* What was asked for comes true when nothing is on its way any more. */
static void settle_down(struct load *load)
{
    if (!pusher_is_idle(load->pusher))
        return;
    if (load->state == LOAD_PAUSING) {
        puts("paused");
        load->state = LOAD_PAUSED;
    } else if (load->state == LOAD_ENDING) {
        printf("acknowledged %lld\n", (long long)pusher_acknowledged(load->pusher));
        ev_break(load->loop, EVBREAK_ALL);
    }
}

static void on_progress(void *arg)
{
    struct load *load = arg;
    const struct err *err = pusher_error(load->pusher);
    if (err != NULL)
        die(err->text);
    settle_down(load);
}

static void on_fatal(void *arg, const struct err *err)
{
    (void)arg;
    die(err->text);
}

static void on_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
    struct load *load = signal->data;
    (void)loop, (void)events;
    load->state = signal->signum == SIGUSR1   ? LOAD_PAUSING
                  : signal->signum == SIGUSR2 ? LOAD_PUSHING
                                              : LOAD_ENDING;
    settle_down(load);
}

static void watch_signal(struct load *load, ev_signal *watcher, int number)
{
    ev_signal_init(watcher, on_signal, number);
    watcher->data = load;
    ev_signal_start(load->loop, watcher);
}

/* ---- life -------------------------------------------------------------------------- */

static void connect_redis(struct load *load)
{
    struct err err = {0};
    struct link_config link = {.name = "chaos",
                               .give_up_ms = -1,
                               .insist = 1,
                               .arg = load,
                               .on_fatal = on_fatal};
    if (redis_url_choose(&link.url, load->redis, &err) != LEAT_OK ||
        queue_init(&load->queue, "default", &err) != LEAT_OK)
        die(err.text);
    load->link = link_new(load->loop, &link);
    struct pusher_config pusher = {.loop = load->loop,
                                   .link = load->link,
                                   .queue = &load->queue,
                                   .patience_ms = INT64_MAX,
                                   .arg = load,
                                   .on_progress = on_progress};
    load->pusher = pusher_new(&pusher);
}

#define AT(member) offsetof(struct load, member)

static const struct opt rows[] = {
    {"redis", 0, OPT_TEXT, AT(redis), "URL", NULL, 0, 0, "Redis; else LEAT_REDIS"},
    {"origin", 0, OPT_TEXT, AT(origin), "URL", "http://127.0.0.1:1", 0, 0,
     "the flaky site"},
    {"seed", 0, OPT_INT, AT(seed), "N", "1", 0, INT64_MAX,
     "what is pushed follows from it"},
    {"producer", 0, OPT_INT, AT(producer), "N", "0", 0, 1,
     "which of two producers it is"},
    {"rate", 0, OPT_INT, AT(rate), "N", "1000", 1, 1000000, "jobs a second"},
};

static const struct opt_spec spec = {
    .usage = "",
    .about = "A producer of the chaos test.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
};

int main(int argc, char **argv)
{
    static struct load load;
    opt_parse(&spec, argc, argv, &load);
    signal(SIGPIPE, SIG_IGN);
    setlinebuf(stdout);
    load.jobs = (struct jobs){(uint64_t)load.seed, (uint64_t)load.producer, load.origin};
    load.loop = ev_default_loop(EVFLAG_AUTO);
    connect_redis(&load);
    watch_signal(&load, &load.usr1, SIGUSR1);
    watch_signal(&load, &load.usr2, SIGUSR2);
    watch_signal(&load, &load.term, SIGTERM);
    load.mono_ms = clock_mono_ms();
    ev_timer_init(&load.tick, on_tick, 0, TICK_MS / 1000.0);
    load.tick.data = &load;
    ev_timer_start(load.loop, &load.tick);
    ev_run(load.loop, 0);
    link_free(load.link);
    pusher_free(load.pusher);
    buf_fini(&load.next.payload);
    ev_loop_destroy(load.loop);
    return 0;
}
