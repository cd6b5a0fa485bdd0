/* SPDX-License-Identifier: MIT */
/* Waiting at a command line for tracked jobs to end. What goes on is told on stderr when
 * that is a terminal; ends are told to the caller. */
#ifndef LEAT_PRODUCER_WAITING_H
#define LEAT_PRODUCER_WAITING_H

#include "broker/client.h"
#include "broker/track.h"

/* How long Redis may be away before a wait ends with LEAT_ELINK: a large one needs
 * minutes to load its data. */
enum { WAITING_GIVE_UP_MS = 600000 };

struct waiting {
    const struct queue *queue;
    const char *const *ids;
    size_t count;       /* at most STREAM_WAITS_MAX */
    int any;            /* the first end is enough */
    int64_t timeout_ms; /* 0: as long as it takes */
    /* A job has ended; the record is borrowed. Called once for each. */
    void (*on_end)(void *arg, const char *id, const struct track_record *record);
    void *arg;
};

/* Wait until all have ended, or any. Without a time-out a job that Redis knows nothing of
 * is not waited for; for any of several as long as there is another.
 * Errors: LEAT_EUSAGE for an id; LEAT_ENO for a job without a record, with `any` when
 * none has one; LEAT_ETIMEOUT; what Redis or the link said. */
int waiting_wait(struct client *client, const struct waiting *waiting, struct err *err);

/* Wait for one job; print its result, or with `json` its record, on stdout, and how it
 * failed on stderr. Returns the exit status. */
int waiting_for_one(struct client *client, const struct queue *queue, const char *id,
                    int64_t timeout_ms, int json);

/* Print a line, for people or programs: newlines within JSON become blanks, and a
 * terminal is shown nothing that it would obey. */
void waiting_print(struct bytes line);

#endif
