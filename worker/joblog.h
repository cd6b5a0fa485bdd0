/* SPDX-License-Identifier: MIT */
/* What the log tells of a job, so that its life can be read back from its id: one line an
 * event, with the same fields in the same order for all of them. Events of slow jobs are
 * told at info, what went wrong at warn; instant jobs, of which there may be a million a
 * second, are told at debug. An end is told when Redis has answered it, never before.
 * docs/logs.md has the table for operators. */
#ifndef LEAT_WORKER_JOBLOG_H
#define LEAT_WORKER_JOBLOG_H

#include "base/log.h"

/*  event             level      message            tells besides the job itself */
#define JOBLOG_EVENTS(X)                                                                 \
    X(JOB_STARTED, LOG_INFO, "job started", 0)                                           \
    X(JOB_DONE, LOG_INFO, "job done", TELL_MS)                                           \
    X(JOB_COUNTED, LOG_DEBUG, "job done", 0)                                             \
    X(JOB_FRESH, LOG_INFO, "copy was fresh", 0)                                          \
    X(JOB_MERGED, LOG_INFO, "job merged", 0)                                             \
    X(JOB_BEHIND, LOG_INFO, "job waits for a flight", 0)                                 \
    X(JOB_OVERTAKEN, LOG_INFO, "job overtaken", TELL_MS)                                 \
    X(JOB_EXPIRED, LOG_WARN, "job expired", 0)                                           \
    X(JOB_FAILED, LOG_WARN, "job failed", TELL_MS | TELL_RETRY)                          \
    X(JOB_DIED, LOG_WARN, "job died", TELL_MS)                                           \
    X(JOB_REFUSED, LOG_WARN, "job died", 0)                                              \
    X(JOB_PUT_OFF, LOG_WARN, "job put off", TELL_RETRY)                                  \
    X(JOB_QUARANTINED, LOG_WARN, "quarantined", 0)                                       \
    X(JOB_LATER, LOG_INFO, "job runs again later", TELL_MS | TELL_RETRY)                 \
    X(JOB_CANCELLED, LOG_INFO, "job cancelled", TELL_MS)                                 \
    X(JOB_NO_SLOT, LOG_DEBUG, "job given back", 0)                                       \
    X(JOB_GIVEN_BACK, LOG_INFO, "job given back", TELL_MS)                               \
    X(JOB_ABANDONED, LOG_WARN, "job abandoned", TELL_MS)

enum joblog_event {
#define X(event, level, msg, tells) event,
    JOBLOG_EVENTS(X)
#undef X
};

/* All borrowed. What is empty is not known, and left out. */
struct joblog {
    const char *queue, *lease;
    struct bytes id, iid, type;
    int64_t deliveries, fails;
    int64_t ms, retry_in_ms;
    const char *err; /* NULL: none */
    /* The lease had ended when this end was sent: by the same command, sent before, whose
     * answer was lost; or it ran out, and the end did not come. */
    int unsure;
};

/* Tell it. */
void joblog_tell(enum joblog_event event, const struct joblog *job);

/* Events of one lease, to be told later. A flood must not become a flood of lines: behind
 * the first JOBLOG_LOUD_MAX of a level the others are told at debug, and of what went
 * wrong also how many they were. Of a long list, what went well is only told at debug. */
enum { JOBLOG_LOUD_MAX = 10 };

struct joblog_list {
    struct joblog_kept *first, *last; /* in the arena */
    int loud[LOG_ERROR + 1];          /* of each level, kept or not */
    int left_out;                     /* of what went wrong, told at debug */
    int is_long;
};

/* Keep one, if it will be told. Borrows what `job` points at but `err`. */
void joblog_keep(struct joblog_list *list, struct arena *arena, enum joblog_event event,
                 const struct joblog *job);

/* Tell them, in order. `unsure` goes to all. */
void joblog_tell_kept(const struct joblog_list *list, int unsure);

#endif
