/* SPDX-License-Identifier: MIT */
/* A job as the JSON API shows it, whichever state it rests in: one row a state says where
 * its entries are walked and how one is read. What a stranger wrote is shown as text and
 * nothing else: controls, changes of direction and what is no UTF-8 are escaped visibly;
 * in what a program wrote, whose lines matter, only by JSON's own escapes. Pure. */
#ifndef LEAT_DASHBOARD_JOB_JSON_H
#define LEAT_DASHBOARD_JOB_JSON_H

#include "broker/resting.h"

enum {
    JOB_JSON_EXCERPT_BYTES = 1024, /* of a payload, in lists */
    JOB_JSON_UNKNOWN = -1,         /* a number that is left out */
};

/* What is known of a job. Texts that are empty and numbers that are unknown are left
 * out. */
struct job_facts {
    struct bytes handle; /* by which a person names it */
    struct bytes iid, id, type;
    int64_t at_ms, due_ms; /* died or failed; runs next */
    const char *outcome;   /* of a failed run: retry or dead; or NULL */
    int64_t deliveries, fails;
    struct bytes error;    /* plain text; of a quarantined entry, why it is no job */
    struct bytes out, err; /* of a failed run, the last it wrote to stdout and stderr */
    struct bytes payload;
    int64_t payload_bytes;
    /* The entry that is in `:dead` if the job still is; empty when that cannot be
     * asked. */
    struct bytes dead_raw;
};

struct job_state {
    const char *name;
    enum walk_source source;
    /* Returns 0, or -1 for an entry that is not of this state. */
    int (*read)(struct job_facts *facts, struct bytes raw, int64_t at_ms,
                struct arena *arena);
};

/* The state of that name, or NULL. */
const struct job_state *job_state_find(const char *name);

/* Read a dead job or a quarantined entry, or another entry by its state's `read`.
 * Everything borrows from the entry, or from the arena. */
void job_facts_resting(struct job_facts *facts, const struct resting *resting,
                       struct arena *arena);

/* Append the members of the object, without its braces and without the handle; of the
 * payload at most so many bytes. */
void job_json_members(struct buf *out, const struct job_facts *facts, size_t payload_max);

/* Append the member `"handle":…,`, or nothing when there is no handle. */
void job_json_handle(struct buf *out, struct bytes handle);

#endif
