/* SPDX-License-Identifier: MIT */
/* Escapes give back what went in; what is written for JSON or for people is fit for them;
 * numbers, durations and times are read within their ranges or refused. */
#include "base/text.h"
#include "fuzz.h"
#include "schema/json.h"

#include <ctype.h>
#include <string.h>

static int keep_letters(unsigned char c)
{
    return isalnum(c) || c == '%';
}

static void check_percent(struct bytes text)
{
    struct buf escaped = {0}, decoded = {0}, broken = {0};
    text_percent_escape(&escaped, text, keep_letters);
    MUST(text_percent_decode(&decoded, buf_bytes(&escaped)) == 0);
    MUST(bytes_equal(buf_bytes(&decoded), text));
    if (text_percent_decode(&broken, text) != 0)
        MUST(broken.len == 0);
    buf_fini(&escaped);
    buf_fini(&decoded);
    buf_fini(&broken);
}

/* jansson refuses \u0000 only because its own strings could not hold it. */
static void check_json(struct bytes text)
{
    struct buf json = {0}, decoded = {0};
    text_json_string(&json, text);
    MUST(text_is_utf8(buf_bytes(&json)));
    int has_nul = text.len > 0 && memchr(text.at, '\0', text.len) != NULL;
    MUST((json_decode_string(buf_bytes(&json), &decoded) == 0) == !has_nul);
    if (!has_nul && text_is_utf8(text))
        MUST(bytes_equal(buf_bytes(&decoded), text));
    buf_fini(&json);
    buf_fini(&decoded);
}

static void check_printable(struct bytes text)
{
    struct buf shown = {0};
    text_printable(&shown, text, text.len / 2);
    MUST(text_is_utf8(buf_bytes(&shown)));
    for (size_t i = 0; i < shown.len; i++)
        MUST((unsigned char)shown.data[i] >= 0x20 && shown.data[i] != 0x7f);
    buf_fini(&shown);
}

static void check_numbers(struct bytes text)
{
    int64_t number;
    struct buf written = {0};
    if (text_to_int(text, &number) == 0) {
        buf_add_int(&written, number);
        int64_t again;
        MUST(text_to_int(buf_bytes(&written), &again) == 0 && again == number);
    }
    char *terminated = xstrndup(text.at, text.len);
    if (text_to_duration_ms(terminated, &number) == 0) {
        MUST(number >= 0 && number <= INT64_C(9000000000000000));
        text_duration(&written, number);
    }
    if (text_to_time_ms(terminated, &number) == 0)
        MUST(number > -INT64_C(100000000000000));
    free(terminated);
    buf_fini(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = input_of(data, size);
    check_percent(text);
    check_json(text);
    check_printable(text);
    check_numbers(text);
    return 0;
}
