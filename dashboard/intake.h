/* SPDX-License-Identifier: MIT */
/* Jobs that HTTP clients push: one numbered pusher for each queue that is pushed to at
 * the moment, shared by all who do, on a connection of its own; so a lost connection to
 * Redis doubles nothing, a thousand small pushes make few batches, and a large one does
 * not hold up what the others ask of Redis.
 *
 * A user is one request. It adds jobs while there is room and learns which of them Redis
 * has acknowledged. It waits without progress for seconds at most; then, or when Redis
 * refuses, it is told why. Its jobs that are neither acknowledged nor refused stay on
 * their way, as Redis may have taken them already.
 *
 * Bounded: INTAKE_QUEUES_MAX queues at a time, each with what one pusher may hold. */
#ifndef LEAT_DASHBOARD_INTAKE_H
#define LEAT_DASHBOARD_INTAKE_H

#include "broker/pusher.h"
#include "broker/redis_url.h"

#include <sys/queue.h>

enum { INTAKE_QUEUES_MAX = 16 };

struct ev_loop;
struct intake;
struct intake_lane;

struct intake_user { /* embedded in what pushes; zeroed before intake_enter() */
    /* Something was acknowledged, there may be room again, or `err` was set. The user may
     * add jobs, or leave and free itself. Never called from inside a function of the
     * intake. */
    void (*on_progress)(struct intake_user *user);
    struct err err;              /* why nothing goes on */
    int64_t added, acknowledged; /* jobs; what is between is in the queue, or is not */

    /* the intake's own */
    struct intake_lane *lane;
    TAILQ_ENTRY(intake_user) link;
    int64_t since_mono_ms; /* it waits, and nothing happened */
    int wants_room;
};

/* Connect. `on_fatal` is called when Redis cannot be reached at the start, or refuses us.
 * Owns: the caller frees. */
struct intake *intake_new(struct ev_loop *loop, const struct redis_url *url,
                          void (*on_fatal)(void *arg, const struct err *err), void *arg);

/* Close. Users that are still there get an error, and must leave. Accepts NULL. */
void intake_free(struct intake *intake);

/* Begin to push to a queue. Errors: LEAT_ELINK while Redis is away, LEAT_EBUSY when too
 * many other queues are pushed to; the user is then not in. */
int intake_enter(struct intake *intake, struct intake_user *user,
                 const struct queue *queue, struct err *err);

/* Can one more job, of any allowed size, be added? If not, on_progress() tells when to
 * ask again. */
int intake_has_room(struct intake_user *user);

/* Add a job; the payload is copied. Only with room. */
void intake_add(struct intake_user *user, struct bytes payload, struct pusher_due due);

/* To be called at the end of a run of intake_add(). */
void intake_flush(struct intake_user *user);

/* Be told of nothing any more. */
void intake_leave(struct intake_user *user);

#endif
