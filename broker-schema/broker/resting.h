/* SPDX-License-Identifier: MIT */
/* Jobs that rest: the dead and the quarantined ones of a queue, and the handles by which
 * a person names them. A dead job's handle is `dead:<died ms>:<iid>`, a quarantined
 * entry's is `bad:<digest of its bytes>`; whoever acts names the exact bytes, so a digest
 * need only tell entries apart for people. walk.h finds all of them, resting_find.h those
 * named. */
#ifndef LEAT_BROKER_RESTING_H
#define LEAT_BROKER_RESTING_H

#include "broker/cmd.h"
#include "broker/walk.h"
#include "schema/entry.h"
#include "schema/envelope.h"
#include "schema/queue.h"

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

/* Where a walk finds this kind. */
enum walk_source resting_source(enum resting_kind kind);

/* Append the handle. */
void resting_handle(struct buf *out, const struct resting *resting);

/* Is it what a person means by `word`: its handle, or a dead job's iid? */
int resting_is_named(const struct resting *resting, const char *word);

/* When a dead job died, by its handle; 0 when `word` is no such handle. */
int64_t resting_handle_died_ms(const char *word);

/* Is `word` written as a handle is? */
int resting_is_handle(const char *word);

/* Decode an entry with the decoder that the workers use. Borrows from it, or from the
 * arena. */
void resting_read(struct resting_view *view, const struct resting *resting,
                  struct arena *arena);

/* What the producer wrote: of a quarantined entry all of it. */
struct bytes resting_payload(const struct resting *resting,
                             const struct resting_view *view);

/* Put the command together that pushes it again: a dead one with its counts at zero, a
 * quarantined one as it stands. Its answer is 0 when it is not there any more. Borrows
 * the entry until the command is sent. Owns: the arena, what is pushed. */
void resting_put_retry(struct cmd *cmd, const struct queue *queue,
                       const struct resting *resting, struct arena *arena);

/* Likewise the command that removes it. */
void resting_put_remove(struct cmd *cmd, const struct queue *queue,
                        const struct resting *resting);

/* Say that it is gone, to whoever acted. Returns LEAT_ENO. */
int resting_gone(const struct resting *resting, struct err *err);

#endif
