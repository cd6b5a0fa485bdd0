/* SPDX-License-Identifier: MIT */
/* Runs every file of broker-schema/vectors: payloads that are jobs (valid/), payloads
 * that go to the quarantine (invalid/), jobs of the built-in types that die of their args
 * (dies/), and conversations with handlers (transcripts/). The file `reasons` holds a
 * part of the message for each that is refused. */
#include "base/buf.h"
#include "schema/args.h"
#include "schema/envelope.h"
#include "schema/job_answer.h"
#include "schema/json.h"
#include "schema/members.h"
#include "suite.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

typedef void (*vector_fn)(const char *name, struct bytes payload);

static void read_file(struct buf *out, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", LEAT_VECTORS, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    for (size_t got; (got = fread(buf_reserve(out, 65536), 1, 65536, file)) > 0;)
        out->len += got;
    buf_add(out, NULL, 0);
    fclose(file);
}

/* Run `check` on a copy of each file that ends where its memory ends. */
static int each_vector(const char *folder, vector_fn check)
{
    char path[1024], name[512];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s", LEAT_VECTORS, folder);
    DIR *dir = opendir(path);
    ck_assert_msg(dir != NULL, "%s", path);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        struct buf file = {0};
        read_file(&file, name);
        char *exact = malloc(file.len > 0 ? file.len : 1);
        memcpy(exact, file.data, file.len);
        check(name, (struct bytes){exact, file.len});
        free(exact);
        buf_fini(&file);
        count++;
    }
    closedir(dir);
    return count;
}

