/* SPDX-License-Identifier: MIT */
#include "schema/members.h"
#include "base/text.h"
#include "schema/json.h"
#include "schema/limits.h"

#include <string.h>

enum {
    QUICK_KEYS = 16,   /* keys of one object that are compared pair by pair */
    QUICK_DIGITS = 18, /* surely fits an int64 */
};

/* A pass over a text. `judged`: jansson has accepted it, so only find the ends. */
struct scan {
    const char *at, *end;
    int judged;
};

static void skip_blank(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' ||
                                    *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

/* Is the next character `c`? Then step over it. */
static int accept(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return 0;
    scan->at++;
    return 1;
}

/* Step over a backslash and what it escapes. \u is left to jansson. */
static int scan_escape(struct scan *scan)
{
    if (scan->end - scan->at < 2)
        return -1;
    if (!scan->judged && strchr("\"\\/bfnrt", scan->at[1]) == NULL)
        return -1;
    if (scan->at[1] == '\0')
        return -1;
    scan->at += 2;
    return 0;
}

/* Step over a string; `*escaped` tells whether it holds a backslash. */
static int scan_string(struct scan *scan, unsigned char *escaped)
{
    if (!accept(scan, '"'))
        return -1;
    const char *start = scan->at;
    unsigned char high = 0;
    *escaped = 0;
    while (scan->at < scan->end && *scan->at != '"') {
        unsigned char c = (unsigned char)*scan->at;
        high |= c;
        if (c < 0x20)
            return -1;
        if (c == '\\') {
            *escaped = 1;
            if (scan_escape(scan) != 0)
                return -1;
        } else {
            scan->at++;
        }
    }
    struct bytes text = {start, (size_t)(scan->at - start)};
    if ((high & 0x80) != 0 && !scan->judged && !text_is_utf8(text))
        return -1;
    return accept(scan, '"') ? 0 : -1;
}

static size_t scan_digits(struct scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return (size_t)(scan->at - start);
}

static int is_number_char(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '+' ||
           c == '-';
}

static int scan_judged_number(struct scan *scan, enum member_kind *kind)
{
    *kind = MEMBER_INT;
    for (; scan->at < scan->end && is_number_char(*scan->at); scan->at++)
        if (*scan->at == '.' || *scan->at == 'e' || *scan->at == 'E')
            *kind = MEMBER_REAL;
    return 0;
}

/* Whole numbers of up to 18 digits and plain fractions; exponents may overflow. */
static int scan_number(struct scan *scan, enum member_kind *kind)
{
    if (scan->judged)
        return scan_judged_number(scan, kind);
    accept(scan, '-');
    const char *first = scan->at;
    size_t digits = scan_digits(scan);
    if (digits == 0 || digits > QUICK_DIGITS || (digits > 1 && *first == '0'))
        return -1;
    *kind = MEMBER_INT;
    if (accept(scan, '.')) {
        *kind = MEMBER_REAL;
        digits = scan_digits(scan);
        if (digits == 0 || digits > QUICK_DIGITS)
            return -1;
    }
    return scan->at < scan->end && is_number_char(*scan->at) ? -1 : 0;
}

static int scan_word(struct scan *scan, enum member_kind *kind)
{
    static const struct {
        const char *word;
        enum member_kind kind;
    } words[] = {{"true", MEMBER_TRUE}, {"false", MEMBER_FALSE}, {"null", MEMBER_NULL}};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i].word);
        if ((size_t)(scan->end - scan->at) < len ||
            memcmp(scan->at, words[i].word, len) != 0)
            continue;
        scan->at += len;
        *kind = words[i].kind;
        return 0;
    }
    return -1;
}

/* `depth` counts the brackets that are open around what is scanned. */
static int scan_value(struct scan *scan, int depth, struct member *member);

static int scan_array(struct scan *scan, int depth)
{
    scan->at++;
    skip_blank(scan);
    if (accept(scan, ']'))
        return 0;
    do {
        struct member item;
        skip_blank(scan);
        if (scan_value(scan, depth, &item) != 0)
            return -1;
        skip_blank(scan);
    } while (accept(scan, ','));
    return accept(scan, ']') ? 0 : -1;
}

static int scan_pair(struct scan *scan, int depth, struct member *member)
{
    skip_blank(scan);
    const char *start = scan->at + 1;
    if (scan_string(scan, &member->key_escaped) != 0)
        return -1;
    member->key = (struct bytes){start, (size_t)(scan->at - 1 - start)};
    skip_blank(scan);
    if (!accept(scan, ':'))
        return -1;
    skip_blank(scan);
    return scan_value(scan, depth, member);
}

static int has_key(const struct bytes *keys, int count, struct bytes key)
{
    for (int i = 0; i < count; i++)
        if (bytes_equal(keys[i], key))
            return 1;
    return 0;
}

