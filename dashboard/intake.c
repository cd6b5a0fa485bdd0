/* SPDX-License-Identifier: MIT */
/* A lane is a queue's pusher and its users. The pusher acknowledges jobs in the order
 * they were added and only counts them; whose they were stands in the lane's list of
 * runs, at most one for each job that the pusher holds. A pusher that ended is replaced
 * with the next job. */
#include "dashboard/intake.h"
#include "base/clock.h"
#include "broker/link.h"

#include <assert.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>

enum {
    REFUSED_MS = 3000,  /* how long a Redis is tried that takes no jobs for now */
    SILENCE_MS = 10000, /* how long a user waits for an answer */
    AWAY_MS = 2000,     /* and for a connection, with no job on its way */
    IDLE_MS = 5000,     /* until an unused lane's memory is given back */
    SWEEP_MS = 250,
};

struct run {
    TAILQ_ENTRY(run) next;
    struct intake_user *user; /* NULL: it left */
    int64_t count;
};

struct intake_lane {
    LIST_ENTRY(intake_lane) link;
    struct intake *intake;
    struct queue queue;
    struct pusher *pusher; /* NULL: none since it ended */
    int64_t acknowledged;  /* of the pusher's jobs, told to their users */
    int64_t used_mono_ms;
    TAILQ_HEAD(user_list, intake_user) users;
    TAILQ_HEAD(run_list, run) runs;
};

struct intake {
    struct ev_loop *loop;
    struct link *link;
    int64_t down_mono_ms; /* since when, if it is */
    LIST_HEAD(lane_list, intake_lane) lanes;
    int lane_count;
    ev_timer sweep;
    void (*on_fatal)(void *arg, const struct err *err);
    void *arg;
};

/* ---- lanes ------------------------------------------------------------------------- */

static int is_unused(const struct intake_lane *lane)
{
    return TAILQ_EMPTY(&lane->users) &&
           (lane->pusher == NULL || pusher_is_idle(lane->pusher));
}

static void drop_runs(struct intake_lane *lane)
{
    struct run *run;
    while ((run = TAILQ_FIRST(&lane->runs)) != NULL) {
        TAILQ_REMOVE(&lane->runs, run, next);
        free(run);
    }
}

static void lane_free(struct intake_lane *lane)
{
    drop_runs(lane);
    pusher_free(lane->pusher);
    LIST_REMOVE(lane, link);
    lane->intake->lane_count--;
    free(lane);
}

static struct intake_lane *lane_new(struct intake *intake, const struct queue *queue)
{
    struct intake_lane *lane = xcalloc(1, sizeof *lane);
    lane->intake = intake;
    lane->queue = *queue;
    TAILQ_INIT(&lane->users);
    TAILQ_INIT(&lane->runs);
    LIST_INSERT_HEAD(&intake->lanes, lane, link);
    intake->lane_count++;
    if (!ev_is_active(&intake->sweep))
        ev_timer_again(intake->loop, &intake->sweep);
    return lane;
}

static struct intake_lane *lane_of(struct intake *intake, const struct queue *queue)
{
    struct intake_lane *lane, *unused = NULL;
    LIST_FOREACH(lane, &intake->lanes, link)
    {
        if (strcmp(lane->queue.name, queue->name) == 0)
            return lane;
        if (is_unused(lane))
            unused = lane;
    }
    if (intake->lane_count < INTAKE_QUEUES_MAX)
        return lane_new(intake, queue);
    if (unused == NULL)
        return NULL;
    lane_free(unused);
    return lane_new(intake, queue);
}

/* ---- what users are told ----------------------------------------------------------- */

static int is_waiting(const struct intake_user *user)
{
    return user->wants_room || user->added > user->acknowledged;
}

/* The first to be told takes the room, so each is the first in turn. */
static void tell_all(struct intake_lane *lane)
{
    struct intake_user *user = TAILQ_FIRST(&lane->users), *next;
    if (user != NULL) {
        TAILQ_REMOVE(&lane->users, user, link);
        TAILQ_INSERT_TAIL(&lane->users, user, link);
    }
    for (user = TAILQ_FIRST(&lane->users); user != NULL; user = next) {
        next = TAILQ_NEXT(user, link);
        user->on_progress(user);
    }
}

