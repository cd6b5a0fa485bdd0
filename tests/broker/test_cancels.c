/* SPDX-License-Identifier: MIT */
/* Cancels that are heard while a job is between two places in its worker's hands: what
 * would begin with Redis' next answer must end as cancelled, and use the cancel up. The
 * worker runs inside the test, which looks at it in each turn of its loop and lets it
 * hear the cancel in the very turn that is meant. */
#include "base/netguard.h"
#include "rig.h"
#include "unit/suite.h"
#include "worker/call.h"
#include "worker/cancels.h"
#include "worker/flight.h"
#include "worker/handler.h"
#include "worker/lease.h"
#include "config/config.h"

enum { DEADLINE_S = 30, LEASE_MS = 30000 };

static const struct bytes job_id = {"x", 1};

#define REFRESH                                                                          \
    "{\"type\":\"refresh\",\"id\":\"x\",\"args\":{\"url\":\"http://127.0.0.1:1/\"}}"
#define TASK      "{\"type\":\"task\",\"id\":\"x\",\"args\":{}}"
#define INCREMENT "{\"type\":\"increment\",\"args\":{\"counter\":\"n\"}}"

static struct rig rig;

static struct scene {
    int (*is_now)(const struct worker *worker); /* is the job where it is to be? */
    const char *late_job; /* comes when the worker waits at its bells; may be NULL */
    int heard;
    struct worker worker;
    ev_prepare turn;
    ev_timer deadline;
} scene;

static void start(void)
{
    rig_start(&rig);
}

static void stop(void)
{
    rig_stop(&rig);
}

/* ---- where the job is -------------------------------------------------------------- */

static int is_claiming(const struct worker *worker)
{
    return worker->leases != NULL && worker->leases->claims != NULL;
}

static int is_asking_for_its_copy(const struct worker *worker)
{
    struct attempt *first = worker->attempts.first;
    return first != NULL && flight_of(first)->asking;
}

static int is_fetching(const struct worker *worker)
{
    struct attempt *first = worker->attempts.first;
    return first != NULL && flight_of(first)->fetch != NULL;
}

static int is_moving(const struct worker *worker)
{
    const struct lease *lease = worker->leases;
    return lease != NULL && lease->calls != NULL && lease->call_count < lease->jobs;
}

static int is_unconfirmed(const struct worker *worker)
{
    return worker->leases != NULL && worker->leases->rung;
}

/* ---- a worker ---------------------------------------------------------------------- */

/* As CANCEL does it, but that the worker hears of it at once. */
static void cancel(struct worker *worker)
{
    ASK(&rig, "HSET", rig.queue.cancel, "x", "9999999999999");
    cancels_hear(worker->feeds[0].cancels, job_id, bytes_of("nonce"), 0);
}

static void on_turn(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
    struct worker *worker = &scene.worker;
    if (scene.late_job != NULL && worker->feeds[0].state == FEED_IDLE &&
        worker_bells_armed(worker)) {
        rig_push(&rig, rig.queue.list, scene.late_job);
        scene.late_job = NULL;
    } else if (!scene.heard && scene.is_now(worker)) {
        cancel(worker);
        scene.heard = 1;
    } else if (scene.heard && worker->held_jobs == 0) {
        worker_stop(worker, WORKER_GRACE_MS);
    }
}

static void on_deadline(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
    ck_abort_msg("the job was never where it is to be, or never ended");
}

static void add_handler(struct worker_config *config)
{
    static const struct config nothing;
    static struct handler_config handler;
    config_handler(&nothing, "task", &handler.keys);
    handler.type = "task";
    handler.kind = handler_kind_find("exec");
    handler.keys.command = (struct opt_list){{"/bin/true"}, 1};
    config->handlers = &handler;
    config->handler_count = 1;
}

static void work(void)
{
    struct err err = {0};
    struct netguard guard = {0};
    struct worker_config config = {.queues = {rig.queue.name},
                                   .queue_count = 1,
                                   .slots = 4,
                                   .lease_ms = LEASE_MS,
                                   .guard = &guard};
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    netguard_allow(&guard, "127.0.0.1", &err);
    redis_url_choose(&config.url, rig.redis.url, &err);
    add_handler(&config);
    worker_init(&scene.worker, loop, &config);
    ev_prepare_init(&scene.turn, on_turn);
    ev_prepare_start(loop, &scene.turn);
    ev_timer_init(&scene.deadline, on_deadline, DEADLINE_S, 0);
    ev_timer_start(loop, &scene.deadline);
    ev_run(loop, 0);
    ck_assert_int_eq(scene.worker.fatal.code, LEAT_OK);
    worker_fini(&scene.worker);
    ev_prepare_stop(loop, &scene.turn);
    ev_timer_stop(loop, &scene.deadline);
    ev_loop_destroy(loop);
}

/* The job ended as cancelled, its worker said so, and no later job of the id is hit. */
static void expect_cancelled(int others_done)
{
    struct arena *arena = &rig.arena;
    const char *answers = queue_answer_key(&rig.queue, "nonce", arena);
    ck_assert_int_eq(rig_meta(&rig, "cancelled"), 1);
    ck_assert_int_eq(rig_meta(&rig, "done"), others_done);
    ck_assert_int_eq(rig_meta(&rig, "retry"), 0);
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.cancel), 0);
    ck_assert_int_eq(ASK_INT(&rig, "XLEN", answers), 1);
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.slot), 0);
    rig_expect_books(&rig);
}

/* ---- the tests --------------------------------------------------------------------- */

static void cancel_refresh_when(int (*is_now)(const struct worker *worker))
{
    scene.is_now = is_now;
    rig_push(&rig, rig.queue.list, REFRESH);
    work();
    expect_cancelled(0);
}

START_TEST(a_refresh_is_cancelled_while_it_claims_its_flight)
{
    cancel_refresh_when(is_claiming);
}
END_TEST

START_TEST(a_refresh_is_cancelled_while_it_asks_for_the_kept_copy)
{
    cancel_refresh_when(is_asking_for_its_copy);
}
END_TEST

START_TEST(a_refresh_is_cancelled_while_it_fetches)
{
    cancel_refresh_when(is_fetching);
}
END_TEST

START_TEST(a_call_is_cancelled_while_it_moves_to_a_lease_of_its_own)
{
    scene.is_now = is_moving;
    rig_push(&rig, rig.queue.list, TASK);
    rig_push(&rig, rig.queue.list, INCREMENT);
    work();
    expect_cancelled(1);
}
END_TEST

START_TEST(a_call_is_cancelled_before_its_lease_is_confirmed)
{
    scene.is_now = is_unconfirmed;
    scene.late_job = TASK;
    work();
    expect_cancelled(0);
}
END_TEST

SUITE_WITH("cancels", start, stop, a_refresh_is_cancelled_while_it_claims_its_flight,
           a_refresh_is_cancelled_while_it_asks_for_the_kept_copy,
           a_refresh_is_cancelled_while_it_fetches,
           a_call_is_cancelled_while_it_moves_to_a_lease_of_its_own,
           a_call_is_cancelled_before_its_lease_is_confirmed)
