/* SPDX-License-Identifier: MIT */
/* A link of a test's own in a loop of its own, which keeps what the link tells. There is
 * one in a program: `probe`. */
#ifndef LEAT_TESTS_BROKER_PROBE_H
#define LEAT_TESTS_BROKER_PROBE_H

#include "base/clock.h"
#include "broker/link.h"
#include "support/redis_fixture.h"

#include <check.h>
#include <ev.h>

enum { PROBE_TURN_MS = 5, PROBE_DEADLINE_MS = 20000, PROBE_ANSWERS = 1000 };

struct probe {
    struct redis_fixture redis;
    struct link_config config; /* to be filled in before the link is opened */
    struct ev_loop *loop;
    ev_timer turn;
    struct link *link;
    struct cmd cmd;
    int ups, downs, fatals;
    struct err err;            /* of the last on_fatal */
    const char *say_when_down; /* RPUSHed to `l` by on_down */
    int sending;               /* inside link_send() */
    int count;
    struct {
        int code;
        char text[200];
        int64_t number;
    } answer[PROBE_ANSWERS];
};

extern struct probe probe;

/* Begin to connect; close again, but leave Redis alone. */
void probe_open(const char *url);
void probe_close(void);

/* Start Redis and connect; close, and stop it. */
void probe_start(void);
void probe_stop(void);

/* Turn the loop until the condition holds. */
#define AWAIT(condition)                                                                 \
    do {                                                                                 \
        int64_t end_ms = clock_mono_ms() + PROBE_DEADLINE_MS;                            \
        while (!(condition)) {                                                           \
            ck_assert_msg(clock_mono_ms() < end_ms, "in vain: %s (%s)", #condition,      \
                          probe.err.text);                                               \
            ev_run(probe.loop, EVRUN_ONCE);                                              \
        }                                                                                \
    } while (0)

/* Send a plain command; or what is in probe.cmd. */
#define SEND(flags, ...) (cmd_set(&probe.cmd, __VA_ARGS__, NULL), probe_send(flags, 0))
int probe_send(unsigned flags, int64_t patience_ms);

/* Ask on another connection; the answer as text, borrowed until the next. */
#define OTHER(...) probe_ask((const char *const[]){__VA_ARGS__, NULL})
const char *probe_ask(const char *const *words);

/* A directory with a socket that listens in it, and its end. */
int probe_listen(char path[108]);
void probe_unlisten(char path[108]);

#endif
