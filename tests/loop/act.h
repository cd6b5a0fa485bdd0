/* SPDX-License-Identifier: MIT */
/* Steps that scenes are made of. */
#ifndef LEAT_TESTS_LOOP_ACT_H
#define LEAT_TESTS_LOOP_ACT_H

#include "past.h"
#include "scene.h"

/* Send a plain command past the wire. */
#define DO(stage, ...) PAST(&(stage)->client, __VA_ARGS__)

/* LPUSH jobs, `@` being the site's address; the list ends with NULL. */
void act_push(struct stage *stage, const struct queue *queue, const char *const *jobs);

/* ZADD jobs that are due in so many ms. */
void act_schedule(struct stage *stage, const char *const *jobs, int64_t in_ms);

/* A worker over the wire until the queue is drained, or both are, scheduled jobs
 * included: 0 when it ended by itself and well. The second one has the handlers of
 * tasks.h, and runs more at once. */
int act_drain(struct stage *stage);
int act_drain_tasks(struct stage *stage);
int act_drain_both(struct stage *stage);

/* A worker over the wire that finds nothing at first; then the jobs come, and when
 * `ended` of them have ended it is stopped. */
int act_wait(struct stage *stage, const char *const *jobs, int64_t ended);

/* A master of one process over the wire, which is replaced (HUP) while jobs come: so many
 * before it, behind it, and once more when it has ended; then TERM. 0 when all ended
 * well. */
int act_reload(struct stage *stage, const char *const *jobs, int64_t count);

/* `leat push` with these arguments, over the wire. Returns its exit status. */
int act_command(struct stage *stage, const char *const *words);

/* Was this said on stderr, in this run? */
int act_logged(const char *what);

#endif
