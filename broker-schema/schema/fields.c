/* SPDX-License-Identifier: MIT */
#include "schema/fields.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 60 }; /* of a refused value */

static int refuse(struct err *err, const struct field *row, const struct member *member,
                  const char *reason)
{
    struct buf shown = {0};
    text_printable(&shown, member->raw, SHOWN_BYTES);
    int code =
        err_set(err, LEAT_EDATA, "'%s' %s, not %s", row->name, reason, buf_text(&shown));
    buf_fini(&shown);
    return code;
}

static int refuse_kind(struct err *err, const struct field *row,
                       const struct member *member)
{
    static const char *const wants[] = {
        [FIELD_TEXT] = "must be a string",   [FIELD_INT] = "must be an integer",
        [FIELD_NUMBER] = "must be a number", [FIELD_BOOL] = "must be true or false",
        [FIELD_RAW] = "must be a value",     [FIELD_OBJECT] = "must be an object",
        [FIELD_ARRAY] = "must be an array",
    };
    return refuse(err, row, member, wants[row->type]);
}

static int store_text(const struct field *row, const struct member *member,
                      struct arena *arena, struct bytes *target, struct err *err)
{
    struct bytes text;
    if (member_text(member, arena, &text) != 0)
        return refuse_kind(err, row, member);
    if ((int64_t)text.len < row->min || (int64_t)text.len > row->max)
        return err_set(err, LEAT_EDATA, "'%s' has %zu bytes, allowed are %lld to %lld",
                       row->name, text.len, (long long)row->min, (long long)row->max);
    if (row->allows != NULL)
        for (size_t i = 0; i < text.len; i++)
            if (!row->allows((unsigned char)text.at[i]))
                return refuse(err, row, member, "has a character that is not allowed");
    *target = text;
    return LEAT_OK;
}

static int store_int(const struct field *row, const struct member *member,
                     int64_t *target, struct err *err)
{
    int64_t number;
    if (member_int(member, &number) != 0)
        return refuse_kind(err, row, member);
    if (number < row->min || number > row->max)
        return err_set(err, LEAT_EDATA, "'%s' is %lld, allowed is %lld to %lld",
                       row->name, (long long)number, (long long)row->min,
                       (long long)row->max);
    *target = number;
    return LEAT_OK;
}

static int store_number(const struct field *row, const struct member *member,
                        double *target, struct err *err)
{
    if (member->kind != MEMBER_INT && member->kind != MEMBER_REAL)
        return refuse_kind(err, row, member);
    double number = strtod(member->raw.at, NULL);
    if (!(number >= (double)row->min && number <= (double)row->max))
        return err_set(err, LEAT_EDATA, "'%s' is %g, allowed is %lld to %lld", row->name,
                       number, (long long)row->min, (long long)row->max);
    *target = number;
    return LEAT_OK;
}

static int store_raw(const struct field *row, const struct member *member,
                     struct bytes *target, struct err *err)
{
    if ((row->type == FIELD_OBJECT && member->kind != MEMBER_OBJECT) ||
        (row->type == FIELD_ARRAY && member->kind != MEMBER_ARRAY))
        return refuse_kind(err, row, member);
    *target = member->raw;
    return LEAT_OK;
}

static int store(const struct field *row, const struct member *member,
                 struct arena *arena, void *at, struct err *err)
{
    switch (row->type) {
    case FIELD_TEXT: return store_text(row, member, arena, at, err);
    case FIELD_INT: return store_int(row, member, at, err);
    case FIELD_NUMBER: return store_number(row, member, at, err);
    case FIELD_BOOL:
        if (member->kind != MEMBER_TRUE && member->kind != MEMBER_FALSE)
            return refuse_kind(err, row, member);
        *(int *)at = member->kind == MEMBER_TRUE;
        return LEAT_OK;
    case FIELD_RAW:
    case FIELD_OBJECT:
    case FIELD_ARRAY: return store_raw(row, member, at, err);
    }
    return LEAT_EBUG;
}

int fields_read(const struct field *rows, size_t count, const struct members *members,
                struct arena *arena, void *target, struct err *err)
{
    int place = 0;
    for (size_t i = 0; i < count; i++) {
        const struct member *member = members_find_next(members, rows[i].name, &place);
        if (member == NULL) {
            if (!rows[i].required)
                continue;
            return err_set(err, LEAT_EDATA, "'%s' is missing", rows[i].name);
        }
        int code = store(&rows[i], member, arena, (char *)target + rows[i].offset, err);
        if (code != LEAT_OK)
            return code;
    }
    return LEAT_OK;
}