/* Tell the users of the first `count` jobs that they are acknowledged. */
static void hand_out(struct intake_lane *lane, int64_t count)
{
    int64_t now_mono_ms = clock_mono_ms();
    struct run *next;
    for (struct run *run = TAILQ_FIRST(&lane->runs); count > 0; run = next) {
        next = TAILQ_NEXT(run, next);
        int64_t part = run->count < count ? run->count : count;
        if (run->user != NULL) {
            run->user->acknowledged += part;
            run->user->since_mono_ms = now_mono_ms;
        }
        count -= part;
        run->count -= part;
        if (run->count > 0)
            return;
        TAILQ_REMOVE(&lane->runs, run, next);
        free(run);
    }
}

/* Who waits for the pusher that ended gets its error; others go on with a new one. What
 * was not acknowledged is not in the queue, but for a Redis that lost history. */
static void end_pusher(struct intake_lane *lane, const struct err *err)
{
    struct intake_user *user;
    TAILQ_FOREACH(user, &lane->users, link)
    {
        if (is_waiting(user))
            err_set(&user->err, err->code, "%s", err->text);
        if (err->code != LEAT_EGAP)
            user->added = user->acknowledged;
    }
    drop_runs(lane);
    pusher_free(lane->pusher);
    lane->pusher = NULL;
}

static void on_pushed(void *arg)
{
    struct intake_lane *lane = arg;
    int64_t acknowledged = pusher_acknowledged(lane->pusher);
    hand_out(lane, acknowledged - lane->acknowledged);
    lane->acknowledged = acknowledged;
    lane->used_mono_ms = clock_mono_ms();
    const struct err *ended = pusher_error(lane->pusher);
    if (ended != NULL)
        end_pusher(lane, ended);
    tell_all(lane);
}

/* ---- time -------------------------------------------------------------------------- */

static int is_away(const struct intake *intake)
{
    return !link_is_up(intake->link) && clock_mono_ms() - intake->down_mono_ms >= AWAY_MS;
}

static int no_connection(struct err *err)
{
    return err_set(err, LEAT_ELINK, "There is no connection to Redis.");
}

static void judge_patience(struct intake_user *user)
{
    const struct intake *intake = user->lane->intake;
    if (!is_waiting(user))
        return;
    if (user->added == user->acknowledged && is_away(intake))
        no_connection(&user->err);
    else if (clock_mono_ms() - user->since_mono_ms >= SILENCE_MS)
        err_set(&user->err, LEAT_ELINK, "Redis did not answer for %d seconds.",
                SILENCE_MS / 1000);
}

static void sweep_lane(struct intake_lane *lane)
{
    struct intake_user *user, *next;
    for (user = TAILQ_FIRST(&lane->users); user != NULL; user = next) {
        next = TAILQ_NEXT(user, link);
        judge_patience(user);
        if (user->err.code != LEAT_OK)
            user->on_progress(user);
    }
    if (is_unused(lane) && clock_mono_ms() - lane->used_mono_ms >= IDLE_MS)
        lane_free(lane);
}

static void on_sweep(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct intake *intake = watcher->data;
    struct intake_lane *lane, *next;
    for (lane = LIST_FIRST(&intake->lanes); lane != NULL; lane = next) {
        next = LIST_NEXT(lane, link);
        sweep_lane(lane);
    }
    if (LIST_EMPTY(&intake->lanes))
        ev_timer_stop(loop, watcher);
}

/* ---- the connection ---------------------------------------------------------------- */

static void on_up(void *arg)
{
    struct intake *intake = arg;
    struct intake_lane *lane;
    LIST_FOREACH(lane, &intake->lanes, link)
    tell_all(lane);
}

static void on_down(void *arg, const char *why)
{
    (void)why; /* the snapshot's connection logs it */
    struct intake *intake = arg;
    intake->down_mono_ms = clock_mono_ms();
}

