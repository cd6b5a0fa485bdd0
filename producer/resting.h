/* SPDX-License-Identifier: MIT */
/* Jobs that rest: the dead and the quarantined ones of a queue, and the handles by which a
 * person names them. A dead job's handle is `dead:<died ms>:<iid>`, a quarantined entry's is
 * `bad:<digest of its bytes>`; whoever acts names the exact bytes, so a digest need only tell
 * entries apart for people. */
#ifndef LEAT_PRODUCER_RESTING_H
#define LEAT_PRODUCER_RESTING_H

#include "broker/client.h"
#include "schema/entry.h"
#include "schema/envelope.h"
#include "schema/queue.h"

enum {
    RESTING_LOOK_MAX = 100000, /* entries that a search reads at most */
    RESTING_PAGE = 100,        /* entries read at a time */
};

enum resting_kind { RESTING_DEAD, RESTING_BAD };

struct resting {
    enum resting_kind kind;
    struct bytes raw; /* exactly as it stands in Redis */
    int64_t died_ms;  /* of a dead one */
};

/* What stands in an entry, as far as it can be read. */
struct resting_view {
    struct entry entry;
    struct envelope job;
    struct err err; /* why it is no job; code LEAT_OK when it is one */
};

/* Name of a kind in handles, scripts and options. */
const char *resting_kind_name(enum resting_kind kind);

/* Read a kind's name. Errors: LEAT_EUSAGE. */
int resting_kind_parse(const char *name, enum resting_kind *out, struct err *err);

/* Append the handle. */
void resting_handle(struct buf *out, const struct resting *resting);

/* Decode an entry with the decoder that the workers use. Borrows from it, or from the arena. */
void resting_read(struct resting_view *view, const struct resting *resting,
                  struct arena *arena);

/* How many there are. */
int resting_count(struct client *client, const struct queue *queue,
                  enum resting_kind kind, int64_t *out, struct err *err);

/* Take each; what is passed is borrowed until the function returns. Returns 1 to stop. */
typedef int (*resting_fn)(void *arg, const struct resting *resting);

/* Look at up to `max`, newest first, page by page. */
int resting_walk(struct client *client, const struct queue *queue, enum resting_kind kind,
                 int64_t max, resting_fn fn, void *arg, struct err *err);

/* Look at the oldest, at most a page of them: for those who take away what they looked at
 * while new ones may come. */
int resting_walk_oldest(struct client *client, const struct queue *queue,
                        enum resting_kind kind, int64_t max, resting_fn fn, void *arg,
                        struct err *err);

/* Find by handle or by a dead job's iid: found[i] is what words[i] names, its bytes in the
 * arena. Errors: LEAT_ENO naming one that is not there; LEAT_EUSAGE. */
int resting_find(struct client *client, const struct queue *queue,
                 const char *const *words, size_t count, struct resting *found,
                 struct arena *arena, struct err *err);

/* Push a job again: a dead one with its counts at zero, a quarantined one as it stands; or
 * remove it. Errors: LEAT_ENO when it is not there any more. */
int resting_retry(struct client *client, const struct queue *queue,
                  const struct resting *resting, struct err *err);
int resting_remove(struct client *client, const struct queue *queue,
                   const struct resting *resting, struct err *err);

#endif
