/* SPDX-License-Identifier: MIT */
#include "schema/entry.h"
#include "base/text.h"
#include "schema/limits.h"

#include <string.h>

/* Room in a header for what scripts add to it: a slot, more deliveries, the newline. */
enum { SCRIPT_BYTES = LIMIT_SLOT_BYTES + 32 };

/* Take the next word of a line; its blank goes too. */
static struct bytes take_word(struct bytes *line)
{
    const char *blank = line->len > 0 ? memchr(line->at, ' ', line->len) : NULL;
    struct bytes word = {line->at,
                         blank != NULL ? (size_t)(blank - line->at) : line->len};
    size_t used = word.len + (blank != NULL);
    line->at += used;
    line->len -= used;
    return word;
}

static int is_token(struct bytes word, char letter)
{
    return word.len >= 2 && word.at[0] == letter && word.at[1] == '=';
}

static struct bytes token_value(struct bytes word)
{
    return (struct bytes){word.at + 2, word.len - 2};
}

/* A number without sign, as the scripts' `%d+` reads it. */
static int read_number(struct bytes word, int64_t max, int64_t *out)
{
    if (word.len == 0 || word.at[0] == '-' || text_to_int(word, out) != 0)
        return -1;
    return *out <= max ? 0 : -1;
}

static int read_tokens(struct entry *entry, struct bytes line)
{
    entry->tokens = line;
    while (line.len > 0) {
        struct bytes word = take_word(&line);
        if (is_token(word, 't') &&
            read_number(token_value(word), INT64_MAX, &entry->first_seen_ms) != 0)
            return -1;
        if (is_token(word, 'e'))
            entry->error = token_value(word);
        if (is_token(word, 'k'))
            entry->slot = token_value(word);
    }
    return entry->slot.len <= LIMIT_SLOT_BYTES ? 0 : -1;
}

int entry_read(struct entry *entry, struct bytes raw)
{
    *entry = (struct entry){.payload = raw};
    if (raw.len < 3 || memcmp(raw.at, "R1 ", 3) != 0)
        return 0;
    size_t window = raw.len < LIMIT_HEADER_BYTES ? raw.len : LIMIT_HEADER_BYTES;
    const char *newline = memchr(raw.at, '\n', window);
    if (newline == NULL)
        return -1;
    struct bytes line = {raw.at + 3, (size_t)(newline - raw.at) - 3};
    struct entry read = {
        .payload = {newline + 1, raw.len - (size_t)(newline + 1 - raw.at)}};
    read.iid = take_word(&line);
    if (read.iid.len == 0 || read.iid.len > LIMIT_LEASE_ID_BYTES ||
        read_number(take_word(&line), LIMIT_HEADER_COUNT, &read.deliveries) != 0 ||
        read_number(take_word(&line), LIMIT_HEADER_COUNT, &read.fails) != 0 ||
        read_tokens(&read, line) != 0)
        return -1;
    *entry = read;
    return 0;
}

int entry_refuse(struct bytes raw, struct err *err)
{
    enum { SHOWN_BYTES = 60 };
    struct buf shown = {0};
    text_printable(&shown, raw, SHOWN_BYTES);
    int code = err_set(err, LEAT_EDATA,
                       "the header must be R1 <iid> <deliveries> <fails>, in a line of "
                       "at most %d bytes, not %s",
                       LIMIT_HEADER_BYTES, buf_text(&shown));
    buf_fini(&shown);
    return code;
}

static int keep_plain(unsigned char c)
{
    return c > 0x20 && c < 0x7f;
}

/* Append an escaped error, cut at its limit but not in the middle of an escape. */
static void write_escaped(struct buf *out, struct bytes error)
{
    size_t len = error.len;
    if (len > LIMIT_ERROR_BYTES) {
        len = LIMIT_ERROR_BYTES;
        if (error.at[len - 1] == '%')
            len -= 1;
        else if (error.at[len - 2] == '%')
            len -= 2;
    }
    buf_add(out, error.at, len);
}

static void write_error(struct buf *out, const char *error)
{
    struct buf escaped = {0};
    text_percent_escape(&escaped, bytes_of(error), keep_plain);
    write_escaped(out, buf_bytes(&escaped));
    buf_fini(&escaped);
}

/* Tokens of other versions travel on, those for which there is room. */
static void write_unknown(struct buf *out, struct bytes line, size_t room)
{
    while (line.len > 0) {
        struct bytes word = take_word(&line);
        if (word.len == 0 || word.len >= room || is_token(word, 't') ||
            is_token(word, 'e') || is_token(word, 'k'))
            continue;
        buf_addc(out, ' ');
        buf_add(out, word.at, word.len);
        room -= word.len + 1;
    }
}

void entry_write_header(struct buf *out, const struct entry *entry, const char *error)
{
    size_t start = out->len;
    buf_adds(out, "R1 ");
    buf_add(out, entry->iid.at, entry->iid.len);
    buf_addc(out, ' ');
    buf_add_int(out, entry->deliveries);
    buf_addc(out, ' ');
    buf_add_int(out, entry->fails);
    if (entry->first_seen_ms > 0) {
        buf_adds(out, " t=");
        buf_add_int(out, entry->first_seen_ms);
    }
    if (error != NULL || entry->error.len > 0)
        buf_adds(out, " e=");
    if (error != NULL)
        write_error(out, error);
    else
        write_escaped(out, entry->error);
    if (entry->slot.len > 0) {
        buf_adds(out, " k=");
        buf_add(out, entry->slot.at, entry->slot.len);
    }
    write_unknown(out, entry->tokens,
                  LIMIT_HEADER_BYTES - SCRIPT_BYTES - (out->len - start));
}

void entry_decode_error(struct buf *out, struct bytes error)
{
    if (text_percent_decode(out, error) != 0)
        buf_add(out, error.at, error.len);
}
