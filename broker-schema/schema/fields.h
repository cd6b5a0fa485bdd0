/* SPDX-License-Identifier: MIT */
/* Fields as tables: a row names a field of a JSON object, what it must be, its bounds,
 * and the member of a C struct that takes it. Envelope, retry policy and the args of the
 * built-in types are all read by one function, and every message names field, limit and
 * value. */
#ifndef LEAT_SCHEMA_FIELDS_H
#define LEAT_SCHEMA_FIELDS_H

#include "schema/members.h"

#include <stddef.h>

/*   type          member of the struct */
enum field_type {
    FIELD_TEXT,   /* struct bytes: decoded, min to max bytes long */
    FIELD_INT,    /* int64_t within [min, max] */
    FIELD_NUMBER, /* double within [min, max] */
    FIELD_BOOL,   /* int */
    FIELD_RAW,    /* struct bytes: any value, as it stands */
    FIELD_OBJECT, /* struct bytes: an object, as it stands */
    FIELD_ARRAY,  /* struct bytes: an array, as it stands */
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    int64_t min, max;
    int required;
    int (*allows)(unsigned char c); /* FIELD_TEXT: may it have this? NULL for any */
};

/* Store the fields that `rows` know; others are ignored, absent ones leave the target
 * alone. Text that was written with escapes is decoded into the arena.
 * Errors: LEAT_EDATA, naming the field, the limit and the value. */
int fields_read(const struct field *rows, size_t count, const struct members *members,
                struct arena *arena, void *target, struct err *err);

#endif
