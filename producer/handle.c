/* SPDX-License-Identifier: MIT */
#include "handle.h"
#include "base/clock.h"

#include <stdio.h>

enum { TURN_MS_MAX = 60000 };

/* ---- waiting ----------------------------------------------------------------------- */

static void on_alarm(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
}

void handle_turn(struct leat *leat, int64_t left_ms)
{
    if (left_ms <= 0) {
        ev_run(leat->loop, EVRUN_NOWAIT);
        return;
    }
    int64_t ms = left_ms < TURN_MS_MAX ? left_ms : TURN_MS_MAX;
    ev_now_update(leat->loop); /* it stood still between the calls */
    ev_timer_set(&leat->alarm, (double)ms / 1000, 0);
    ev_timer_start(leat->loop, &leat->alarm);
    ev_run(leat->loop, EVRUN_ONCE);
    ev_timer_stop(leat->loop, &leat->alarm);
}

static const char *refusal_of(const struct leat *leat, const struct lane **lane)
{
    const struct lane *end = leat->lanes.at + LANE_MAX;
    for (const struct lane *it = leat->lanes.at; it < end; it++) {
        int is_meant = it->pusher != NULL && (*lane == NULL || *lane == it);
        const char *refusal = is_meant ? pusher_refusal(it->pusher) : NULL;
        if (refusal == NULL)
            continue;
        *lane = it;
        return refusal;
    }
    return NULL;
}

/* Time is over: say what was in the way. */
static int explain(struct leat *leat, const struct lane *lane)
{
    const char *refusal = refusal_of(leat, &lane);
    if (!link_is_up(leat->link))
        return err_set(&leat->err, LEAT_ELINK,
                       "Redis at %s cannot be reached for now (%s)", leat->shown,
                       leat->down_why);
    if (refusal != NULL)
        return err_set(&leat->err, LEAT_EBUSY,
                       "queue '%s' takes no more jobs for now (%s)", lane->queue,
                       refusal);
    return err_set(&leat->err, LEAT_ETIMEOUT, "Redis did not answer in time");
}

int handle_fail(struct leat *leat, const struct err *cause)
{
    return err_set(&leat->err, cause->code, "%s", cause->text);
}

int handle_turn_until(struct leat *leat, struct goal goal, int64_t end_mono_ms)
{
    for (int turned = 0;; turned = 1) {
        const struct err *ended = goal.lane ? pusher_error(goal.lane->pusher) : NULL;
        int64_t left_ms = end_mono_ms - clock_mono_ms();
        if (goal.is_reached(leat, &goal))
            return LEAT_OK;
        if (ended != NULL || leat->fatal.code != LEAT_OK)
            return handle_fail(leat, ended != NULL ? ended : &leat->fatal);
        if (turned && left_ms <= 0)
            return explain(leat, goal.lane);
        handle_turn(leat, left_ms);
    }
}

int64_t handle_end_of(int64_t timeout_ms)
{
    int64_t now = clock_mono_ms();
    return timeout_ms < INT64_MAX - now ? now + timeout_ms : INT64_MAX;
}

/* ---- connecting -------------------------------------------------------------------- */

static void on_fatal(void *arg, const struct err *err)
{
    struct leat *leat = arg;
    leat->fatal = *err;
}

static void on_down(void *arg, const char *why)
{
    struct leat *leat = arg;
    snprintf(leat->down_why, sizeof leat->down_why, "%s", why);
}

static int is_up(const struct leat *leat, const struct goal *goal)
{
    (void)goal;
    return link_is_up(leat->link);
}

static int find_redis(struct redis_url *out, const char *url, struct err *err)
{
    if (url == NULL)
        return redis_url_choose(out, NULL, err);
    int code = redis_url_parse(out, url, err);
    return code == LEAT_OK ? redis_url_find_password(out, err) : code;
}

int handle_connect(struct leat *leat, const char *url, int64_t timeout_ms)
{
    struct link_config config = {.name = leat->client_name,
                                 .cure = "give another URL, or set LEAT_REDIS",
                                 .give_up_ms = -1,
                                 .arg = leat,
                                 .on_down = on_down,
                                 .on_fatal = on_fatal};
    int code = find_redis(&config.url, url, &leat->err);
    if (code != LEAT_OK)
        return code;
    leat->loop = ev_loop_new(EVFLAG_NOENV);
    if (leat->loop == NULL)
        return err_set(&leat->err, LEAT_EBUSY, "no file descriptor left for a handle");
    ev_timer_init(&leat->alarm, on_alarm, 0, 0);
    leat->link = link_new(leat->loop, &config);
    leat->lanes = (struct lanes){.loop = leat->loop, .link = leat->link};
    snprintf(leat->shown, sizeof leat->shown, "%s", config.url.shown);
    on_down(leat, "it has not greeted yet; is it loading its data?");
    return handle_turn_until(leat, (struct goal){.is_reached = is_up},
                             handle_end_of(timeout_ms));
}

void handle_disconnect(struct leat *leat)
{
    link_free(leat->link);
    lanes_fini(&leat->lanes);
    if (leat->loop != NULL)
        ev_loop_destroy(leat->loop);
    leat->link = NULL;
    leat->loop = NULL;
}