static void on_fatal(void *arg, const struct err *err)
{
    struct intake *intake = arg;
    intake->on_fatal(intake->arg, err);
}

struct intake *intake_new(struct ev_loop *loop, const struct redis_url *url,
                          void (*fatal)(void *arg, const struct err *err), void *arg)
{
    struct intake *intake = xcalloc(1, sizeof *intake);
    struct link_config config = {.url = *url,
                                 .name = "leat-dashboard-push",
                                 .serving = 1,
                                 .give_up_ms = -1,
                                 .arg = intake,
                                 .on_up = on_up,
                                 .on_down = on_down,
                                 .on_fatal = on_fatal};
    intake->loop = loop;
    intake->on_fatal = fatal;
    intake->arg = arg;
    intake->down_mono_ms = clock_mono_ms();
    LIST_INIT(&intake->lanes);
    ev_timer_init(&intake->sweep, on_sweep, 0, SWEEP_MS / 1000.0);
    intake->sweep.data = intake;
    intake->link = link_new(loop, &config);
    return intake;
}

void intake_free(struct intake *intake)
{
    struct intake_lane *lane;
    struct intake_user *user;
    if (intake == NULL)
        return;
    ev_timer_stop(intake->loop, &intake->sweep);
    while ((lane = LIST_FIRST(&intake->lanes)) != NULL) {
        while ((user = TAILQ_FIRST(&lane->users)) != NULL) {
            err_set(&user->err, LEAT_ELINK, "The dashboard stops.");
            user->on_progress(user);
        }
        lane_free(lane);
    }
    link_free(intake->link);
    free(intake);
}

/* ---- users ------------------------------------------------------------------------- */

int intake_enter(struct intake *intake, struct intake_user *user,
                 const struct queue *queue, struct err *err)
{
    if (is_away(intake))
        return no_connection(err);
    struct intake_lane *lane = lane_of(intake, queue);
    if (lane == NULL)
        return err_set(err, LEAT_EBUSY, "%d other queues are pushed to just now.",
                       INTAKE_QUEUES_MAX);
    user->lane = lane;
    TAILQ_INSERT_TAIL(&lane->users, user, link);
    return LEAT_OK;
}

static void renew_pusher(struct intake_lane *lane)
{
    struct pusher_config config = {.loop = lane->intake->loop,
                                   .link = lane->intake->link,
                                   .queue = &lane->queue,
                                   .patience_ms = REFUSED_MS,
                                   .arg = lane,
                                   .on_progress = on_pushed};
    lane->pusher = pusher_new(&config);
    lane->acknowledged = 0;
}

int intake_has_room(struct intake_user *user)
{
    struct intake_lane *lane = user->lane;
    if (user->err.code != LEAT_OK)
        return 0;
    if (lane->pusher == NULL)
        renew_pusher(lane);
    int has_room = link_is_up(lane->intake->link) && pusher_has_room(lane->pusher);
    if (!has_room && !is_waiting(user))
        user->since_mono_ms = clock_mono_ms();
    user->wants_room = !has_room;
    return has_room;
}

void intake_add(struct intake_user *user, struct bytes payload, struct pusher_due due)
{
    struct intake_lane *lane = user->lane;
    struct run *last = TAILQ_LAST(&lane->runs, run_list);
    pusher_add(lane->pusher, payload, due);
    if (!is_waiting(user))
        user->since_mono_ms = clock_mono_ms();
    user->added++;
    if (last == NULL || last->user != user) {
        last = xcalloc(1, sizeof *last);
        last->user = user;
        TAILQ_INSERT_TAIL(&lane->runs, last, next);
    }
    last->count++;
}

void intake_flush(struct intake_user *user)
{
    if (user->lane->pusher != NULL)
        pusher_flush(user->lane->pusher);
}

void intake_leave(struct intake_user *user)
{
    struct intake_lane *lane = user->lane;
    struct run *run;
    TAILQ_FOREACH(run, &lane->runs, next)
    {
        if (run->user == user)
            run->user = NULL;
    }
    TAILQ_REMOVE(&lane->users, user, link);
    lane->used_mono_ms = clock_mono_ms();
    user->lane = NULL;
}