/* Step over an object; `members` takes its fields, or is NULL inside a value. */
static int scan_object(struct scan *scan, int depth, struct members *members)
{
    struct bytes keys[QUICK_KEYS];
    int count = 0;
    scan->at++;
    skip_blank(scan);
    if (accept(scan, '}'))
        return 0;
    do {
        struct member own;
        struct member *member = members != NULL ? &members->at[members->count] : &own;
        if (members != NULL && members->count++ == MEMBERS_MAX)
            return -1;
        if (scan_pair(scan, depth, member) != 0)
            return -1;
        if (!scan->judged) {
            if (count == QUICK_KEYS || member->key_escaped ||
                has_key(keys, count, member->key))
                return -1;
            keys[count++] = member->key;
        }
        skip_blank(scan);
    } while (accept(scan, ','));
    return accept(scan, '}') ? 0 : -1;
}

static int scan_any(struct scan *scan, int depth, struct member *member)
{
    /* An empty bracket is as deep as a full one. */
    if (depth == LIMIT_PAYLOAD_DEPTH && (*scan->at == '{' || *scan->at == '['))
        return -1;
    switch (*scan->at) {
    case '"': member->kind = MEMBER_STRING; return scan_string(scan, &member->escaped);
    case '{': member->kind = MEMBER_OBJECT; return scan_object(scan, depth + 1, NULL);
    case '[': member->kind = MEMBER_ARRAY; return scan_array(scan, depth + 1);
    case 't':
    case 'f':
    case 'n': return scan_word(scan, &member->kind);
    default: return scan_number(scan, &member->kind);
    }
}

static int scan_value(struct scan *scan, int depth, struct member *member)
{
    const char *start = scan->at;
    member->escaped = 0;
    if (start == scan->end || scan_any(scan, depth, member) != 0)
        return -1;
    member->raw = (struct bytes){start, (size_t)(scan->at - start)};
    return 0;
}

static int scan_root(struct members *members, struct bytes json, int judged)
{
    struct scan scan = {json.at, json.at + json.len, judged};
    members->count = 0;
    skip_blank(&scan);
    if (scan.at == scan.end || *scan.at != '{' || scan_object(&scan, 1, members) != 0)
        return -1;
    skip_blank(&scan);
    return scan.at == scan.end ? 0 : -1;
}

int members_scan(struct members *members, struct bytes json)
{
    return scan_root(members, json, 0);
}

int members_read(struct members *members, struct bytes json, struct err *err)
{
    if (members_scan(members, json) == 0)
        return LEAT_OK;
    int code = json_check_object(json, err);
    if (code != LEAT_OK)
        return code;
    return members_index(members, json, err);
}

int members_index(struct members *members, struct bytes object, struct err *err)
{
    if (scan_root(members, object, 1) != 0)
        return err_set(err, LEAT_EDATA, "more than %d fields", MEMBERS_MAX);
    return LEAT_OK;
}

void members_walk(struct members_walk *walk, struct bytes raw)
{
    *walk = (struct members_walk){.in_object = raw.len > 0 && *raw.at == '{'};
    if (walk->in_object || (raw.len > 0 && *raw.at == '['))
        walk->rest = raw;
}

/* `rest` begins with the bracket or comma before the item. */
int members_next(struct members_walk *walk, struct member *out)
{
    if (walk->rest.len == 0)
        return 0;
    struct scan scan = {walk->rest.at + 1, walk->rest.at + walk->rest.len, 1};
    skip_blank(&scan);
    if (scan.at == scan.end || *scan.at == ']' || *scan.at == '}')
        return 0;
    if ((walk->in_object ? scan_pair(&scan, 1, out) : scan_value(&scan, 1, out)) != 0)
        return 0;
    skip_blank(&scan);
    walk->rest = (struct bytes){scan.at, (size_t)(scan.end - scan.at)};
    return 1;
}

const struct member *members_find(const struct members *members, const char *name)
{
    int place = 0;
    return members_find_next(members, name, &place);
}

/* This runs for every field of every job. */
const struct member *members_find_next(const struct members *members, const char *name,
                                       int *place)
{
    size_t len = strlen(name);
    for (int i = 0, at = *place; i < members->count; i++, at++) {
        if (at >= members->count)
            at = 0;
        const struct member *member = &members->at[at];
        if (member->key.len == len && memcmp(member->key.at, name, len) == 0) {
            *place = at + 1;
            return member;
        }
    }
    return NULL;
}

/* Decode a string with its quotes into the arena. */
static int decode(struct bytes quoted, struct arena *arena, struct bytes *out)
{
    struct buf decoded = {0};
    int failed = json_decode_string(quoted, &decoded);
    if (!failed)
        *out = (struct bytes){arena_dup(arena, buf_bytes(&decoded)), decoded.len};
    buf_fini(&decoded);
    return failed;
}

int member_text(const struct member *member, struct arena *arena, struct bytes *out)
{
    if (member->kind != MEMBER_STRING)
        return -1;
    if (member->escaped)
        return decode(member->raw, arena, out);
    *out = (struct bytes){member->raw.at + 1, member->raw.len - 2};
    return 0;
}

struct bytes member_key(const struct member *member, struct arena *arena)
{
    struct bytes key = member->key;
    if (member->key_escaped)
        decode((struct bytes){key.at - 1, key.len + 2}, arena, &key);
    return key;
}

int member_int(const struct member *member, int64_t *out)
{
    return member->kind == MEMBER_INT ? text_to_int(member->raw, out) : -1;
}
