/* SPDX-License-Identifier: MIT */
/* A list of a queue's greatest things that is costly to make: made only when somebody
 * asks, shared for five seconds by all who ask, however many tabs are open. A kind of
 * list says how it is gathered and written; what is kept of it is bounded. */
#ifndef LEAT_DASHBOARD_LOOK_H
#define LEAT_DASHBOARD_LOOK_H

#include "base/top.h"
#include "dashboard/dashboard.h"
#include "dashboard/http.h"

struct look_kind {
    /* Gather into look->top and the figures, then call look_done(), later. */
    void (*gather)(struct look *look);
    /* Append the document, `limit` items at most. */
    void (*write)(struct buf *out, const struct look *look, size_t limit);
    int64_t limit_max, limit_initial; /* of `?limit=` */
};

struct look {
    /* what was seen: */
    struct queue queue;
    struct top top;
    int64_t scanned, of, at_ms; /* `at_ms`: Redis TIME */
    int64_t age_ms;             /* since then, when it is written */
    int is_complete;

    /* for gathering: */
    struct dashboard *dashboard;
    char cursor[24]; /* of a scan */
    int calls;       /* how often was scanned */
    int due;         /* answers still to come */
    struct err err;  /* the first one */

    /* look.c's own: */
    struct look *next;
    const struct look_kind *kind;
    struct look_waiter *waiters;
    int is_gathering, is_good;
    int64_t taken_mono_ms;
};

/* counters_look.c, copies_look.c */
extern const struct look_kind look_counters, look_copies;

/* Answer a request for the list of the queue that it names, now or later. */
void look_serve(struct dashboard *dashboard, struct http_request *request,
                const struct look_kind *kind);

/* What gathering ends with, also after an error. */
void look_done(struct look *look);

/* For gathering: send dashboard->cmd, `fn` gets the look or what stands for it; a refusal
 * is recorded. An answer's error and its end are recorded too: returns 0 when it is
 * good. */
void look_ask(struct look *look, answer_fn fn, void *arg);
int look_answered(struct look *look, const struct answer *answer);

/* Take the cursor that a scan answered with. Returns 1 while there is more. */
int look_take_cursor(struct look *look, const struct redisReply *reply);

/* Append the figures that end a document. */
void look_write_end(struct buf *out, const struct look *look);

/* Free all looks; none is being gathered, or the link was freed. */
void look_fini(struct dashboard *dashboard);

#endif
