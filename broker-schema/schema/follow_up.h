/* SPDX-License-Identifier: MIT */
/* A job that follows another: pushed by the step that ends the other one, because its
 * handler said so (`push` of an answer) or its producer (`then` of the envelope). It is
 * written as a payload with three members more, which say where it goes and when. */
#ifndef LEAT_SCHEMA_FOLLOW_UP_H
#define LEAT_SCHEMA_FOLLOW_UP_H

#include "base/err.h"
#include "base/mem.h"
#include "schema/members.h"

#include <stdint.h>

struct follow_up {
    struct bytes queue;   /* empty: the queue of the job that it follows */
    int64_t in_ms, at_ms; /* at most one of them is given; 0: now */
    struct bytes payload;
    struct bytes tracked_id; /* under which its record is kept; empty: none is */
};

/* Read a follow-up: take `queue`, `in_ms` and `at_ms` out, keep the bytes of all other
 * members, add a UUIDv7 as `id` if there is none, and check what came of it as
 * envelope_read() does. Owns: the arena; the queue may borrow from `json`.
 * Errors: LEAT_EDATA. */
int follow_up_read(struct follow_up *out, struct bytes json, struct arena *arena,
                   struct err *err);

/* Read only where it goes and when, from members that are indexed already; the payload is
 * left alone. Errors: LEAT_EDATA. */
int follow_up_target(struct follow_up *out, const struct members *members,
                     struct arena *arena, struct err *err);

#endif
