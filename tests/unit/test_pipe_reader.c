/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "worker/pipe_reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 100, TAIL_BYTES = 64 };

struct heard {
    struct ev_loop *loop;
    struct pipe_reader reader;
    int their_end;
    struct buf lines; /* each with an LF; `(too long)` for those */
};

static void on_line(void *arg, enum line_kind kind, struct bytes line)
{
    struct heard *heard = arg;
    if (kind == LINE_TOO_LONG)
        line = bytes_of("(too long)");
    buf_add(&heard->lines, line.at, line.len);
    buf_addc(&heard->lines, '\n');
}

static void init(struct heard *heard)
{
    *heard = (struct heard){.loop = ev_loop_new(EVFLAG_AUTO)};
    const struct pipe_reader_spec spec = {LINE_MAX_BYTES, TAIL_BYTES, on_line, heard};
    ck_assert_int_eq(
        pipe_reader_open(&heard->reader, heard->loop, &spec, &heard->their_end, NULL), 0);
}

static void fini(struct heard *heard)
{
    pipe_reader_close(&heard->reader);
    if (heard->their_end >= 0)
        close(heard->their_end);
    buf_fini(&heard->lines);
    ev_loop_destroy(heard->loop);
}

static void write_text(struct heard *heard, const char *text)
{
    ck_assert_int_eq(write(heard->their_end, text, strlen(text)), (ssize_t)strlen(text));
}

static void write_many(struct heard *heard, char byte, size_t count)
{
    for (char block[4096]; count > 0;) {
        size_t len = count < sizeof block ? count : sizeof block;
        memset(block, byte, len);
        ck_assert_int_eq(write(heard->their_end, block, len), (ssize_t)len);
        count -= len;
        ev_run(heard->loop, EVRUN_NOWAIT);
    }
}

static void hang_up(struct heard *heard)
{
    close(heard->their_end);
    heard->their_end = -1;
}

static void expect(struct heard *heard, const char *lines, const char *tail)
{
    struct bytes got = pipe_reader_tail(&heard->reader);
    ck_assert_str_eq(buf_text(&heard->lines), lines);
    ck_assert_uint_eq(got.len, strlen(tail));
    ck_assert_int_eq(memcmp(got.at, tail, got.len), 0);
}

START_TEST(lines_come_as_they_are_written_the_last_one_with_the_end)
{
    struct heard heard;
    init(&heard);
    write_text(&heard, "one\ntw");
    ev_run(heard.loop, EVRUN_NOWAIT);
    expect(&heard, "one\n", "one\ntw");
    write_text(&heard, "o\n\nthree");
    ev_run(heard.loop, EVRUN_NOWAIT);
    expect(&heard, "one\ntwo\n\n", "one\ntwo\n\nthree");
    hang_up(&heard);
    ev_run(heard.loop, 0); /* ends: nothing more is watched */
    expect(&heard, "one\ntwo\n\nthree\n", "one\ntwo\n\nthree");
    pipe_reader_finish(&heard.reader);
    expect(&heard, "one\ntwo\n\nthree\n", "one\ntwo\n\nthree");
    fini(&heard);
}
END_TEST

START_TEST(what_is_in_the_pipe_is_taken_at_the_end_though_others_hold_it_open)
{
    struct heard heard;
    init(&heard);
    write_text(&heard, "one\ntwo");
    pipe_reader_finish(&heard.reader);
    expect(&heard, "one\ntwo\n", "one\ntwo");
    ck_assert_int_eq(fcntl(heard.reader.readable.fd, F_GETFD), -1);
    fini(&heard);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_told_once_and_costs_no_neighbour)
{
    struct heard heard;
    init(&heard);
    write_text(&heard, "before\n");
    write_many(&heard, 'x', 300000);
    write_text(&heard, "\nbehind\n");
    hang_up(&heard);
    pipe_reader_finish(&heard.reader);
    ck_assert_str_eq(buf_text(&heard.lines), "before\n(too long)\nbehind\n");
    fini(&heard);
}
END_TEST

START_TEST(of_a_flood_only_the_tail_is_kept)
{
    struct heard heard;
    init(&heard);
    write_many(&heard, 'x', 3000000);
    write_text(&heard, "end");
    pipe_reader_finish(&heard.reader);
    char want[TAIL_BYTES + 1];
    memset(want, 'x', TAIL_BYTES - 3);
    memcpy(want + TAIL_BYTES - 3, "end", 4);
    expect(&heard, "(too long)\n", want);
    ck_assert_uint_lt(heard.reader.tail.size, 1024);
    fini(&heard);
}
END_TEST

/* What somebody writes for ever must not be waited for: /dev/zero stands for him. */
START_TEST(a_writer_that_never_stops_is_left_at_the_end)
{
    struct heard heard;
    init(&heard);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(dup2(zero, heard.reader.readable.fd), heard.reader.readable.fd);
    close(zero);
    pipe_reader_finish(&heard.reader);
    ck_assert_str_eq(buf_text(&heard.lines), "(too long)\n");
    fini(&heard);
}
END_TEST

START_TEST(one_that_was_never_opened_can_be_finished_and_closed)
{
    struct pipe_reader reader = {0};
    pipe_reader_finish(&reader);
    ck_assert_uint_eq(pipe_reader_tail(&reader).len, 0);
    pipe_reader_close(&reader);
}
END_TEST

SUITE("pipe_reader", lines_come_as_they_are_written_the_last_one_with_the_end,
      what_is_in_the_pipe_is_taken_at_the_end_though_others_hold_it_open,
      a_line_that_is_too_long_is_told_once_and_costs_no_neighbour,
      of_a_flood_only_the_tail_is_kept, a_writer_that_never_stops_is_left_at_the_end,
      one_that_was_never_opened_can_be_finished_and_closed)
