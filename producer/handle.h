/* SPDX-License-Identifier: MIT */
/* What is behind a handle of the C library: a private event loop with one link, and a
 * lane for each queue. The loop turns only inside the library's calls, and
 * handle_turn_until() is the one place where anything is waited for. The functions of
 * leat.h are in libleat.c. */
#ifndef LEAT_PRODUCER_HANDLE_H
#define LEAT_PRODUCER_HANDLE_H

#include "broker/link.h"
#include "lane.h"
#include "leat.h"
#include "libleat_job.h"

#include <ev.h>
#include <sys/types.h>

enum { CLIENT_NAME_BYTES = 64 };

struct leat {
    pid_t pid; /* of the process that opened it */
    struct ev_loop *loop;
    ev_timer alarm; /* ends a turn of the loop in time */
    struct link *link;
    char client_name[CLIENT_NAME_BYTES + 1];
    char shown[400];    /* the server's address */
    char down_why[160]; /* the newest loss of the connection */
    struct err fatal;   /* the link does not come back */
    struct err err;     /* of the newest call that failed */
    struct lanes lanes;
    struct libleat_job job;
};

/* What a call waits for. */
struct goal {
    int (*is_reached)(const struct leat *leat, const struct goal *goal);
    const struct lane *lane; /* NULL: all of them */
    int64_t number;          /* of a job */
};

/* Connect, and wait for the greeting. After an error handle_disconnect() is still right.
 * Errors: those of redis_url_choose() and of a link; LEAT_EBUSY without file
 * descriptors. */
int handle_connect(struct leat *leat, const char *url, int64_t timeout_ms);

/* Close the connection and give up all jobs. The handle keeps its errors. In a forked
 * child nothing is said to Redis, nor changed for the parent. */
void handle_disconnect(struct leat *leat);

/* When does a time-out that begins now end? INT64_MAX never does. */
int64_t handle_end_of(int64_t timeout_ms);

/* Let the loop do what is due, and sleep for at most `left_ms`. */
void handle_turn(struct leat *leat, int64_t left_ms);

/* Turn the loop, once at least, unless the goal is reached already.
 * Errors: why the goal's lane or the link ended; when time is over LEAT_ELINK, LEAT_EBUSY
 * or LEAT_ETIMEOUT, by what was in the way. */
int handle_turn_until(struct leat *leat, struct goal goal, int64_t end_mono_ms);

/* Make `cause` the error of this call, and return its code. */
int handle_fail(struct leat *leat, const struct err *cause);

#endif
