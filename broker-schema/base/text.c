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

int text_to_time_ms(const char *text, int64_t *out_ms)
{
    if (text[0] == '@') {
        int64_t s;
        if (text_to_int(bytes_of(text + 1), &s) != 0 || s < 0 || s > INT64_MAX / 1000)
            return -1;
        *out_ms = s * 1000;
        return 0;
    }
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == NULL)
        return -1;
    int64_t fraction_ms = 0;
    if (*rest == '.')
        for (int64_t scale = 100; *++rest >= '0' && *rest <= '9'; scale /= 10)
            fraction_ms += (*rest - '0') * scale;
    struct tm zone = {0};
    const char *end = strptime(rest, "%z", &zone);
    if (end == NULL || *end != '\0')
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

int text_percent_decode(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '%') {
            buf_addc(out, text.at[i]);
            continue;
        }
        if (text.len - i < 3)
            return -1;
        int high = hex_digit(text.at[i + 1]), low = hex_digit(text.at[i + 2]);
        if (high < 0 || low < 0)
            return -1;
        buf_addc(out, (char)(high * 16 + low));
        i += 2;
    }
    return 0;
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

void text_json_string(struct buf *out, struct bytes text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    buf_addc(out, '"');
    for (size_t i = 0; i < text.len;) {
        size_t len = utf8_sequence(at + i, text.len - i);
        if (len == 0) {
            buf_adds(out, "\xef\xbf\xbd");
            i++;
            continue;
        }
        if (json_letter(at[i]))
            buf_addf(out, "\\%c", json_letter(at[i]));
        else if (at[i] < 0x20)
            buf_addf(out, "\\u%04x", at[i]);
        else
            buf_add(out, at + i, len);
        i += len;
    }
    buf_addc(out, '"');
}

void text_printable(struct buf *out, struct bytes text, size_t max)
{
    const unsigned char *at = (const unsigned char *)text.at;
    size_t end = text.len < max ? text.len : max;
    for (size_t i = 0; i < end;) {
        size_t len = utf8_sequence(at + i, end - i);
        if (len == 0 || at[i] < 0x20 || at[i] == 0x7f)
            buf_addf(out, "\\x%02x", at[i]);
        else
            buf_add(out, at + i, len);
        i += len ? len : 1;
    }
    if (end < text.len)
        buf_adds(out, "…");
}

void text_duration(struct buf *out, int64_t ms)
{
    if (ms < 1000)
        buf_addf(out, "%lldms", (long long)ms);
    else if (ms < 60000)
        buf_addf(out, "%llds", (long long)(ms / 1000));
    else if (ms < 3600000)
        buf_addf(out, "%lldm%llds", (long long)(ms / 60000), (long long)(ms / 1000 % 60));
    else if (ms < 86400000)
        buf_addf(out, "%lldh%lldm", (long long)(ms / 3600000),
                 (long long)(ms / 60000 % 60));
    else
        buf_addf(out, "%lldd%lldh", (long long)(ms / 86400000),
                 (long long)(ms / 3600000 % 24));
}
