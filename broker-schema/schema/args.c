/* SPDX-License-Identifier: MIT */
#include "schema/args.h"
#include "base/text.h"
#include "schema/fields.h"

#include <string.h>
#include <strings.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const struct field increment_rows[] = {
    {"counter", FIELD_TEXT, offsetof(struct increment_args, counter), 1,
     LIMIT_COUNTER_NAME_BYTES, 1, NULL},
    {"by", FIELD_INT, offsetof(struct increment_args, by), -LIMIT_BY, LIMIT_BY, 0, NULL},
};

int increment_args_read(struct increment_args *out, struct bytes args,
                        struct arena *arena, struct err *err)
{
    struct members members;
    struct increment_args read = {.by = 1};
    int code = members_read(&members, args, err);
    if (code == LEAT_OK)
        code = fields_read(increment_rows, COUNT(increment_rows), &members, arena, &read,
                           err);
    if (code == LEAT_OK)
        *out = read;
    return code;
}

struct refresh_fields {
    struct refresh_args args;
    struct bytes headers;
};

#define AT(member) offsetof(struct refresh_fields, args.member)

static const struct field refresh_rows[] = {
    {"url", FIELD_TEXT, AT(url), 1, LIMIT_URL_BYTES, 1, NULL},
    {"key", FIELD_TEXT, AT(key), 1, LIMIT_CACHE_KEY_BYTES, 0, NULL},
    {"max_age_ms", FIELD_INT, AT(max_age_ms), 0, LIMIT_DELAY_MS, 0, NULL},
    {"stale_max_ms", FIELD_INT, AT(stale_max_ms), 1000, LIMIT_DELAY_MS, 0, NULL},
    {"timeout_ms", FIELD_INT, AT(timeout_ms), 1, 600000, 0, NULL},
    {"headers", FIELD_OBJECT, offsetof(struct refresh_fields, headers), 0, 0, 0, NULL},
};

static int is_http(struct bytes url)
{
    return (url.len > 7 && strncasecmp(url.at, "http://", 7) == 0) ||
           (url.len > 8 && strncasecmp(url.at, "https://", 8) == 0);
}

/* A field name: the token of RFC 9110, section 5.6.2. */
static int is_header_name(struct bytes name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] == '\0' || strchr(allowed, name.at[i]) == NULL)
            return 0;
    return name.len > 0;
}

/* Headers that decide how the request is framed or cached are ours. */
static int is_ours(struct bytes name)
{
    static const char *const ours[] = {
        "host",       "content-length", "transfer-encoding", "connection",
        "te",         "trailer",        "upgrade",           "expect",
        "keep-alive", "if-none-match",  "if-modified-since", "range",
    };
    for (size_t i = 0; i < COUNT(ours); i++)
        if (strlen(ours[i]) == name.len && strncasecmp(ours[i], name.at, name.len) == 0)
            return 1;
    return 0;
}

static int has_control(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return 1;
    return 0;
}

enum { SHOWN_BYTES = 60 }; /* of what is refused */

/* Record `reason` and what it is about, made fit to be shown. */
static int refuse(struct err *err, const char *reason, struct bytes what)
{
    struct buf shown = {0};
    text_printable(&shown, what, SHOWN_BYTES);
    int code = err_set(err, LEAT_EDATA, "%s %s", reason, buf_text(&shown));
    buf_fini(&shown);
    return code;
}

static int read_header(const struct member *member, struct refresh_args *out,
                       struct arena *arena, struct err *err)
{
    struct bytes value;
    if (member->key_escaped || !is_header_name(member->key))
        return refuse(err, "'headers' has a name that is no header name:", member->key);
    if (is_ours(member->key))
        return refuse(err, "'headers' must not set", member->key);
    if (member_text(member, arena, &value) != 0 || has_control(value))
        return err_set(err, LEAT_EDATA, "'headers.%.*s' must be a string on one line",
                       (int)member->key.len, member->key.at);
    if (member->key.len + value.len > LIMIT_REQUEST_HEADER_BYTES)
        return err_set(err, LEAT_EDATA,
                       "'headers' has a line of %zu bytes, the limit is %d",
                       member->key.len + value.len, LIMIT_REQUEST_HEADER_BYTES);
    if (out->header_count == LIMIT_REQUEST_HEADERS)
        return err_set(err, LEAT_EDATA, "'headers' has more than %d lines",
                       LIMIT_REQUEST_HEADERS);
    out->headers[out->header_count++] =
        arena_printf(arena, "%.*s: %.*s", (int)member->key.len, member->key.at,
                     (int)value.len, value.at);
    return LEAT_OK;
}

static int read_headers(struct bytes raw, struct refresh_args *out, struct arena *arena,
                        struct err *err)
{
    struct members members;
    int code = members_read(&members, raw, err);
    for (int i = 0; code == LEAT_OK && i < members.count; i++)
        code = read_header(&members.at[i], out, arena, err);
    return code;
}

int refresh_args_read(struct refresh_args *out, struct bytes args, struct arena *arena,
                      struct err *err)
{
    struct members members;
    struct refresh_fields read = {.args = {.max_age_ms = 3600000,
                                           .stale_max_ms = INT64_C(604800000),
                                           .timeout_ms = 10000}};
    int code = members_read(&members, args, err);
    if (code == LEAT_OK)
        code =
            fields_read(refresh_rows, COUNT(refresh_rows), &members, arena, &read, err);
    if (code != LEAT_OK)
        return code;
    if (!is_http(read.args.url))
        return refuse(err, "'url' must begin with http:// or https://, not",
                      read.args.url);
    if (has_control(read.args.url))
        return refuse(err, "'url' has a control character:", read.args.url);
    if (read.args.key.len == 0)
        read.args.key = read.args.url;
    if (read.headers.len > 0)
        code = read_headers(read.headers, &read.args, arena, err);
    if (code == LEAT_OK)
        *out = read.args;
    return code;
}
