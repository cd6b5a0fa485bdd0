/* SPDX-License-Identifier: MIT */
/* Waiting for what is added to streams, any number of them on one connection that blocks
 * in XREAD: Redis wakes it, nothing is asked over and over. It opens with the first wait.
 * A lost connection is made again, and reading goes on behind the entry that was read
 * last, so that nothing is missed that the stream still has.
 *
 * What a stream has when a wait begins is looked up on another link, the asker: its
 * newest entries are the first that the wait is told. The asker also ends the block when
 * there is more to wait for (CLIENT UNBLOCK); where that is refused the connection is
 * dropped instead, and comes back with all of it. */
#ifndef LEAT_BROKER_STREAM_WATCH_H
#define LEAT_BROKER_STREAM_WATCH_H

#include "broker/link.h"

#include <sys/queue.h>

struct ev_loop;
struct stream_watch;

enum {
    STREAM_WAITS_MAX = 256,
    STREAM_LOOK_ENTRIES = 64, /* so many of the newest are told at first */
};

struct stream_id {
    uint64_t ms, number; /* by Redis' clock; a count */
};

struct stream_entry {
    struct stream_id id;
    const struct redisReply *fields; /* for reply_field(); borrowed as the reply is */
    int is_old; /* there was a newer one already, which is told next */
};

struct stream_wait {
    /* set by the caller, who keeps all of it in place until the end: */
    const char *key;
    /* An entry, in order; `entry` is NULL when the stream has none yet. May remove any
     * waits, also this one, but not behind one that is old. */
    void (*on_entry)(struct stream_wait *wait, const struct stream_entry *entry);
    /* Nothing more will come; the wait is not in the watch any more. Must not add one. */
    void (*on_error)(struct stream_wait *wait, const struct err *err);

    /* the watch's own: */
    TAILQ_ENTRY(stream_wait) link;
    struct stream_watch *watch; /* NULL: it is in none */
    struct stream_id last;      /* what was read last */
    int is_placed;              /* `last` is known */
};

/* Put the command together that asks for a stream's newest entries, newest first; read
 * one of them. Returns 0, or -1 for what is no entry. */
void stream_put_look(struct cmd *cmd, const char *key);
int stream_entry_read(struct stream_entry *entry, const struct redisReply *reply);

/* Make a watch for a Redis. Owns: the caller frees with stream_watch_free(). */
struct stream_watch *stream_watch_new(struct ev_loop *loop, const struct redis_url *url,
                                      struct link *asker);

/* Free; waits that are left are told LEAT_ELINK. The asker must be freed before, or
 * before the loop turns again. Accepts NULL. */
void stream_watch_free(struct stream_watch *watch);

/* Begin to wait. The callbacks are never called before this returns.
 * Errors: LEAT_EBUSY when STREAM_WAITS_MAX wait already. */
int stream_watch_add(struct stream_watch *watch, struct stream_wait *wait,
                     struct err *err);

/* Wait no more. No effect on one that is in no watch. */
void stream_watch_remove(struct stream_wait *wait);

/* Why the connection is not there now, or NULL. */
const char *stream_watch_down_why(const struct stream_watch *watch);

#endif
