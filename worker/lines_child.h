/* SPDX-License-Identifier: MIT */
/* A lines child: a program that stays, the calls it holds, and what is on the way to it
 * and from it. Whatever it does costs nobody else anything: what it does not read waits
 * in a buffer no longer than the calls it holds, what it writes is read a block in a turn
 * of the loop, and who breaks the protocol is killed.
 *
 *   new -> TAKES -> LEAVES (it is to be replaced) -> its stdin is closed -> it exits
 *             `-> DOOMED (killed, or never started) -----------------------> it is reaped
 *
 * Only when it is reaped do the calls it held end: no more programs run at once than
 * there may be. If it had read nothing of what was written to it, it was not they that
 * killed it: they are put off, which is no failure. */
#ifndef LEAT_WORKER_LINES_CHILD_H
#define LEAT_WORKER_LINES_CHILD_H

#include "base/err.h"
#include "worker/child_process.h"
#include "worker/handler_log.h"
#include "worker/lines_calls.h"
#include "worker/pipe_reader.h"

#include <ev.h>

struct handler;
struct lines_child;
struct program;

enum lines_child_state {
    LINES_CHILD_TAKES,  /* calls */
    LINES_CHILD_LEAVES, /* takes none, finishes what it holds */
    LINES_CHILD_DOOMED, /* is killed */
};

/* What all children of a handler have in common; borrowed. */
struct lines_child_spec {
    struct handler *handler;
    const struct program *program;
    struct handler_log *log;
    int64_t again_ms; /* how long the calls wait of one that died unable to begin */
    /* It is over, for this reason; its calls have ended. To be freed now. */
    void (*on_gone)(void *arg, struct lines_child *child, const char *why);
    /* It takes more calls than before, or none any more; or gave its first answer. */
    void (*on_change)(void *arg);
    void *arg;
};

struct lines_child {
    struct lines_child *next; /* its owner's list */
    const struct lines_child_spec *spec;
    enum lines_child_state state;
    struct child_process process;
    struct pipe_reader answers, err;
    ev_io writable;       /* its stdin */
    ev_timer late;        /* it should have exited; or it never started */
    const char *late_why; /* of what it is guilty then */
    struct buf out;
    size_t sent;               /* of it */
    int64_t put_bytes;         /* all that was ever written to it */
    int has_read;              /* some of that; known when writing stops */
    int64_t started, answered; /* calls */
    int64_t lines;             /* that it wrote */
    int has_said;              /* on stderr, since its last answer */
    int64_t measured_mono_ms;  /* its memory */
    struct err fault;          /* why it is doomed: its calls end by it */
    int gives_back;            /* they do not fail: they go back */
    struct buf handle;
    struct arena arena;        /* of one line's answer */
    struct arena writer_arena; /* owns what the writer names */
    struct handler_writer writer;
    struct lines_calls calls;
};

/* Start one. It is given calls at once; when it cannot be started they are put off, a
 * moment later. Owns: the caller frees it, in on_gone or at the end. */
struct lines_child *lines_child_new(const struct lines_child_spec *spec);

/* How many more calls it takes. */
int lines_child_room(const struct lines_child *child);

/* Hand it a call; there must be room. */
void lines_child_start(struct lines_child *child, struct call *call);

/* Ask it to stop one. */
void lines_child_stop(struct lines_call *place);

/* Take a call away from it: it is killed, and the others it holds go back. */
void lines_child_kill(struct lines_call *place);

/* Let it finish, and exit. */
void lines_child_leave(struct lines_child *child);

/* Wait until it has exited, or until then. It must have been told to leave. */
void lines_child_await(struct lines_child *child, int64_t until_mono_ms);

/* End it at once, if it runs. It holds no calls any more. */
void lines_child_free(struct lines_child *child);

#endif
