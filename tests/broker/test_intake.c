/* SPDX-License-Identifier: MIT */
/* Many who push at the same time, against a real Redis. */
#include "dashboard/intake.h"
#include "base/clock.h"
#include "support/redis_fixture.h"
#include "unit/suite.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

enum { DEADLINE_MS = 20000 };

static const struct bytes job = {"{\"type\":\"t\",\"args\":1}", 21};

static struct redis_fixture redis;
static struct ev_loop *loop;
static struct intake *intake;

static void on_fatal(void *arg, const struct err *err)
{
    (void)arg;
    ck_abort_msg("%s", err->text);
}

static void set_up(void)
{
    struct redis_url url;
    struct err err = {0};
    redis_fixture_start(&redis, NULL);
    ck_assert_int_eq(redis_url_parse(&url, redis.url, &err), LEAT_OK);
    loop = ev_loop_new(EVFLAG_AUTO);
    intake = intake_new(loop, &url, on_fatal, NULL);
}

static void tear_down(void)
{
    intake_free(intake);
    ev_loop_destroy(loop);
    redis_fixture_stop(&redis);
}

static void greedy(struct intake_user *user)
{
    while (intake_has_room(user))
        intake_add(user, job, (struct pusher_due){0});
}

static void modest(struct intake_user *user)
{
    if (user->added == 0 && intake_has_room(user))
        intake_add(user, job, (struct pusher_due){0});
    intake_flush(user);
}

static void quiet(struct intake_user *user)
{
    (void)user;
}

static int enter(struct intake_user *user, const char *name, struct err *err)
{
    struct queue queue;
    ck_assert_int_eq(queue_init(&queue, name, NULL), LEAT_OK);
    return intake_enter(intake, user, &queue, err);
}

static void run_until(const int64_t *number, int64_t value)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    while (*number < value) {
        ck_assert_msg(clock_mono_ms() < until, "waited for nothing");
        ev_run(loop, EVRUN_ONCE);
    }
}

START_TEST(who_takes_all_the_room_leaves_some_to_the_others)
{
    set_up();
    struct intake_user all = {.on_progress = greedy}, one = {.on_progress = modest};
    struct err err = {0};
    ck_assert_int_eq(enter(&all, "q", &err), LEAT_OK);
    greedy(&all);
    run_until(&all.acknowledged, 1);
    ck_assert(!intake_has_room(&all));
    ck_assert_int_eq(enter(&one, "q", &err), LEAT_OK);
    modest(&one);
    run_until(&one.acknowledged, 1);
    ck_assert_int_lt((int)all.acknowledged, 100000);
    intake_leave(&one);
    intake_leave(&all);
    tear_down();
}
END_TEST

START_TEST(a_queue_beyond_the_last_place_is_refused_until_one_is_free)
{
    set_up();
    struct intake_user users[INTAKE_QUEUES_MAX + 1] = {0};
    struct err err = {0};
    char name[8];
    for (int i = 0; i <= INTAKE_QUEUES_MAX; i++) {
        users[i].on_progress = quiet;
        snprintf(name, sizeof name, "q%d", i);
        ck_assert_int_eq(enter(&users[i], name, &err),
                         i < INTAKE_QUEUES_MAX ? LEAT_OK : LEAT_EBUSY);
    }
    struct intake_user again = {.on_progress = quiet};
    ck_assert_int_eq(enter(&again, "q3", NULL), LEAT_OK);
    intake_leave(&users[5]);
    ck_assert_int_eq(enter(&users[INTAKE_QUEUES_MAX], name, NULL), LEAT_OK);
    intake_leave(&again);
    for (int i = 0; i <= INTAKE_QUEUES_MAX; i++)
        if (i != 5)
            intake_leave(&users[i]);
    tear_down();
}
END_TEST

static void leave_on_error(struct intake_user *user)
{
    if (user->err.code != LEAT_OK)
        intake_leave(user);
}

START_TEST(who_is_still_there_at_the_end_is_told)
{
    set_up();
    struct intake_user user = {.on_progress = leave_on_error};
    ck_assert_int_eq(enter(&user, "q", NULL), LEAT_OK);
    tear_down();
    ck_assert_int_eq(user.err.code, LEAT_ELINK);
    ck_assert_ptr_null(user.lane);
}
END_TEST

SUITE("intake", who_takes_all_the_room_leaves_some_to_the_others,
      a_queue_beyond_the_last_place_is_refused_until_one_is_free,
      who_is_still_there_at_the_end_is_told)
