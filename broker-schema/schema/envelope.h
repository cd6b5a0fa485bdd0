/* SPDX-License-Identifier: MIT */
/* A job as its producer wrote it: one JSON object, version 1. Reading borrows from the
 * payload's bytes; the payload is never written again. */
#ifndef LEAT_SCHEMA_ENVELOPE_H
#define LEAT_SCHEMA_ENVELOPE_H

#include "base/err.h"
#include "base/buf.h"
#include "schema/backoff.h"
#include "schema/members.h"

/* The newest that is read. Version 2 has `then`. */
enum { ENVELOPE_VERSION = 2 };

struct envelope {
    int64_t version;
    struct bytes type;
    struct bytes args;     /* raw JSON */
    struct bytes id;       /* the producer's label; may be empty */
    struct bytes retry;    /* raw JSON object, or empty: the type's own policy */
    int64_t timeout_ms;    /* 0: the type's own */
    int64_t expires_at_ms; /* 0: never */
    int track;
    struct bytes traceparent, tracestate;
    struct bytes then; /* raw JSON object, or empty: what follows (then.h) */
};

/* Can a job's type, or its id, be this text, of so many bytes at most? */
int envelope_is_name(const char *text, size_t bytes_max);

/* Read and check a payload. The views borrow from it, or from the arena.
 * Errors: LEAT_EDATA, naming field, limit and value; such a payload belongs in
 * quarantine. */
int envelope_read(struct envelope *envelope, struct bytes payload, struct arena *arena,
                  struct err *err);

/* Read the fields of a payload that is indexed already, but for the chain of `then`.
 * Errors: as envelope_read(). */
int envelope_fields(struct envelope *envelope, const struct members *members,
                    struct arena *arena, struct err *err);

/* The policy a job retries by: `fallback` with what its `retry` field says on top.
 * Errors: LEAT_EDATA. */
int envelope_backoff(const struct envelope *envelope, const struct backoff *fallback,
                     struct backoff *out, struct err *err);

/* What a producer may set when it builds an envelope. Empty and zero fields are left
 * out. */
struct envelope_draft {
    const char *type;
    const char *id;
    struct bytes args;   /* raw JSON */
    int64_t retries_max; /* -1: the type's own */
    int64_t timeout_ms;
    int track;
    struct bytes then; /* raw JSON */
};

/* Append the JSON of a draft. The result still has to pass envelope_read(). */
void envelope_write(struct buf *out, const struct envelope_draft *draft);

#endif
