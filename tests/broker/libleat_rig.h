/* SPDX-License-Identifier: MIT */
/* A handle of the C library, and somebody beside it who disturbs and looks. There is one
 * in a program: `rig`. Jobs are numbered by their ids, and a test ends by reading the
 * queue: the numbers must stand there once each and in order. */
#ifndef LEAT_TESTS_BROKER_LIBLEAT_RIG_H
#define LEAT_TESTS_BROKER_LIBLEAT_RIG_H

#include "broker/client.h"
#include "leat.h"
#include "schema/queue.h"
#include "support/redis_fixture.h"

#include <check.h>

enum { RIG_MS = 20000 }; /* a deadline against hanging */

struct rig {
    struct redis_fixture redis;
    struct queue queue;
    struct client other;
    struct leat *leat;
    int64_t next, seen; /* numbers taken, and read back */
    int64_t tickets[20000];
    pid_t proxy;
    int proxy_says; /* its stdout */
};

extern struct rig rig;

/* Start Redis, with more arguments as redis_fixture_start() takes them, and open a
 * handle. */
#define RIG_START(...)                                                                   \
    do {                                                                                 \
        redis_fixture_start(&rig.redis, __VA_ARGS__);                                    \
        rig_look();                                                                      \
        rig_open(rig.redis.url);                                                         \
    } while (0)
void rig_look(void);
void rig_open(const char *url);
void rig_stop(void);

/* The last call must have returned `code`, with `part` in the handle's text. */
#define EXPECT(code, call, part) rig_expect(code, call, part, #call)
void rig_expect(int code, int got, const char *part, const char *call);
#define OK(call) EXPECT(0, call, "")

/* Take `count` more jobs; push one and wait for it. Their queue is "q". */
int rig_add(int64_t count, int64_t timeout_ms);
int rig_push(int64_t timeout_ms);

/* How many of the jobs taken are in this state? */
int64_t rig_in_state(enum leat_state state);

/* Ask on another connection; the words end with NULL. The reply is borrowed until the
 * next. */
#define ASK(...) (cmd_set(&rig.other.cmd, __VA_ARGS__, NULL), rig_ask())
const struct redisReply *rig_ask(void);

/* Read the next `count` jobs from the queue; all of them, and see that none is
 * missing. */
int64_t rig_read(int64_t count);
void rig_expect_each_once(void);

/* Put the faulty wire between, with more options of it; open goes through its socket. */
void rig_proxy_start(const char *url_out[static 1], const char *const *options);

/* End it. Returns whether it made its fault. */
int rig_proxy_stop(void);

#endif
