/* SPDX-License-Identifier: MIT */
/* A faulty wire between unix sockets: passes on what both sides say, and fails
 * connections, each once, at a given place. Counting begins when a word comes by, in
 * either direction: the first script call (EVALSHA), say, so that greetings come through
 * and connections that call no scripts are left alone. What came in one piece with the
 * word counts.
 *
 * Writes block: the peers read all the time. */
#ifndef LEAT_TESTS_SUPPORT_WIRE_H
#define LEAT_TESTS_SUPPORT_WIRE_H

#include "base/buf.h"
#include "resp.h"

enum wire_end { WIRE_CLIENT, WIRE_SERVER };

enum wire_unit {
    WIRE_BYTES,  /* so many pass */
    WIRE_CHUNKS, /* what one read returns: whole commands or replies, mostly */
    WIRE_EDGES,  /* three for each message: just before its end, there, one byte on */
};

enum wire_kind {
    WIRE_CLOSE, /* both sides see the connection end */
    WIRE_HOLE,  /* nothing comes through any more, and nobody is told */
    /* The client sees the end; what it had sent reaches the server all the same, but only
     * after another connection got an answer behind the word. */
    WIRE_LATE,
};

struct wire_fault {
    const char *word;
    enum wire_end from; /* whose words are counted */
    enum wire_unit unit;
    int64_t after;
    enum wire_kind kind;
    int64_t times; /* connections that fail so, one after the other */
    int skip;      /* that are left alone before */
};

enum { WIRE_LINES_MAX = 64, WIRE_FAULTS_MAX = 2 };

struct wire_line {
    int fd[2];                      /* by enum wire_end; -1 when closed */
    const struct wire_fault *fault; /* how it will fail, once the word came by */
    int failed, spared;
    int64_t passed; /* bytes or chunks, since the word */
    struct resp resp;
    int64_t messages, beyond; /* that passed whole; bytes behind the last of them */
    struct buf late;          /* held back */
    int due;                  /* it may come now */
};

struct wire {
    const char *to;                           /* the server's socket */
    struct wire_fault fault[WIRE_FAULTS_MAX]; /* the next one waits for those before it */
    int fault_count;
    /* Told of each fault, and of what came late. May be NULL. */
    void (*on_fault)(const struct wire_fault *fault, int64_t passed);
    void (*on_late)(size_t bytes, int sent);
    int failures; /* connections that failed */

    int listener;
    struct wire_line line[WIRE_LINES_MAX];
    int line_count;
};

/* Listen at a path, which is taken over. The caller has filled in `to` and the faults,
 * and ignores SIGPIPE. Returns 0, or -1 with errno set. */
int wire_open(struct wire *wire, const char *path);

/* Wait for something to pass on, and do. Returns 0, or -1 once `stop` is readable; -1 for
 * `stop`: never. */
int wire_turn(struct wire *wire, int stop);

/* Close all connections and stop listening. */
void wire_close(struct wire *wire);

#endif
