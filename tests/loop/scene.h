/* SPDX-License-Identifier: MIT */
/* What is cut: one row for each scene, which sets a queue up past the wire, has a command
 * or a worker of the product do its work over the wire, and says what must have come of
 * it, in the words of books.h. */
#ifndef LEAT_TESTS_LOOP_SCENE_H
#define LEAT_TESTS_LOOP_SCENE_H

#include "broker/client.h"
#include "schema/queue.h"
#include "site.h"
#include "support/wire.h"

/* What a run has at hand. */
struct stage {
    struct client client; /* past the wire */
    const char *redis;    /* its socket; what follows leads over the wire */
    char wire[96], url[112];
    const char *dir; /* for files */
    struct queue queue, other;
    struct site site;
};

struct scene {
    const char *name;
    void (*prepare)(struct stage *stage);
    int (*act)(struct stage *stage); /* 0: it ended, and well */
    const char *want;                /* of `queue`, at the end */
    const char *other;               /* the same of the other queue; NULL: "" */
    const char *word;                /* behind which is cut; NULL: SADD, the first command
                                         behind a greeting */
    int skip; /* so many connections that say the word are left alone */
    const struct wire_fault *already; /* a cut before the one in question; may be NULL */
};

/* The rows end with a zeroed one. */
extern const struct scene scenes[];

#endif