/* The reason that the table gives for a file; "" when it gives none. */
static void reason_of(const char *name, char *out, size_t size)
{
    struct buf table = {0};
    read_file(&table, "reasons");
    size_t len = strlen(name);
    out[0] = '\0';
    for (char *line = strtok(table.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (strncmp(line, name, len) == 0 && line[len] == '\t')
            snprintf(out, size, "%s", line + len + 1);
    buf_fini(&table);
}

static void check_reason(const char *name, const struct err *err)
{
    char want[512];
    reason_of(name, want, sizeof want);
    ck_assert_msg(want[0] != '\0', "no reason for %s", name);
    ck_assert_msg(err->code == LEAT_EDATA && strstr(err->text, want) != NULL,
                  "%s: '%s', not '%s'", name, err->text, want);
}

static void check_one_verdict(const char *name, struct bytes payload)
{
    struct members members;
    int quick = members_scan(&members, payload) == 0;
    int judge = json_check_object(payload, NULL) == LEAT_OK;
    ck_assert_msg(!quick || judge, "%s", name);
}

static int read_args(const struct envelope *envelope, struct arena *arena,
                     struct err *err)
{
    struct increment_args increment;
    struct refresh_args refresh;
    if (bytes_is(envelope->type, "increment"))
        return increment_args_read(&increment, envelope->args, arena, err);
    if (bytes_is(envelope->type, "refresh"))
        return refresh_args_read(&refresh, envelope->args, arena, err);
    return LEAT_OK;
}

static void check_valid(const char *name, struct bytes payload)
{
    struct arena arena = {0};
    struct err err = {0};
    struct envelope envelope;
    ck_assert_msg(envelope_read(&envelope, payload, &arena, &err) == LEAT_OK, "%s: %s",
                  name, err.text);
    ck_assert_msg(read_args(&envelope, &arena, &err) == LEAT_OK, "%s: %s", name,
                  err.text);
    arena_fini(&arena);
}

static void check_invalid(const char *name, struct bytes payload)
{
    struct arena arena = {0};
    struct err err = {0};
    struct envelope envelope = {.timeout_ms = 1234};
    ck_assert_msg(envelope_read(&envelope, payload, &arena, &err) == LEAT_EDATA, "%s",
                  name);
    ck_assert_int_eq(envelope.timeout_ms, 1234);
    check_reason(name, &err);
    arena_fini(&arena);
}

static void check_dies(const char *name, struct bytes payload)
{
    struct arena arena = {0};
    struct err err = {0};
    struct envelope envelope;
    ck_assert_msg(envelope_read(&envelope, payload, &arena, &err) == LEAT_OK, "%s: %s",
                  name, err.text);
    ck_assert_msg(read_args(&envelope, &arena, &err) == LEAT_EDATA, "%s", name);
    check_reason(name, &err);
    arena_fini(&arena);
}

/* ---- conversations ----------------------------------------------------------------- */

enum { CALLS_MAX = 8 };

/* The calls of one conversation that the child holds, by their handles. */
struct talk {
    const char *name;
    struct bytes held[CALLS_MAX];
    int held_count;
    struct arena arena;
};

static struct bytes text_of(struct talk *talk, const struct members *members,
                            const char *name)
{
    struct bytes text = {0};
    const struct member *member = members_find(members, name);
    if (member != NULL)
        member_text(member, &talk->arena, &text);
    return text;
}

static int find_held(const struct talk *talk, struct bytes handle)
{
    for (int i = 0; i < talk->held_count; i++)
        if (bytes_equal(talk->held[i], handle))
            return i;
    return -1;
}

static void check_said_to_child(struct talk *talk, struct bytes line)
{
    static const char *const names[] = {"id",       "type",        "queue", "attempt",
                                        "delivery", "deadline_ms", "token", "args"};
    struct members members;
    ck_assert_int_eq(members_read(&members, line, NULL), LEAT_OK);
    struct bytes cancelled = text_of(talk, &members, "cancel");
    struct bytes handle = text_of(talk, &members, "job");
    if (cancelled.len > 0) {
        ck_assert_int_ge(find_held(talk, cancelled), 0);
        return;
    }
    ck_assert(handle.len > 0 && find_held(talk, handle) < 0);
    for (size_t i = 0; i < COUNT(names); i++)
        ck_assert_msg(members_find(&members, names[i]) != NULL, "%s: no %s in %.*s",
                      talk->name, names[i], (int)line.len, line.at);
    ck_assert_int_lt(talk->held_count, CALLS_MAX);
    talk->held[talk->held_count++] = handle;
}

static void check_said_by_child(struct talk *talk, struct bytes line)
{
    struct job_answer answer;
    struct members members;
    struct err err = {0};
    ck_assert_int_eq(members_read(&members, line, NULL), LEAT_OK);
    if (members_find(&members, "in_flight") != NULL)
        return;
    ck_assert_msg(job_answer_read(&answer, line, &talk->arena, &err) == LEAT_OK, "%s: %s",
                  talk->name, err.text);
    int held = find_held(talk, answer.job);
    ck_assert_msg(held >= 0, "%s: %.*s is not held", talk->name, (int)line.len, line.at);
    if (answer.is_end)
        talk->held[held] = talk->held[--talk->held_count];
}

static void check_transcript(const char *name, struct bytes text)
{
    struct talk talk = {.name = name};
    const char *end = text.at + text.len;
    for (const char *at = text.at, *stop; at < end; at = stop + 1) {
        stop = memchr(at, '\n', (size_t)(end - at));
        ck_assert_msg(stop != NULL && stop - at > 2 && at[1] == ' ', "%s", name);
        struct bytes line = {at + 2, (size_t)(stop - at - 2)};
        if (*at == '>')
            check_said_to_child(&talk, line);
        else if (*at == '<')
            check_said_by_child(&talk, line);
        else
            ck_assert(*at == '#' || *at == '!');
    }
    ck_assert_int_eq(talk.held_count, 0);
    arena_fini(&talk.arena);
}

/* ---- tests ------------------------------------------------------------------------- */

START_TEST(transcripts_are_calls_and_their_answers)
{
    ck_assert_int_ge(each_vector("transcripts", check_transcript), 2);
}
END_TEST

START_TEST(valid_payloads_are_jobs)
{
    ck_assert_int_gt(each_vector("valid", check_valid), 30);
}
END_TEST

START_TEST(invalid_payloads_are_refused_with_their_reason)
{
    ck_assert_int_gt(each_vector("invalid", check_invalid), 80);
}
END_TEST

START_TEST(jobs_die_of_bad_args_with_their_reason)
{
    ck_assert_int_gt(each_vector("dies", check_dies), 50);
}
END_TEST

START_TEST(scanner_and_jansson_give_one_verdict_on_every_vector)
{
    each_vector("valid", check_one_verdict);
    each_vector("invalid", check_one_verdict);
    each_vector("dies", check_one_verdict);
}
END_TEST

START_TEST(every_reason_has_its_file)
{
    struct buf table = {0};
    read_file(&table, "reasons");
    char *next = table.data;
    for (char *line; (line = strsep(&next, "\n")) != NULL;) {
        if (*line == '#' || *line == '\0')
            continue;
        struct buf file = {0};
        read_file(&file, strsep(&line, "\t"));
        buf_fini(&file);
    }
    buf_fini(&table);
}
END_TEST

SUITE("vectors", valid_payloads_are_jobs, invalid_payloads_are_refused_with_their_reason,
      jobs_die_of_bad_args_with_their_reason,
      scanner_and_jansson_give_one_verdict_on_every_vector, every_reason_has_its_file,
      transcripts_are_calls_and_their_answers)
