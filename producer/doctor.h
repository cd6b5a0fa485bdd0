/* SPDX-License-Identifier: MIT */
/* The checks of `leat doctor`. Each looks at one thing and says what it found, in one
 * line or more; nothing is changed. */
#ifndef LEAT_PRODUCER_DOCTOR_H
#define LEAT_PRODUCER_DOCTOR_H

#include "base/table.h"
#include "broker/client.h"
#include "broker/overview.h"

enum finding {
    FINDING_OK,
    FINDING_WARN,
    FINDING_FAIL,
    FINDING_CONFIG, /* a FAIL that Redis' configuration is the reason of */
    FINDING_COUNT,
};

struct doctor {
    struct client client;
    struct bytes info; /* the text of INFO, in the arena */
    struct overview overview;
    struct arena arena;
    struct table table;
    int seen[FINDING_COUNT];
};

/* Say what a check found, and what to do about it. */
void doctor_say(struct doctor *doctor, enum finding finding, const char *check,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The server: version, settings, memory, persistence, clock, latency. */
void doctor_server(struct doctor *doctor);

/* Our keys: their types, what waits without a worker, what died. */
void doctor_queues(struct doctor *doctor);

#endif
