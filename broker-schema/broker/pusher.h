/* SPDX-License-Identifier: MIT */
/* Pushes that add each job once, whatever happens to the connection: jobs are put
 * together in numbered batches, up to PUSHER_FLIGHT_MAX of them are on their way at a
 * time, and what got no answer is sent again, in order, with the same bytes. Redis
 * remembers the number of a producer's last batch and adds nothing the second time.
 *
 * A batch that Redis refuses for now (FULL, OOM, LOADING …) makes it answer GAP to those
 * behind it: nothing more is sent until all are answered, then all of them again after a
 * back-off, as long as `patience_ms` has not passed without progress. GAP below a number
 * that was answered before means that Redis lost history; that ends the pusher.
 *
 * Jobs go out by themselves when a batch is full, or when nothing is on its way; so a
 * slow stream has short batches and a fast one long ones. Jobs are acknowledged in the
 * order they were added. Memory: at most (PUSHER_FLIGHT_MAX + 1) * LIMIT_PUSH_BYTES, and
 * in the link as much again.
 *
 * Redis forgets a producer after an hour. A pusher that was idle for long becomes a new
 * producer by itself; batches without an answer for an hour end as lost history, but for
 * the very first of a producer, which may then be pushed twice. */
#ifndef LEAT_BROKER_PUSHER_H
#define LEAT_BROKER_PUSHER_H

#include "base/err.h"
#include "base/mem.h"
#include "schema/queue.h"

#include <stdint.h>

struct ev_loop;
struct link;
struct pusher;

enum { PUSHER_FLIGHT_MAX = 8 };

enum pusher_when { PUSH_NOW, PUSH_IN, PUSH_AT };

struct pusher_due {
    enum pusher_when when;
    int64_t ms; /* PUSH_IN: from Redis' now; PUSH_AT: since the Unix epoch */
};

struct pusher_config {
    struct ev_loop *loop;
    struct link *link;
    const struct queue *queue; /* copied */
    int64_t patience_ms;       /* with a Redis that refuses; INT64_MAX: for ever */
    void *arg;
    /* Something was answered, or the pusher ended. It may add more jobs, or free the
     * pusher if nothing is on its way. Never called from inside another function of the
     * pusher. */
    void (*on_progress)(void *arg);
};

/* Make a producer of one queue. Owns: the caller frees with pusher_free(). */
struct pusher *pusher_new(const struct pusher_config *config);

/* Free. With batches on their way the link must be freed before the loop turns again.
 * Accepts NULL. */
void pusher_free(struct pusher *pusher);

/* Can one more job, of any allowed size, be added? If not, on_progress tells when to ask
 * again; after pusher_error() it never can. */
int pusher_has_room(const struct pusher *pusher);

/* Add a job; the payload, at most LIMIT_PAYLOAD_BYTES, is copied. Only with room. The
 * record of a tracked job begins in the step that brings it into the queue. */
void pusher_add(struct pusher *pusher, struct bytes payload, struct pusher_due due);

/* Send what was added since, as soon as nothing else is on its way. To be called at the
 * end of a run of pusher_add(). */
void pusher_flush(struct pusher *pusher);

/* Has everything that was added been acknowledged? */
int pusher_is_idle(const struct pusher *pusher);

/* How many jobs were added, and how many of them Redis has acknowledged. */
int64_t pusher_added(const struct pusher *pusher);
int64_t pusher_acknowledged(const struct pusher *pusher);

enum pusher_fate {
    PUSH_ACKNOWLEDGED, /* it is in the queue, or was */
    PUSH_IN_DOUBT,     /* on its way: in the queue or not */
    PUSH_ABSENT,       /* not in the queue */
};

/* What became of a job? `nth` counts the jobs in the order they were added, from 0. */
enum pusher_fate pusher_fate(const struct pusher *pusher, int64_t nth);

/* What Redis said when it refused a batch that has not been taken since; NULL for
 * nothing. Valid until the loop turns. */
const char *pusher_refusal(const struct pusher *pusher);

/* Why it ended, or NULL: LEAT_EBUSY (refused for too long), LEAT_EGAP (history lost), or
 * what Redis said. Jobs not acknowledged are then not in the queue, unless history was
 * lost or the connection with it. Nothing is on its way any more. */
const struct err *pusher_error(const struct pusher *pusher);

#endif
