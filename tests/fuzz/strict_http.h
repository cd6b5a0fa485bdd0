/* SPDX-License-Identifier: MIT */
/* A second opinion on where HTTP requests begin and end: the narrowest reading of RFC
 * 9112, as of a proxy that forwards nothing doubtful. For the fuzzer: what our door
 * serves, this reads as the same request, or one could hide inside another. */
#ifndef LEAT_TESTS_FUZZ_STRICT_HTTP_H
#define LEAT_TESTS_FUZZ_STRICT_HTTP_H

#include "base/buf.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct strict_request {
    struct bytes method, target;
    struct buf body;
    size_t length;
    int lengths, codings, hosts, is_1_0;
    int is_unread; /* for who reads the answers: none that one could read was there */
};

/* Cut off what stands before `mark`. Returns 0, or -1 when there is no mark. */
static inline int strict_cut(struct bytes *rest, const char *mark, struct bytes *out)
{
    const char *at =
        rest->len > 0 ? memmem(rest->at, rest->len, mark, strlen(mark)) : NULL;
    if (at == NULL)
        return -1;
    *out = (struct bytes){rest->at, (size_t)(at - rest->at)};
    rest->len -= out->len + strlen(mark);
    rest->at = at + strlen(mark);
    return 0;
}

static inline int strict_is_visible(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
            return 0;
    return text.len > 0;
}

static inline int strict_number(struct bytes text, int base, size_t *out)
{
    char digits[16] = "", *end;
    if (text.len == 0 || text.len >= sizeof digits || !isxdigit((unsigned char)*text.at))
        return -1;
    memcpy(digits, text.at, text.len);
    *out = strtoul(digits, &end, base);
    return *end == '\0' && strncasecmp(digits, "0x", 2) != 0 ? 0 : -1;
}

static inline int strict_line(struct strict_request *request, struct bytes line)
{
    if (strict_cut(&line, " ", &request->method) != 0 ||
        strict_cut(&line, " ", &request->target) != 0)
        return -1;
    request->is_1_0 = bytes_is(line, "HTTP/1.0");
    return strict_is_visible(request->method) && strict_is_visible(request->target) &&
                   line.len == 8 && memcmp(line.at, "HTTP/1.", 7) == 0 &&
                   isdigit((unsigned char)line.at[7])
               ? 0
               : -1;
}

static inline struct bytes strict_trim(struct bytes value)
{
    while (value.len > 0 && (*value.at == ' ' || *value.at == '\t'))
        value = (struct bytes){value.at + 1, value.len - 1};
    while (value.len > 0 &&
           (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\t'))
        value.len--;
    return value;
}

static inline int strict_is_text(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.at[i] < ' ' && value.at[i] != '\t') ||
            value.at[i] == 0x7f)
            return 0;
    return 1;
}

static inline int strict_named(struct bytes name, const char *want)
{
    return name.len == strlen(want) && strncasecmp(name.at, want, name.len) == 0;
}

static inline int strict_header(struct strict_request *request, struct bytes line)
{
    struct bytes name;
    if (strict_cut(&line, ":", &name) != 0 || !strict_is_visible(name))
        return -1;
    struct bytes value = strict_trim(line);
    request->hosts += strict_named(name, "Host");
    if (strict_named(name, "Content-Length")) {
        request->lengths++;
        if (strict_number(value, 10, &request->length) != 0)
            return -1;
    }
    if (strict_named(name, "Transfer-Encoding")) {
        request->codings++;
        if (!strict_named(value, "chunked"))
            return -1;
    }
    return strict_is_text(value) ? 0 : -1;
}

/* What the door cannot see, beside NULs, since the library forgets it (see framing.h):
 * the headers end with a colon and a newline, instead of CR LF. */
static inline int strict_is_odd_end(struct bytes rest)
{
    return rest.len >= 2 && rest.at[0] == ':' &&
           (rest.at[1] == '\n' ||
            (rest.at[1] == '\r' && (rest.len == 2 || rest.at[2] != '\n')));
}

static inline int strict_head(struct strict_request *request, struct bytes *rest)
{
    struct bytes line;
    if (strict_cut(rest, "\r\n", &line) != 0 || strict_line(request, line) != 0)
        return -1;
    for (;;) {
        if (strict_is_odd_end(*rest)) {
            *rest = (struct bytes){rest->at + 2, rest->len - 2};
            break;
        }
        if (strict_cut(rest, "\r\n", &line) != 0)
            return -1;
        if (line.len == 0)
            break;
        if (strict_header(request, line) != 0)
            return -1;
    }
    return request->lengths + request->codings <= 1 && request->hosts <= 1 &&
                   (request->hosts == 1 || request->is_1_0)
               ? 0
               : -1;
}

static inline int strict_piece(struct strict_request *request, struct bytes *rest,
                               size_t len)
{
    if (len > rest->len)
        return -1;
    buf_add(&request->body, rest->at, len);
    *rest = (struct bytes){rest->at + len, rest->len - len};
    return 0;
}

static inline int strict_chunks(struct strict_request *request, struct bytes *rest)
{
    struct bytes line, size;
    size_t len;
    do {
        if (strict_cut(rest, "\r\n", &line) != 0)
            return -1;
        if (strict_cut(&line, ";", &size) != 0)
            size = line;
        if (strict_number(size, 16, &len) != 0 || strict_piece(request, rest, len) != 0)
            return -1;
        if (len > 0 && (strict_cut(rest, "\r\n", &line) != 0 || line.len != 0))
            return -1;
    } while (len > 0);
    do { /* trailers */
        if (strict_cut(rest, "\r\n", &line) != 0)
            return -1;
    } while (line.len > 0);
    return 0;
}

/* Skip empty lines in front of a request, as the library does. */
static inline void strict_skip(struct bytes *rest)
{
    struct bytes line, after = *rest;
    while (strict_cut(&after, "\n", &line) == 0 &&
           (line.len == 0 || bytes_is(line, "\r")))
        *rest = after;
}

enum strict_end {
    STRICT_WHOLE,
    STRICT_NONE,   /* no request, or not whole */
    STRICT_CHUNKS, /* its head is one, its chunks are not */
};

/* Take the next request off `rest`. */
static inline enum strict_end strict_next(struct strict_request *request,
                                          struct bytes *rest)
{
    *request = (struct strict_request){.length = 0};
    if (strict_head(request, rest) != 0)
        return STRICT_NONE;
    if (request->codings > 0)
        return strict_chunks(request, rest) == 0 ? STRICT_WHOLE : STRICT_CHUNKS;
    return strict_piece(request, rest, request->length) == 0 ? STRICT_WHOLE : STRICT_NONE;
}

#endif
