/* SPDX-License-Identifier: MIT */
/* The ids of cancelled jobs that a worker knows of one queue, iids among them. Those that
 * count stand in `:cancel`: they are read when a connection comes up, and each new one is
 * heard on the control stream. A job of such an id is settled as cancelled instead of
 * started.
 *
 * Which job uses a cancel up is decided by Redis, in that settle; so an id may be known
 * here that counts no more. It is asked for again behind each settle that may have used
 * it up, and the other workers are told to ask, too. */
#ifndef LEAT_WORKER_CANCELS_H
#define LEAT_WORKER_CANCELS_H

#include "worker/feed.h"

struct cancels;

/* Make the set of a feed. Owns: the caller frees with cancels_free(). */
struct cancels *cancels_new(struct feed *feed);
void cancels_free(struct cancels *cancels);

/* Read all of them from Redis; jobs that run here are stopped. Its answer comes before
 * that of whatever is reserved behind it. */
void cancels_load(struct cancels *cancels);

/* One was heard; `nonce` names who waits for an answer, or is empty; it counts until
 * `until_ms`, or if that is 0, for older programs do not tell, for CANCEL_KEEP_MS. */
void cancels_hear(struct cancels *cancels, struct bytes id, struct bytes nonce,
                  int64_t until_ms);

/* Is a job of this id to be settled as cancelled? */
int cancels_has(const struct cancels *cancels, struct bytes id);

/* A settle that is about to be sent may use it up. */
void cancels_use(struct cancels *cancels, struct bytes id);

/* Another worker's did. */
void cancels_doubt(struct cancels *cancels, struct bytes id);

#endif
