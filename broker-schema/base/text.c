/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int text_to_int(struct bytes text, int64_t *out)
{
    size_t i = text.len > 0 && text.at[0] == '-';
    if (i == text.len)
        return -1;
    /* Count downwards: the smallest int64 has no positive twin. */
    int64_t number = 0;
    for (; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        int digit = text.at[i] - '0';
        if (number < (INT64_MIN + digit) / 10)
            return -1;
        number = number * 10 - digit;
    }
    if (text.at[0] == '-') {
        *out = number;
        return 0;
    }
    if (number == INT64_MIN)
        return -1;
    *out = -number;
    return 0;
}

int text_to_duration_ms(const char *text, int64_t *out_ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 36e5}, {"d", 864e5}};
    if (text[0] < '0' || text[0] > '9')
        return -1;
    char *end;
    double number = strtod(text, &end);
    if ((size_t)(end - text) > strspn(text, "0123456789.")) /* 0x10s, 1e3s */
        return -1;
    for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].unit) != 0)
            continue;
        double ms = number * units[i].ms;
        if (!(ms >= 0 && ms <= 9e15))
            return -1;
        *out_ms = (int64_t)(ms + 0.5);
        return 0;
    }
    return -1;
}

static int unix_seconds(const char *text, int64_t *out_ms)
{
    int64_t s;
    if (text_to_int(bytes_of(text), &s) != 0 || s < 0 || s > INT64_MAX / 1000)
        return -1;
    *out_ms = s * 1000;
    return 0;
}

/* Does `text` begin as `shape` says, where 0 stands for a digit? What strptime() takes is
 * wider: blanks, short numbers, zones without a colon. */
static int has_shape(const char *text, const char *shape)
{
    for (; *shape != '\0'; text++, shape++)
        if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
            return 0;
    return 1;
}

static int is_date(const struct tm *parts)
{
    struct tm date = {
        .tm_year = parts->tm_year, .tm_mon = parts->tm_mon, .tm_mday = parts->tm_mday};
    timegm(&date); /* makes 3 March of 31 February */
    return date.tm_mday == parts->tm_mday;
}

/* Step over `.123…`, if that is what comes. Returns what follows, or NULL. */
static const char *skip_fraction(const char *text, int64_t *ms)
{
    *ms = 0;
    if (*text != '.')
        return text;
    if (!has_shape(text, ".0"))
        return NULL;
    for (int64_t scale = 100; *++text >= '0' && *text <= '9'; scale /= 10)
        *ms += (*text - '0') * scale;
    return text;
}

static int is_zone(const char *text)
{
    if (strcmp(text, "Z") == 0)
        return 1;
    return (has_shape(text, "+00:00") || has_shape(text, "-00:00")) &&
           strlen(text) == 6 && strcmp(text + 1, "24") < 0;
}

int text_to_time_ms(const char *text, int64_t *out_ms)
{
    if (text[0] == '@')
        return unix_seconds(text + 1, out_ms);
    struct tm parts = {0}, zone = {0};
    if (!has_shape(text, "0000-00-00T00:00:00"))
        return -1;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == NULL || !is_date(&parts))
        return -1;
    int64_t fraction_ms;
    rest = skip_fraction(rest, &fraction_ms);
    if (rest == NULL || !is_zone(rest) || strptime(rest, "%z", &zone) == NULL)
        return -1;
    *out_ms = ((int64_t)timegm(&parts) - zone.tm_gmtoff) * 1000 + fraction_ms;
    return 0;
}

/* Length of the well-formed sequence at `at`, or 0. Source: RFC 3629, section 4. */
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, len;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (at[0] < rows[i].first_min || at[0] > rows[i].first_max)
            continue;
        if (left < rows[i].len)
            return 0;
        if (rows[i].len > 1 && (at[1] < rows[i].second_min || at[1] > rows[i].second_max))
            return 0;
        for (size_t k = 2; k < rows[i].len; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].len;
    }
    return 0;
}

int text_is_utf8(struct bytes text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    for (size_t i = 0; i < text.len;) {
        size_t len = at[i] < 0x80 ? 1 : utf8_sequence(at + i, text.len - i);
        if (len == 0)
            return 0;
        i += len;
    }
    return 1;
}

void text_percent_escape(struct buf *out, struct bytes text, int (*keep)(unsigned char))
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c != '%' && keep(c))
            buf_addc(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int percent_well_formed(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '%' && (text.len - i < 3 || hex_digit(text.at[i + 1]) < 0 ||
                                  hex_digit(text.at[i + 2]) < 0))
            return 0;
    return 1;
}

