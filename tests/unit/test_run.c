/* SPDX-License-Identifier: MIT */
/* Until when a run may begin jobs: by deadlines of its own lease, and by no others. */
#include "suite.h"
#include "worker/feed.h"
#include "worker/run.h"

/* A lease of 30 s, asked for at 1,000: nothing begins in its last fifth. */
enum { BEGAN_MS = 1000, LAST_MS = BEGAN_MS + 24000 };

static struct worker_config config = {.lease_ms = 30000};
static struct worker worker;
static struct feed feed;
static struct run run;

static void on_soon(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
}

static void start(void)
{
    worker = (struct worker){.config = &config, .loop = ev_loop_new(EVFLAG_AUTO)};
    ev_prepare_init(&worker.soon, on_soon);
    feed = (struct feed){.worker = &worker};
    run = (struct run){.feed = &feed, .extended_mono_ms = BEGAN_MS};
}

static void expect_last(int64_t mono_ms)
{
    ck_assert_int_eq(run_may_start(&run, mono_ms), 1);
    ck_assert_int_eq(run_may_start(&run, mono_ms + 1), 0);
}

static void stop(void)
{
    ev_clear_pending(worker.loop, &worker.soon);
    ev_loop_destroy(worker.loop);
}

START_TEST(an_extension_counts_from_when_it_was_asked_for)
{
    start();
    expect_last(LAST_MS);
    run_ask(&run, 9000);
    expect_last(LAST_MS);
    run_extended(&run, 1);
    expect_last(33000);
    stop();
}
END_TEST

START_TEST(an_extension_that_did_not_name_it_is_none)
{
    start();
    run_extended(&run, 1);
    expect_last(LAST_MS);
    stop();
}
END_TEST

START_TEST(an_extension_that_failed_is_none_nor_is_what_comes_after_it)
{
    start();
    run_ask(&run, 9000);
    run_extended(&run, 0);
    run_extended(&run, 1);
    expect_last(LAST_MS);
    stop();
}
END_TEST

SUITE("run", an_extension_counts_from_when_it_was_asked_for,
      an_extension_that_did_not_name_it_is_none,
      an_extension_that_failed_is_none_nor_is_what_comes_after_it)
