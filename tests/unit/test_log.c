/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/text.h"
#include "suite.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A pipe in place of stderr: what one write brought is what one read takes. */
static int out;

static void catch_lines(enum log_format format)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    close(ends[1]);
    out = ends[0];
    log_set_format(format);
}

static const char *next_line(void)
{
    static char line[2 * LOG_LINE_BYTES];
    ssize_t len = read(out, line, sizeof line - 1);
    ck_assert_int_gt(len, 0);
    line[len] = '\0';
    ck_assert_int_le(len, LOG_LINE_BYTES);
    ck_assert_ptr_eq(strchr(line, '\n'), line + len - 1);
    return line;
}

/* What stands behind the stamp, which no test knows. */
static const char *without_stamp(const char *line)
{
    const char *level = strstr(line, "level");
    ck_assert_ptr_nonnull(level);
    return level;
}

static json_t *next_object(void)
{
    json_error_t error;
    const char *line = next_line();
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    ck_assert_msg(object != NULL, "%s: %s", error.text, line);
    return object;
}

START_TEST(a_line_of_logfmt_has_bare_words_and_quoted_texts)
{
    char want[200];
    catch_lines(LOG_LOGFMT);
    log_warn("job failed", log_text("queue", "mail"), log_number("fails", -3),
             log_text("err", "HTTP status 503"), log_text("empty", ""),
             log_text("word", "a=b"), log_text("colon", "a.b:1/c"));
    snprintf(want, sizeof want,
             "level=warn pid=%d msg=\"job failed\" queue=mail fails=-3 err=\"HTTP status "
             "503\" empty=\"\" word=\"a=b\" colon=a.b:1/c\n",
             (int)getpid());
    ck_assert_str_eq(without_stamp(next_line()), want);
}
END_TEST

START_TEST(a_word_for_a_message_is_quoted_too)
{
    catch_lines(LOG_LOGFMT);
    log_error("alarm", log_text("text", "x"));
    ck_assert_ptr_nonnull(strstr(next_line(), " msg=\"alarm\" text=x\n"));
}
END_TEST

START_TEST(no_byte_of_a_value_breaks_its_line)
{
    catch_lines(LOG_LOGFMT);
    log_warn("m", log_text("v", "a\nlevel=error \"b\" \\c\x1b[31m\t\x7f"));
    ck_assert_str_eq(strstr(next_line(), " v="),
                     " v=\"a\\nlevel=error \\\"b\\\" \\\\c\\u001b[31m\\t\\u007f\"\n");
    log_warn("m", log_bytes("v", (struct bytes){"a\0b\xff", 4}), log_text("w", "é"));
    ck_assert_str_eq(strstr(next_line(), " v="),
                     " v=\"a\\u0000b\xef\xbf\xbd\" w=\"é\"\n");
    static const char backwards[] = {'\xe2', '\x80', '\xae', '\0'}; /* U+202E */
    log_warn("m",
             log_text("v", "\xc2\x9b"
                           "31m"),
             log_text("w", backwards));
    ck_assert_str_eq(strstr(next_line(), " v="), " v=\"\\u009b31m\" w=\"\\u202e\"\n");
}
END_TEST

START_TEST(json_gives_back_what_went_in)
{
    static const char text[] = "\"\\\n\t\x01\x7f é 😀 \xc2\x85 </script>";
    catch_lines(LOG_JSON);
    log_info("job done", log_text("id", text), log_number("ms", INT64_MIN));
    json_t *line = next_object();
    ck_assert_str_eq(json_string_value(json_object_get(line, "id")), text);
    ck_assert_int_eq(json_integer_value(json_object_get(line, "ms")), INT64_MIN);
    ck_assert_str_eq(json_string_value(json_object_get(line, "msg")), "job done");
    ck_assert_str_eq(json_string_value(json_object_get(line, "level")), "info");
    ck_assert_int_eq(json_integer_value(json_object_get(line, "pid")), getpid());
    int64_t at_ms = 0;
    ck_assert_int_eq(
        text_to_time_ms(json_string_value(json_object_get(line, "ts")), &at_ms), 0);
    json_decref(line);
}
END_TEST

START_TEST(every_byte_there_is_yields_json)
{
    char all[256];
    catch_lines(LOG_JSON);
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    log_info("m", log_bytes("up", (struct bytes){all, sizeof all}),
             log_bytes("high", (struct bytes){all + 128, 128}));
    json_decref(next_object());
}
END_TEST

START_TEST(a_long_value_is_cut_between_characters)
{
    char text[LOG_VALUE_BYTES + 100];
    memset(text, 'x', sizeof text);
    memcpy(text + LOG_VALUE_BYTES - 1, "é", 2); /* would be cut in two */
    text[sizeof text - 1] = '\0';
    catch_lines(LOG_JSON);
    log_info("m", log_text("v", text));
    json_t *line = next_object();
    const char *value = json_string_value(json_object_get(line, "v"));
    ck_assert_uint_eq(strlen(value), LOG_VALUE_BYTES - 1 + strlen("…"));
    ck_assert_str_eq(value + LOG_VALUE_BYTES - 1, "…");
    json_decref(line);
}
END_TEST

/* Six times 480 bytes do not fit twice: the second is left out, what is behind it is
 * not. */
START_TEST(a_line_stays_whole_when_not_all_fits)
{
    char text[LOG_VALUE_BYTES + 1];
    memset(text, '\x01', LOG_VALUE_BYTES);
    text[LOG_VALUE_BYTES] = '\0';
    for (int format = LOG_LOGFMT; format <= LOG_JSON; format++) {
        catch_lines((enum log_format)format);
        log_info("m", log_text("first", text), log_text("second", text),
                 log_number("last", 1));
        const char *line = next_line();
        ck_assert_ptr_nonnull(strstr(line, "first"));
        ck_assert_ptr_null(strstr(line, "second"));
        ck_assert_ptr_nonnull(strstr(line, "last"));
        close(out);
    }
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
    catch_lines(LOG_LOGFMT);
    log_info("m", log_known("id", bytes_of("")), log_known("iid", bytes_of("a.0")));
    ck_assert_ptr_nonnull(strstr(next_line(), "msg=\"m\" iid=a.0\n"));
}
END_TEST

static int asked;

static int64_t ask(void)
{
    return ++asked;
}

START_TEST(below_the_level_nothing_is_evaluated)
{
    catch_lines(LOG_LOGFMT);
    log_debug("m", log_number("n", ask()));
    ck_assert_int_eq(asked, 0);
    log_set_level(LOG_DEBUG);
    log_debug("m", log_number("n", ask()));
    ck_assert_int_eq(asked, 1);
    ck_assert_ptr_nonnull(strstr(next_line(), "level=debug"));
}
END_TEST

SUITE("log", a_line_of_logfmt_has_bare_words_and_quoted_texts,
      a_word_for_a_message_is_quoted_too, no_byte_of_a_value_breaks_its_line,
      json_gives_back_what_went_in, every_byte_there_is_yields_json,
      a_long_value_is_cut_between_characters, a_line_stays_whole_when_not_all_fits,
      what_is_not_known_is_left_out, below_the_level_nothing_is_evaluated)
