/* SPDX-License-Identifier: MIT */
/* A look at the entries that rest in one state of a queue, page by page, so that Redis is
 * never held up for long however many there are. Pages are short where entries are long:
 * the quarantine takes entries of any length. Nothing is changed, and nothing is locked:
 * what comes or goes meanwhile may be missed or be seen twice. */
#ifndef LEAT_BROKER_WALK_H
#define LEAT_BROKER_WALK_H

#include "broker/link.h"
#include "schema/queue.h"

enum {
    WALK_PAGE_FIRST = 8,               /* entries read at first */
    WALK_PAGE_MAX = 100,               /* and at a time later */
    WALK_PAGE_BYTES = 4 * 1024 * 1024, /* what a page should have, by those read before */
};

enum walk_source {
    WALK_DEAD,      /* newest first; `at_ms`: when it died */
    WALK_BAD,       /* newest first */
    WALK_FAILED,    /* records of the log of failures, newest first */
    WALK_SCHEDULED, /* the soonest first; `at_ms`: when it is due */
    WALK_READY,     /* the next first: staging, high, the queue, suspects */
};

struct client;
struct walk;

/* Take each entry, borrowed until the function returns. Returns 1 to stop. */
typedef int (*walk_entry_fn)(void *arg, struct bytes raw, int64_t at_ms);

/* The walk is over; with an error, what was seen is not all. It may be started again. */
typedef void (*walk_done_fn)(struct walk *walk, const struct err *err);

struct walk {
    /* set by the caller, who keeps all of it in place until the end: */
    struct link *link;
    const struct queue *queue;
    enum walk_source source;
    int64_t max;        /* entries to look at, at most */
    int from_other_end; /* the last first */
    int64_t only_at_ms; /* WALK_DEAD: only those that died then; 0: all */
    walk_entry_fn entry;
    walk_done_fn done;
    void *arg; /* for both */

    const char *from; /* while `entry` is called: the key it stands in */

    /* told at the end: */
    int64_t searched, of; /* entries looked at, and how many there were at the start */
    int64_t now_ms;       /* Redis TIME at the start */
    int is_complete;      /* all were looked at */

    struct cmd cmd; /* the walk's own, as what follows */
    struct err err;
    int due, key;
    int64_t at;          /* within the key */
    int64_t page, bytes; /* entries of the next page; bytes of all so far */
    int is_over;
};

/* Begin. Calls `done` exactly once, never before this returns.
 * Errors: LEAT_ELINK while the link is down; `done` is then not called. */
int walk_start(struct walk *walk);

/* For a program that does nothing else meanwhile: walk on the client's link, and wait for
 * the end; `link` and `done` need not be set. Errors: those of client_wait(), and what
 * Redis said. */
int walk_through(struct walk *walk, struct client *client, struct err *err);

/* Free what the walk owns. A zeroed one is fine; one under way only when no answer
 * can come any more. */
void walk_fini(struct walk *walk);

#endif
