/* SPDX-License-Identifier: MIT */
/* One line of a queue's log of failures, `:fail`, as SETTLE writes it:
 *
 *     <at ms> <letter> <bytes of the payload>[ <of stdout> <of stderr>]\n
 *     <header>\n
 *     <payload, at most 1,024 bytes><stdout><stderr>
 *
 * It tells of a run that failed, and what its program wrote last, if it wrote anything;
 * the job itself is elsewhere by now. Pure. */
#ifndef LEAT_SCHEMA_FAILURE_H
#define LEAT_SCHEMA_FAILURE_H

#include "schema/entry.h"
#include "schema/envelope.h"

enum { FAILURES_KEPT = 1000 };

struct failure {
    int64_t at_ms; /* Redis TIME; of a death, the score in `:dead` */
    int is_death;  /* else it runs again */
    int64_t payload_bytes;
    int is_cut;         /* `entry.payload` is only the beginning, of whole characters */
    struct bytes raw;   /* the entry as far as it was kept: all of it, unless cut */
    struct entry entry; /* with the header that the job got */
    struct bytes out, err; /* the tails of both streams: any bytes */
};

/* Split a record. Everything borrows from `record`. Returns 0, or -1 when it is none. */
int failure_read(struct failure *failure, struct bytes record);

/* Read the job's type and id, also of a payload that was cut, as far as they stand in
 * what is left of it; empty where nothing was found. Borrows from the payload, or from
 * the arena. */
void failure_name(const struct failure *failure, struct arena *arena, struct bytes *type,
                  struct bytes *id);

#endif
