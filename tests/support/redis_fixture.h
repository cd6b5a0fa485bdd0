/* SPDX-License-Identifier: MIT */
/* A redis-server of a test's own: on a unix socket in a temporary directory, without
 * persistence unless asked for, killed by the kernel when the test dies. Anything that
 * goes wrong here aborts the test. */
#ifndef LEAT_TESTS_SUPPORT_REDIS_FIXTURE_H
#define LEAT_TESTS_SUPPORT_REDIS_FIXTURE_H

#include <sys/types.h>

enum { REDIS_FIXTURE_ARGS_MAX = 32 };

struct redis_fixture {
    char dir[64]; /* data, socket and log */
    char socket[96];
    char url[104]; /* unix://… */
    pid_t pid;     /* 0: not running */
    const char *args[REDIS_FIXTURE_ARGS_MAX];
};

/* Make the directory and start; more arguments of redis-server may follow, borrowed, and
 * the list ends with NULL. Returns once it answers PING. */
void redis_fixture_start(struct redis_fixture *redis, ...) __attribute__((sentinel));

/* kill -9, and wait until it is gone. */
void redis_fixture_kill9(struct redis_fixture *redis);

/* Start again with the same arguments and directory, after a kill -9 or instead of
 * one. */
void redis_fixture_restart(struct redis_fixture *redis);

/* Stop it if it runs, and remove the directory. */
void redis_fixture_stop(struct redis_fixture *redis);

#endif
