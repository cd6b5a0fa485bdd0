/* SPDX-License-Identifier: MIT */
/* The fields of one JSON object, as views of its bytes: no tree, no copy. One pass over
 * the text judges and indexes what nearly every job looks like; anything unusual (\u
 * escapes, huge numbers, exponents, many keys, errors of any kind) is judged by jansson
 * first and then only indexed. A differential fuzz test holds both to one verdict. */
#ifndef LEAT_SCHEMA_MEMBERS_H
#define LEAT_SCHEMA_MEMBERS_H

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>

enum { MEMBERS_MAX = 64 };

enum member_kind {
    MEMBER_STRING,
    MEMBER_INT,
    MEMBER_REAL,
    MEMBER_OBJECT,
    MEMBER_ARRAY,
    MEMBER_TRUE,
    MEMBER_FALSE,
    MEMBER_NULL,
};

struct member {
    struct bytes key; /* without quotes; escaped when key_escaped */
    struct bytes raw; /* the value as it stands, with its quotes or brackets */
    enum member_kind kind;
    unsigned char escaped, key_escaped;
};

struct members {
    int count;
    struct member at[MEMBERS_MAX];
};

/* Index the fields of one JSON object. The views borrow from `json`.
 * Errors: LEAT_EDATA when it is no JSON object by json_check_object(), or has more than
 * MEMBERS_MAX fields; a key that is written with escapes counts, but is never found. */
int members_read(struct members *members, struct bytes json, struct err *err);

/* The quick pass alone: 0 when `json` is surely an object that jansson would accept too,
 * -1 when jansson must be asked. */
int members_scan(struct members *members, struct bytes json);

/* Index an object that stands in a text which members_read() accepted: nothing is judged
 * again. Errors: LEAT_EDATA when it has more than MEMBERS_MAX fields. */
int members_index(struct members *members, struct bytes object, struct err *err);

/* A walk over an array or object, however long, in a text that members_read()
 * accepted. */
struct members_walk {
    struct bytes rest;
    int in_object;
};

/* Begin at the first item of an array or object as it stands; anything else has none. */
void members_walk(struct members_walk *walk, struct bytes raw);

/* Step to the next item or field; an item has no key. Returns 0 behind the last. */
int members_next(struct members_walk *walk, struct member *out);

/* The field of that name, or NULL. */
const struct member *members_find(const struct members *members, const char *name);

/* The same for one name after the other: they are looked for where the last was found,
 * for most writers keep to one order. `*place` begins as 0. */
const struct member *members_find_next(const struct members *members, const char *name,
                                       int *place);

/* A string's decoded value: borrowed, or in the arena when it was written with escapes.
 * Returns 0, or -1 when the field is no string. */
int member_text(const struct member *member, struct arena *arena, struct bytes *out);

/* A field's decoded name: borrowed, or in the arena when it was written with escapes. */
struct bytes member_key(const struct member *member, struct arena *arena);

/* An integer's value. Returns 0, or -1 when the field is no integer in int64. */
int member_int(const struct member *member, int64_t *out);

#endif
