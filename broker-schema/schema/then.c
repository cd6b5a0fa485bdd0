/* SPDX-License-Identifier: MIT */
#include "schema/then.h"
#include "base/buf.h"
#include "schema/envelope.h"
#include "schema/limits.h"

#include <string.h>

static int begins_with(struct bytes text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && memcmp(text.at, word, len) == 0;
}

static struct bytes skip(struct bytes text, size_t len)
{
    return (struct bytes){text.at + len, text.len - len};
}

/* ---- strings in args --------------------------------------------------------------- */

/* The end of the string that begins at `at`, behind its quote. */
static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

/* A string with a colon behind it is a key. */
static int is_key(const char *behind, const char *end)
{
    while (behind < end && strchr(" \t\r\n", *behind) != NULL)
        behind++;
    return behind < end && *behind == ':';
}

/* How long is the `$` that a string begins with, its quote left out? 0 for none. */
static size_t dollar_len(struct bytes string)
{
    struct bytes text = skip(string, 1);
    return begins_with(text, "$") ? 1 : begins_with(text, "\\u0024") ? 6 : 0;
}

/* Take from JSON that is known to be good what stands before the next string that begins
 * with `$` and is no key, and that string. Returns 0 when there is none: all is
 * `before`. */
static int take_string(struct bytes *rest, struct bytes *before, struct bytes *string)
{
    const char *end = rest->at + rest->len, *at = rest->at;
    while (at < end && (at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        const char *behind = string_end(at, end);
        *string = (struct bytes){at, (size_t)(behind - at)};
        if (dollar_len(*string) > 0 && !is_key(behind, end)) {
            *before = (struct bytes){rest->at, (size_t)(at - rest->at)};
            *rest = (struct bytes){behind, (size_t)(end - behind)};
            return 1;
        }
        at = behind;
    }
    *before = *rest;
    return 0;
}

/* ---- what they stand for ----------------------------------------------------------- */

enum meaning { MEANS_ITSELF, MEANS_ITS_TAIL, MEANS_RESULT, MEANS_MEMBER };

/* `path` gets the names behind `$result.`, decoded, of MEANS_MEMBER. */
static enum meaning meaning_of(struct bytes string, struct arena *arena,
                               struct bytes *path)
{
    struct member member = {.raw = string,
                            .kind = MEMBER_STRING,
                            .escaped = memchr(string.at, '\\', string.len) != NULL};
    struct bytes text;
    if (member_text(&member, arena, &text) != 0)
        return MEANS_ITSELF;
    if (bytes_is(text, "$result"))
        return MEANS_RESULT;
    if (begins_with(text, "$result.")) {
        *path = skip(text, strlen("$result."));
        return MEANS_MEMBER;
    }
    if (!begins_with(text, "$$"))
        return MEANS_ITSELF;
    while (begins_with(text, "$$"))
        text = skip(text, 1);
    return begins_with(text, "$result") ? MEANS_ITS_TAIL : MEANS_ITSELF;
}

/* Find the field in a value of any kind; `value` becomes the field's. Returns 0 or -1. */
static int step_into(struct bytes *value, struct bytes name)
{
    struct arena scratch = {0};
    struct members_walk walk;
    struct member field;
    int found = 0;
    members_walk(&walk, *value);
    while (!found && walk.in_object && members_next(&walk, &field)) {
        found = bytes_equal(member_key(&field, &scratch), name);
        arena_reset(&scratch);
    }
    if (found)
        *value = field.raw;
    arena_fini(&scratch);
    return found ? 0 : -1;
}

static struct bytes member_of(struct bytes result, struct bytes path)
{
    for (;;) {
        const char *dot = memchr(path.at, '.', path.len);
        size_t len = dot != NULL ? (size_t)(dot - path.at) : path.len;
        if (step_into(&result, (struct bytes){path.at, len}) != 0)
            return bytes_of("null");
        if (dot == NULL)
            return result;
        path = skip(path, len + 1);
    }
}

/* ---- checking ---------------------------------------------------------------------- */

/* Each is looked up in a result, which may be large. */
static int check_placeholders(struct bytes args, struct arena *arena, struct err *err)
{
    struct bytes before, string, path;
    int count = 0;
    while (take_string(&args, &before, &string))
        if (meaning_of(string, arena, &path) >= MEANS_RESULT &&
            ++count > LIMIT_PLACEHOLDERS)
            return err_set(err, LEAT_EDATA, "'args' use the result more than %d times",
                           LIMIT_PLACEHOLDERS);
    return LEAT_OK;
}

static int check_one(struct bytes then, struct envelope *out, struct arena *arena,
                     struct err *err)
{
    struct members members;
    struct follow_up unused = {0};
    int code = members_index(&members, then, err);
    if (code == LEAT_OK)
        code = envelope_fields(out, &members, arena, err);
    if (code == LEAT_OK)
        code = follow_up_target(&unused, &members, arena, err);
    return code == LEAT_OK ? check_placeholders(out->args, arena, err) : code;
}

/* Each step looks at all that is left of the chain, so it must not be long. */
int then_check(struct bytes then, struct arena *arena, struct err *err)
{
    struct envelope next;
    for (int count = 1; then.len > 0; then = next.then, count++) {
        struct err why = {0};
        if (count > LIMIT_THENS)
            return err_set(err, LEAT_EDATA, "'then' stands in itself more than %d times",
                           LIMIT_THENS);
        if (check_one(then, &next, arena, &why) != LEAT_OK)
            return err_set(err, LEAT_EDATA, "'then': %s", why.text);
    }
    return LEAT_OK;
}

/* ---- making ------------------------------------------------------------------------ */

static int append(struct buf *out, struct bytes piece, struct err *err)
{
    if (out->len + piece.len > LIMIT_PAYLOAD_BYTES)
        return err_set(err, LEAT_EDATA,
                       "with the result it has more than %d bytes, the limit",
                       LIMIT_PAYLOAD_BYTES);
    buf_add(out, piece.at, piece.len);
    return LEAT_OK;
}

static int append_string(struct buf *out, struct bytes string, struct bytes result,
                         struct arena *arena, struct err *err)
{
    struct bytes path;
    switch (meaning_of(string, arena, &path)) {
    case MEANS_ITSELF: return append(out, string, err);
    case MEANS_ITS_TAIL:
        buf_addc(out, '"');
        return append(out, skip(string, 1 + dollar_len(string)), err);
    case MEANS_RESULT:
        return append(out, result.len > 0 ? result : bytes_of("null"), err);
    case MEANS_MEMBER: return append(out, member_of(result, path), err);
    }
    return LEAT_EBUG;
}

static int append_args(struct buf *out, struct bytes args, struct bytes result,
                       struct arena *arena, struct err *err)
{
    struct bytes before, string;
    int code = LEAT_OK;
    while (code == LEAT_OK && take_string(&args, &before, &string)) {
        code = append(out, before, err);
        if (code == LEAT_OK)
            code = append_string(out, string, result, arena, err);
    }
    return code == LEAT_OK ? append(out, before, err) : code;
}

/* Append the `then` with other args; every byte outside of them stays. */
static int fill(struct buf *out, struct bytes then, struct bytes result,
                struct arena *arena, struct err *err)
{
    struct members members;
    int code = members_read(&members, then, err);
    if (code != LEAT_OK)
        return code;
    const struct member *args = members_find(&members, "args");
    if (args == NULL)
        return append(out, then, err);
    size_t ahead = (size_t)(args->raw.at - then.at);
    code = append(out, (struct bytes){then.at, ahead}, err);
    if (code == LEAT_OK)
        code = append_args(out, args->raw, result, arena, err);
    if (code == LEAT_OK)
        code = append(out, skip(then, ahead + args->raw.len), err);
    return code;
}

int then_make(struct follow_up *out, struct bytes then, struct bytes result,
              struct arena *arena, struct err *err)
{
    struct buf filled = {0};
    int code = fill(&filled, then, result, arena, err);
    if (code == LEAT_OK) {
        struct bytes json = {arena_dup(arena, buf_bytes(&filled)), filled.len};
        code = follow_up_read(out, json, arena, err);
    }
    buf_fini(&filled);
    return code;
}
