/* SPDX-License-Identifier: MIT */
/* What stands in a list or a set: a payload, and in front of it, for a job that was
 * redelivered or scheduled, one line of our own:
 *
 *   R1 <iid> <deliveries> <fails>[ t=<first seen ms>][ e=<error>][ k=<slot>]…\n<payload>
 *
 * `iid` is always made by us, so equal payloads stay two jobs; `deliveries` counts
 * crashes, `fails` handler errors. Tokens this version does not know are kept while the
 * line has room for them. */
#ifndef LEAT_SCHEMA_ENTRY_H
#define LEAT_SCHEMA_ENTRY_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct entry {
    struct bytes iid; /* empty: the entry is bare */
    int64_t deliveries, fails;
    int64_t first_seen_ms; /* 0: not known */
    struct bytes error;    /* as it stands, percent-escaped */
    struct bytes slot;
    struct bytes tokens; /* everything behind <fails>, as it stands */
    struct bytes payload;
};

/* Split an entry. Everything borrows from `raw`. Returns 0, or -1 when it begins with `R1
 * ` but is no header: such bytes are nobody's job. */
int entry_read(struct entry *entry, struct bytes raw);

/* Record why entry_read() refused `raw`. Returns LEAT_EDATA. */
int entry_refuse(struct bytes raw, struct err *err);

/* Append a header without its newline: the fields of `entry`, with `error` (plain text,
 * cut at LIMIT_ERROR_BYTES) instead of the one it has when that is not NULL. */
void entry_write_header(struct buf *out, const struct entry *entry, const char *error);

/* Append the plain text of an escaped error. */
void entry_decode_error(struct buf *out, struct bytes error);

#endif
