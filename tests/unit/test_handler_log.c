/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "suite.h"
#include "worker/handler_log.h"

#include <sys/mman.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOW_MONO_MS = 5000000 };

static const struct handler_writer writer = {{"job-1", 5}, {"w:1.0", 5}, 77};

/* A file in place of stderr. */
static void catch_log(void)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    close(fd);
}

static const char *caught(void)
{
    static char text[1 << 18];
    ssize_t len = pread(STDERR_FILENO, text, sizeof text - 1, 0);
    ck_assert_int_ge(len, 0);
    text[len] = '\0';
    return text;
}

static int count(const char *needle)
{
    int times = 0;
    for (const char *at = caught(); (at = strstr(at, needle)) != NULL; at++)
        times++;
    return times;
}

static int tell(struct handler_log *log, int64_t now_mono_ms, const char *line)
{
    return handler_log_line(log, now_mono_ms, &writer, LINE_WHOLE, bytes_of(line));
}

START_TEST(a_line_is_told_with_the_jobs_id)
{
    struct handler_log log = {.type = "mail"};
    catch_log();
    ck_assert(tell(&log, NOW_MONO_MS, "two words"));
    ck_assert_ptr_nonnull(strstr(caught(), "level=info "));
    ck_assert_ptr_nonnull(strstr(caught(), "msg=\"handler wrote\" id=job-1 iid=w:1.0 "
                                           "type=mail child=77 text=\"two words\"\n"));
}
END_TEST

START_TEST(empty_lines_are_passed_over_and_too_long_ones_named)
{
    struct handler_log log = {.type = "mail"};
    catch_log();
    ck_assert(tell(&log, NOW_MONO_MS, ""));
    ck_assert_str_eq(caught(), "");
    handler_log_line(&log, NOW_MONO_MS, &writer, LINE_TOO_LONG, bytes_of(""));
    ck_assert_ptr_nonnull(strstr(caught(), "text=\"(a line too long)\""));
}
END_TEST

START_TEST(a_flood_is_cut_and_what_was_left_out_is_told_in_the_next_second)
{
    struct handler_log log = {.type = "mail"};
    catch_log();
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(tell(&log, NOW_MONO_MS + i / 2, "again"), i < HANDLER_LOG_LINES);
    ck_assert_int_eq(count("text=again"), HANDLER_LOG_LINES);
    ck_assert_int_eq(count("too much"), 0);
    ck_assert(tell(&log, NOW_MONO_MS + HANDLER_LOG_WINDOW_MS, "behind"));
    ck_assert_int_eq(count("lines_left_out=900"), 1);
    ck_assert_int_eq(count("text=behind"), 1);
    handler_log_left_out(&log);
    ck_assert_int_eq(count("too much"), 1);
}
END_TEST

START_TEST(what_was_left_out_last_is_told_when_asked_for)
{
    struct handler_log log = {.type = "mail"};
    catch_log();
    for (int i = 0; i < HANDLER_LOG_LINES + 3; i++)
        tell(&log, NOW_MONO_MS, "again");
    handler_log_left_out(&log);
    ck_assert_int_eq(count("lines_left_out=3"), 1);
    ck_assert(!tell(&log, NOW_MONO_MS, "the window is the same"));
}
END_TEST

START_TEST(a_tail_is_told_whole_in_pieces_of_whole_characters)
{
    const struct handler_log log = {.type = "mail"};
    /* It begins amid a character, and so would most pieces. */
    enum { BEFORE = 101 };
    char tail[BEFORE + LIMIT_TAIL_BYTES];
    int whole = 0;
    catch_log();
    for (size_t i = 0; i < sizeof tail; i++)
        tail[i] = "\xc3\xa9\xc3\xa9\xc3\xa9x"[i % 7];
    for (size_t i = BEFORE; i + 1 < sizeof tail; i++)
        whole += memcmp(tail + i, "\xc3\xa9", 2) == 0;
    handler_log_tail(&log, &writer, "stdout", (struct bytes){tail, sizeof tail});
    ck_assert_int_eq(count("msg=\"handler's last output\""), 5);
    ck_assert_int_eq(count("stream=stdout"), 5);
    ck_assert_int_eq(count("\xc3\xa9"), whole);
    ck_assert_int_eq(count("\xef\xbf\xbd"), 0);
    handler_log_tail(&log, &writer, "stdout", bytes_of(""));
    ck_assert_int_eq(count("msg="), 5);
}
END_TEST

SUITE("handler_log", a_line_is_told_with_the_jobs_id,
      empty_lines_are_passed_over_and_too_long_ones_named,
      a_flood_is_cut_and_what_was_left_out_is_told_in_the_next_second,
      what_was_left_out_last_is_told_when_asked_for,
      a_tail_is_told_whole_in_pieces_of_whole_characters)
