/* SPDX-License-Identifier: MIT */
/* A Redis of one's own: its directory, which nobody else may look into, the lock that
 * says whose it is, and the socket it listens on.
 *
 * The server inherits the lock's descriptor, so the kernel holds the lock until the last
 * server on this data is gone, however it or its parent ended: a socket or a file left
 * behind means nothing, and there are never two servers on one data. */
#ifndef LEAT_PRODUCER_PRIVATE_REDIS_H
#define LEAT_PRODUCER_PRIVATE_REDIS_H

#include "base/mem.h"
#include "child.h"

struct private_redis {
    struct arena *arena;
    const char *folder; /* the state directory, absolute */
    const char *data;   /* the server's working directory, in it */
    const char *socket;
    const char *url;    /* unix://… */
    const char *server; /* the binary */
    int lock_fd;
};

/* Where state is kept when nobody says: $XDG_STATE_HOME/leat, or ~/.local/state/leat;
 * NULL when neither variable is set. Owns: the arena. */
const char *private_redis_usual_folder(struct arena *arena);

/* Make the directory `folder` ours and take its lock; texts live in `arena`.
 * Errors: LEAT_ECONFIG for a directory that cannot be used; LEAT_ELINK when somebody else
 * has the lock, or when there is no redis-server; LEAT_EBUSY when a server without a
 * parent takes more than 10 s to end. Afterwards private_redis_close() is right in any
 * case. */
int private_redis_open(struct private_redis *redis, const char *folder,
                       struct arena *arena, struct err *err);

/* Let go of the lock; a server that still runs keeps it. */
void private_redis_close(struct private_redis *redis);

/* Tell whoever finds the lock taken where we are. */
void private_redis_announce(const struct private_redis *redis, const char *dashboard);

/* Start the server, with its output in `log`. Errors: those of child_spawn(). */
pid_t private_redis_spawn(const struct private_redis *redis, const char *log,
                          struct err *err);

/* The server has ended, with its last words in `log`: if it would not start because a
 * crash had cut the end of its file, cut off the whole step that is not whole. Returns
 * whether it may start now. Blocks until that is done. */
int private_redis_repair(const struct private_redis *redis, const char *log);

/* Look for a program as a shell does; NULL when there is none. Owns: the arena. */
const char *private_redis_which(struct arena *arena, const char *program);

#endif