int text_percent_decode(struct buf *out, struct bytes text)
{
    if (!percent_well_formed(text))
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '%') {
            c = (char)(hex_digit(text.at[i + 1]) * 16 + hex_digit(text.at[i + 2]));
            i += 2;
        }
        buf_addc(out, c);
    }
    return 0;
}

void text_glob_escape(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '\0' && strchr("*?[]\\^-", text.at[i]) != NULL)
            buf_addc(out, '\\');
        buf_addc(out, text.at[i]);
    }
}

/* The escape of JSON that is one letter, or 0. */
static char json_letter(unsigned char c)
{
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

/* What is obeyed instead of shown. Source: Unicode 15, Bidi_Control and Line_Break. */
static int is_obeyed(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     /* C0, DEL and C1 */
        {0x61c, 0x61c},   {0x200e, 0x200f}, /* marks of direction */
        {0x2028, 0x202e},                   /* line ends, embeddings, overrides */
        {0x2066, 0x2069},                   /* isolates */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return 1;
    return 0;
}

/* The code point of a well-formed sequence. */
static uint32_t utf8_value(const unsigned char *at, size_t len)
{
    static const unsigned char lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = at[0] & lead_mask[len];
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (at[i] & 0x3f);
    return c;
}

static void add_json_character(struct buf *out, const unsigned char *at, size_t len,
                               int tame)
{
    if (json_letter(at[0]))
        buf_addf(out, "\\%c", json_letter(at[0]));
    else if (at[0] < 0x20 || (tame && is_obeyed(utf8_value(at, len))))
        buf_addf(out, "\\u%04x", (unsigned)utf8_value(at, len));
    else
        buf_add(out, at, len);
}

/* How many of the first stand for themselves in any JSON string. Most texts are nothing
 * else. */
static size_t plain_json(const unsigned char *at, size_t len)
{
    size_t count = 0;
    while (count < len && at[count] >= 0x20 && at[count] < 0x7f && at[count] != '"' &&
           at[count] != '\\')
        count++;
    return count;
}

static void add_json_string(struct buf *out, struct bytes text, int tame)
{
    const unsigned char *at = (const unsigned char *)text.at;
    buf_addc(out, '"');
    for (size_t i = 0; i < text.len;) {
        size_t plain = plain_json(at + i, text.len - i);
        buf_add(out, at + i, plain);
        i += plain;
        if (i == text.len)
            break;
        size_t len = utf8_sequence(at + i, text.len - i);
        if (len > 0)
            add_json_character(out, at + i, len, tame);
        else
            buf_adds(out, "\xef\xbf\xbd");
        i += len > 0 ? len : 1;
    }
    buf_addc(out, '"');
}

void text_json_string(struct buf *out, struct bytes text)
{
    add_json_string(out, text, 0);
}

void text_json_line(struct buf *out, struct bytes json)
{
    size_t from = out->len;
    buf_add(out, json.at, json.len);
    for (size_t i = from; i < out->len; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
}

void text_tame_string(struct buf *out, struct bytes text)
{
    add_json_string(out, text, 1);
}

void text_printable(struct buf *out, struct bytes text, size_t max)
{
    const unsigned char *at = (const unsigned char *)text.at;
    size_t i = 0, len;
    for (; i < text.len && i < max; i += len) {
        size_t sequence = utf8_sequence(at + i, text.len - i);
        len = sequence > 0 ? sequence : 1;
        if (len > max - i)
            break;
        if (sequence > 0 && !is_obeyed(utf8_value(at + i, len)))
            buf_add(out, at + i, len);
        else
            for (size_t k = 0; k < len; k++)
                buf_addf(out, "\\x%02x", at[i + k]);
    }
    if (i < text.len)
        buf_adds(out, "…");
}

void text_duration(struct buf *out, int64_t ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    const unsigned s = 3, last = 4;
    unsigned i = 0;
    while (i < last && ms < units[i].ms)
        i++;
    buf_add_int(out, ms / units[i].ms);
    buf_adds(out, units[i].unit);
    int64_t rest = i < s ? ms % units[i].ms / units[i + 1].ms : 0;
    if (rest == 0)
        return;
    buf_add_int(out, rest);
    buf_adds(out, units[i + 1].unit);
}
