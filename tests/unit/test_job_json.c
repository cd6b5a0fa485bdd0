/* SPDX-License-Identifier: MIT */
#include "dashboard/job_json.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

#define BYTES(literal) ((struct bytes){literal, sizeof(literal) - 1})

static void check_json(const char *state, struct bytes raw, int64_t at_ms,
                       size_t payload_max, const char *want)
{
    struct job_facts facts;
    struct arena arena = {0};
    struct buf out = {0};
    ck_assert_int_eq(job_state_find(state)->read(&facts, raw, at_ms, &arena), 0);
    job_json_handle(&out, facts.handle);
    job_json_members(&out, &facts, payload_max);
    ck_assert_str_eq(buf_text(&out), want);
    buf_fini(&out);
    arena_fini(&arena);
}

START_TEST(a_dead_job_is_shown_with_all_that_is_known)
{
    check_json(
        "dead",
        BYTES("R1 a.0 1 26 t=5 e=no%20luck%0a\n"
              "{\"type\":\"mail\",\"args\":1,\"id\":\"i1\"}"),
        77, 1024,
        "\"handle\":\"dead:77:a.0\",\"iid\":\"a.0\",\"id\":\"i1\",\"type\":\"mail\","
        "\"at_ms\":77,\"deliveries\":1,\"fails\":26,\"error\":\"no luck\\\\x0a\","
        "\"payload\":\"{\\\"type\\\":\\\"mail\\\",\\\"args\\\":1,\\\"id\\\":\\\"i1\\\"}"
        "\","
        "\"payload_bytes\":34");
}
END_TEST

START_TEST(a_quarantined_entry_is_shown_with_the_reason)
{
    check_json("bad", BYTES("x\xff\x01<b>\xe2\x80\xae\xe2\x80\xac"), 0, 1024,
               "\"handle\":\"bad:3f5088373fc11ceb\",\"error\":\"not JSON: unable to "
               "decode byte 0xff near 'x' (byte 1)\",\"payload\":"
               "\"x\\\\xff\\\\x01<b>\\\\xe2\\\\x80\\\\xae\\\\xe2\\\\x80\\\\xac\","
               "\"payload_bytes\":12");
}
END_TEST

START_TEST(a_failed_run_has_a_handle_when_its_job_died_of_it)
{
    static const char header[] = "R1 a.0 0 3\n";
    check_json("failed", BYTES("9 r 2\nR1 a.0 0 3\n{}"), 0, 1024,
               "\"iid\":\"a.0\",\"at_ms\":9,\"outcome\":\"retry\",\"deliveries\":0,"
               "\"fails\":3,\"payload\":\"{}\",\"payload_bytes\":2");
    check_json(
        "failed", BYTES("9 d 2\nR1 a.0 0 3\n{}"), 0, 1024,
        "\"handle\":\"dead:9:a.0\",\"iid\":\"a.0\",\"at_ms\":9,\"outcome\":\"dead\","
        "\"deliveries\":0,\"fails\":3,\"payload\":\"{}\",\"payload_bytes\":2");
    struct job_facts facts;
    struct arena arena = {0};
    job_state_find("failed")->read(&facts, BYTES("9 d 2\nR1 a.0 0 3\n{}"), 0, &arena);
    ck_assert_int_eq(strncmp(facts.dead_raw.at, header, sizeof header - 1), 0);
    ck_assert_int_eq(
        job_state_find("failed")->read(&facts, BYTES("no record"), 0, &arena), -1);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_failed_run_that_was_kept_in_part_says_so_and_has_no_handle)
{
    check_json("failed",
               BYTES("9 d 2000\nR1 a.0 0 3\n{\"type\":\"mail\",\"args\":\"x\xc3"), 0,
               1024,
               "\"iid\":\"a.0\",\"type\":\"mail\",\"at_ms\":9,\"outcome\":\"dead\","
               "\"deliveries\":0,\"fails\":3,"
               "\"payload\":\"{\\\"type\\\":\\\"mail\\\",\\\"args\\\":\\\"x…\","
               "\"payload_bytes\":2000");
}
END_TEST

START_TEST(of_a_failed_run_it_is_shown_what_its_program_wrote_last)
{
    check_json("failed",
               BYTES("9 r 2 4 10\nR1 a.0 0 3\n{}\x80<b>\x1b[1m\0\"\xe2\x80\xae\n"), 0,
               1024,
               "\"iid\":\"a.0\",\"at_ms\":9,\"outcome\":\"retry\",\"deliveries\":0,"
               "\"fails\":3,\"stdout\":\"\xef\xbf\xbd<b>\",\"stderr\":"
               "\"\\u001b[1m\\u0000\\\"\\u202e\\n\","
               "\"payload\":\"{}\",\"payload_bytes\":2");
    check_json("failed", BYTES("9 d 2 0 4\nR1 a.0 0 3\n{}last"), 0, 1024,
               "\"handle\":\"dead:9:a.0\",\"iid\":\"a.0\",\"at_ms\":9,\"outcome\":"
               "\"dead\",\"deliveries\":0,\"fails\":3,\"stderr\":\"last\","
               "\"payload\":\"{}\",\"payload_bytes\":2");
}
END_TEST

START_TEST(what_waits_is_told_apart_by_its_failures)
{
    struct job_facts facts;
    struct arena arena = {0};
    struct bytes fresh = BYTES("R1 a 0 0\n{}"), failed = BYTES("R1 a 0 2\n{}");
    ck_assert_int_eq(job_state_find("scheduled")->read(&facts, fresh, 5, &arena), 0);
    ck_assert_int_eq(facts.due_ms, 5);
    ck_assert_int_eq(job_state_find("scheduled")->read(&facts, failed, 5, &arena), -1);
    ck_assert_int_eq(job_state_find("retrying")->read(&facts, fresh, 5, &arena), -1);
    ck_assert_int_eq(job_state_find("retrying")->read(&facts, failed, 5, &arena), 0);
    ck_assert_ptr_null(job_state_find("nowhere"));
    arena_fini(&arena);
    check_json("ready", BYTES("R1 torn"), 0, 3,
               "\"deliveries\":0,\"fails\":0,\"payload\":\"R1 …\",\"payload_bytes\":7");
}
END_TEST

SUITE("job_json", a_dead_job_is_shown_with_all_that_is_known,
      a_quarantined_entry_is_shown_with_the_reason,
      a_failed_run_has_a_handle_when_its_job_died_of_it,
      a_failed_run_that_was_kept_in_part_says_so_and_has_no_handle,
      of_a_failed_run_it_is_shown_what_its_program_wrote_last,
      what_waits_is_told_apart_by_its_failures)
