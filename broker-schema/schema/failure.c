/* SPDX-License-Identifier: MIT */
#include "schema/failure.h"
#include "base/text.h"

#include <string.h>

/* ---- a record ---------------------------------------------------------------------- */

/* Split off what stands in front of the first `end`. Returns 0, or -1 when there is
 * none. */
static int take_until(struct bytes *rest, char end, struct bytes *out)
{
    const char *found = rest->len > 0 ? memchr(rest->at, end, rest->len) : NULL;
    if (found == NULL)
        return -1;
    *out = (struct bytes){rest->at, (size_t)(found - rest->at)};
    rest->len -= out->len + 1;
    rest->at = found + 1;
    return 0;
}

/* The script counts bytes: its cut may go through the last character. */
static struct bytes whole_characters(struct bytes text)
{
    static const size_t longest = 4;
    for (size_t back = 1; back < longest && back <= text.len; back++) {
        unsigned char c = (unsigned char)text.at[text.len - back];
        size_t length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        if (length > back)
            text.len -= back;
        if (c < 0x80 || c >= 0xc0)
            break;
    }
    return text;
}

/* Take so many bytes, written as a number, off the end of `rest`. */
static int take_last(struct bytes *rest, struct bytes number, struct bytes *out)
{
    int64_t len;
    if (text_to_int(number, &len) != 0 || len < 0 || (uint64_t)len > rest->len)
        return -1;
    rest->len -= (size_t)len;
    *out = (struct bytes){rest->at + rest->len, (size_t)len};
    return 0;
}

static int take_tails(struct failure *failure, struct bytes *rest, struct bytes lengths)
{
    struct bytes out;
    if (take_until(&lengths, ' ', &out) != 0 ||
        take_last(rest, lengths, &failure->err) != 0)
        return -1;
    return take_last(rest, out, &failure->out);
}

static int read_first_line(struct failure *failure, struct bytes *rest)
{
    struct bytes line, at, letter, payload;
    if (take_until(rest, '\n', &line) != 0 || take_until(&line, ' ', &at) != 0 ||
        take_until(&line, ' ', &letter) != 0)
        return -1;
    int has_tails = take_until(&line, ' ', &payload) == 0;
    if (text_to_int(at, &failure->at_ms) != 0 ||
        text_to_int(has_tails ? payload : line, &failure->payload_bytes) != 0 ||
        (has_tails && take_tails(failure, rest, line) != 0))
        return -1;
    failure->is_death = bytes_is(letter, "d");
    return failure->is_death || bytes_is(letter, "r") ? 0 : -1;
}

int failure_read(struct failure *failure, struct bytes record)
{
    static const struct bytes nothing = {"", 0};
    struct failure read = {.out = nothing, .err = nothing};
    if (read_first_line(&read, &record) != 0)
        return -1;
    read.raw = record;
    if (entry_read(&read.entry, record) != 0 || read.entry.iid.len == 0)
        return -1;
    read.is_cut = read.payload_bytes > (int64_t)read.entry.payload.len;
    if (read.is_cut)
        read.entry.payload = whole_characters(read.entry.payload);
    *failure = read;
    return 0;
}

/* ---- a payload that was cut -------------------------------------------------------- */

/* The string that begins at json[*at], without its quotes; `*at` moves behind it. Returns
 * 0, or -1 when it does not end. */
static int take_string(struct bytes json, size_t *at, struct bytes *out)
{
    size_t from = *at + 1;
    for (size_t i = from; i < json.len; i++) {
        if (json.at[i] == '\\') {
            i++;
        } else if (json.at[i] == '"') {
            *out = (struct bytes){json.at + from, i - from};
            *at = i + 1;
            return 0;
        }
    }
    return -1;
}

static size_t skip(struct bytes json, size_t at, const char *what)
{
    while (at < json.len && json.at[at] != '\0' && strchr(what, json.at[at]) != NULL)
        at++;
    return at;
}

/* The value of a field of the outermost object that is a string without escapes. */
static struct bytes find_text(struct bytes json, const char *name)
{
    static const char blank[] = " \t\r\n";
    int depth = 0;
    for (size_t at = 0; at < json.len;) {
        struct bytes key, value;
        char c = json.at[at];
        if (c != '"') {
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
            at++;
            continue;
        }
        if (take_string(json, &at, &key) != 0)
            break;
        size_t behind = skip(json, at, blank);
        if (depth != 1 || !bytes_is(key, name) || behind == json.len ||
            json.at[behind] != ':')
            continue;
        at = skip(json, behind + 1, blank);
        if (at < json.len && json.at[at] == '"' && take_string(json, &at, &value) == 0 &&
            (value.len == 0 || memchr(value.at, '\\', value.len) == NULL))
            return value;
        break;
    }
    return (struct bytes){"", 0};
}

void failure_name(const struct failure *failure, struct arena *arena, struct bytes *type,
                  struct bytes *id)
{
    struct envelope job = {0};
    if (!failure->is_cut &&
        envelope_read(&job, failure->entry.payload, arena, NULL) == 0) {
        *type = job.type;
        *id = job.id;
        return;
    }
    *type = find_text(failure->entry.payload, "type");
    *id = find_text(failure->entry.payload, "id");
}
