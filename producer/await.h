/* SPDX-License-Identifier: MIT */
/* What broker/ does in steps, for commands: begun, and waited for. */
#ifndef LEAT_PRODUCER_AWAIT_H
#define LEAT_PRODUCER_AWAIT_H

#include "broker/cancel.h"
#include "broker/client.h"
#include "broker/resting_find.h"

enum { AWAIT_LOOK_MAX = 100000 }; /* entries that a search reads at most */

/* Look at up to `max`, in the source's order; or at the last of it, for those who take
 * away what they looked at while new ones may come. Errors: those of client_wait(), and
 * what Redis said. */
int await_walk(struct client *client, const struct queue *queue, enum walk_source source,
               int64_t max, walk_entry_fn fn, void *arg, struct err *err);
int await_walk_oldest(struct client *client, const struct queue *queue,
                      enum walk_source source, int64_t max, walk_entry_fn fn, void *arg,
                      struct err *err);

/* How many there are. */
int await_count(struct client *client, const struct queue *queue, enum resting_kind kind,
                int64_t *out, struct err *err);

/* Find by handle or by a dead job's iid: found[i] is what words[i] names, its bytes in
 * the arena. Errors: LEAT_ENO naming one that is not there. */
int await_find(struct client *client, const struct queue *queue, const char *const *words,
               size_t count, struct resting *found, struct arena *arena, struct err *err);

/* Push a job again, or remove it. Errors: LEAT_ENO when it is not there any more. */
int await_retry(struct client *client, const struct queue *queue,
                const struct resting *resting, struct err *err);
int await_remove(struct client *client, const struct queue *queue,
                 const struct resting *resting, struct err *err);

/* Cancel a job; the caller has said which, and frees the cancel. Errors: those of
 * cancel_start(); else it is unknown what was done. */
int await_cancel(struct client *client, struct cancel *cancel, struct err *err);

#endif
