/* SPDX-License-Identifier: MIT */
#include "schema/job_answer.h"
#include "base/text.h"
#include "schema/fields.h"
#include "schema/limits.h"

#include <string.h>

enum { NOT_GIVEN = -1, SHOWN_BYTES = 60 };

/* An answer as it is written, before its members are held against each other. */
struct given {
    struct job_answer answer;
    struct bytes incr, push;
    int64_t retry_in_ms, again_in_ms;
    int retry;
};

#define AT(member) offsetof(struct given, member)

static const struct field rows[] = {
    {"job", FIELD_TEXT, AT(answer.job), 1, LIMIT_ID_BYTES, 0, NULL},
    {"error", FIELD_TEXT, AT(answer.error), 0, LIMIT_ANSWER_BYTES, 0, NULL},
    {"retry", FIELD_BOOL, AT(retry), 0, 0, 0, NULL},
    {"retry_in_ms", FIELD_INT, AT(retry_in_ms), 0, LIMIT_DELAY_MS, 0, NULL},
    {"again_in_ms", FIELD_INT, AT(again_in_ms), 0, LIMIT_DELAY_MS, 0, NULL},
    {"incr", FIELD_OBJECT, AT(incr), 0, 0, 0, NULL},
    {"push", FIELD_ARRAY, AT(push), 0, 0, 0, NULL},
    {"result", FIELD_RAW, AT(answer.result), 0, 0, 0, NULL},
    {"progress", FIELD_RAW, AT(answer.progress), 0, 0, 0, NULL},
};

/* ---- effects ----------------------------------------------------------------------- */

/* Count the items of an array or object, at most one more than are allowed, so that
 * memory for them meets its limit. */
static int count_items(const char *name, struct bytes raw, int *count, struct err *err)
{
    struct members_walk walk;
    struct member item;
    int found = 0;
    members_walk(&walk, raw);
    while (found <= LIMIT_EFFECTS && members_next(&walk, &item))
        found++;
    if (found > LIMIT_EFFECTS)
        return err_set(err, LEAT_EDATA, "'%s' has more than %d items", name,
                       LIMIT_EFFECTS);
    *count = found;
    return LEAT_OK;
}

static int refuse_by(const struct member *member, struct err *err)
{
    struct buf shown = {0};
    text_printable(&shown, member->raw, SHOWN_BYTES);
    err_set(err, LEAT_EDATA, "'incr' adds integers from -2^53 to 2^53, not %s",
            buf_text(&shown));
    buf_fini(&shown);
    return LEAT_EDATA;
}

static int read_counter(struct answer_incr *out, const struct member *member,
                        struct arena *arena, struct err *err)
{
    out->counter = member_key(member, arena);
    if (out->counter.len < 1 || out->counter.len > LIMIT_COUNTER_NAME_BYTES)
        return err_set(err, LEAT_EDATA,
                       "'incr' has a counter of %zu bytes, allowed are 1 to %d",
                       out->counter.len, LIMIT_COUNTER_NAME_BYTES);
    if (member_int(member, &out->by) != 0 || out->by < -LIMIT_BY || out->by > LIMIT_BY)
        return refuse_by(member, err);
    return LEAT_OK;
}

static int read_incr(struct job_answer *out, struct bytes raw, struct arena *arena,
                     struct err *err)
{
    struct members_walk walk;
    struct member member;
    int code = count_items("incr", raw, &out->incr_count, err);
    if (code != LEAT_OK || out->incr_count == 0)
        return code;
    out->incr = arena_alloc(arena, (size_t)out->incr_count * sizeof *out->incr);
    members_walk(&walk, raw);
    for (int i = 0; code == LEAT_OK && members_next(&walk, &member); i++)
        code = read_counter(&out->incr[i], &member, arena, err);
    return code;
}

/* One follow-up; `total` sums up their payloads. */
static int read_follow_up(struct follow_up *out, int index, struct bytes raw,
                          size_t *total, struct arena *arena, struct err *err)
{
    struct err why = {0};
    int code = follow_up_read(out, raw, arena, &why);
    if (code != LEAT_OK)
        return err_set(err, code, "'push' item %d: %s", index + 1, why.text);
    *total += out->payload.len;
    if (*total > LIMIT_FOLLOW_UPS_BYTES)
        return err_set(err, LEAT_EDATA, "the jobs in 'push' have more than %d bytes",
                       LIMIT_FOLLOW_UPS_BYTES);
    return LEAT_OK;
}

static int read_push(struct job_answer *out, struct bytes raw, struct arena *arena,
                     struct err *err)
{
    struct members_walk walk;
    struct member item;
    size_t total = 0;
    int code = count_items("push", raw, &out->push_count, err);
    if (code != LEAT_OK || out->push_count == 0)
        return code;
    out->push = arena_alloc(arena, (size_t)out->push_count * sizeof *out->push);
    members_walk(&walk, raw);
    for (int i = 0; code == LEAT_OK && members_next(&walk, &item); i++)
        code = read_follow_up(&out->push[i], i, item.raw, &total, arena, err);
    return code;
}

/* ---- the whole --------------------------------------------------------------------- */

static int is_failed(const struct given *given)
{
    return given->answer.error.at != NULL;
}

static int has_effects(const struct given *given)
{
    return given->incr.len + given->push.len + given->answer.result.len > 0;
}

/* Which members contradict each other; NULL when none do. */
static const char *contradiction(const struct given *given)
{
    int failed = is_failed(given), later = given->again_in_ms != NOT_GIVEN;
    if (failed && later)
        return "'error' and 'again_in_ms' exclude each other";
    if (!failed && (given->retry != NOT_GIVEN || given->retry_in_ms != NOT_GIVEN))
        return "'retry' and 'retry_in_ms' belong to an 'error'";
    if (given->retry == 0 && given->retry_in_ms != NOT_GIVEN)
        return "'retry_in_ms' is of no use when 'retry' is false";
    if ((failed || later) && has_effects(given))
        return "'incr', 'push' and 'result' belong to a job that is done, not to 'error' "
               "or 'again_in_ms'";
    return NULL;
}

static enum answer_end end_of(const struct given *given)
{
    if (is_failed(given))
        return given->retry == 0 ? ANSWER_DEAD : ANSWER_FAILED;
    return given->again_in_ms != NOT_GIVEN ? ANSWER_LATER : ANSWER_DONE;
}

static int check_size(const char *name, struct bytes raw, int limit, struct err *err)
{
    if (raw.len <= (size_t)limit)
        return LEAT_OK;
    return err_set(err, LEAT_EDATA, "'%s' has %zu bytes, the limit is %d", name, raw.len,
                   limit);
}

/* Hold the members against each other and against their limits, and read the effects. */
static int judge(struct given *given, struct arena *arena, struct err *err)
{
    struct job_answer *answer = &given->answer;
    const char *wrong = contradiction(given);
    if (wrong != NULL)
        return err_set(err, LEAT_EDATA, "%s", wrong);
    int code = check_size("result", answer->result, LIMIT_RESULT_BYTES, err);
    if (code == LEAT_OK)
        code = check_size("progress", answer->progress, LIMIT_PROGRESS_BYTES, err);
    if (code == LEAT_OK)
        code = read_incr(answer, given->incr, arena, err);
    if (code == LEAT_OK)
        code = read_push(answer, given->push, arena, err);
    answer->end = end_of(given);
    answer->is_end =
        answer->progress.len == 0 || answer->end != ANSWER_DONE || has_effects(given);
    answer->retry_in_ms = given->retry_in_ms != NOT_GIVEN ? given->retry_in_ms : 0;
    answer->again_in_ms = given->again_in_ms != NOT_GIVEN ? given->again_in_ms : 0;
    return code;
}

int job_answer_read(struct job_answer *out, struct bytes json, struct arena *arena,
                    struct err *err)
{
    struct members members;
    struct given given = {
        .retry = NOT_GIVEN, .retry_in_ms = NOT_GIVEN, .again_in_ms = NOT_GIVEN};
    if (json.len > LIMIT_ANSWER_BYTES)
        return err_set(err, LEAT_EDATA, "it has %zu bytes, the limit is %d", json.len,
                       LIMIT_ANSWER_BYTES);
    int code = members_read(&members, json, err);
    if (code == LEAT_OK)
        code =
            fields_read(rows, sizeof rows / sizeof *rows, &members, arena, &given, err);
    if (code == LEAT_OK)
        code = judge(&given, arena, err);
    if (code == LEAT_OK)
        *out = given.answer;
    return code;
}

int job_answer_is_progress(const struct members *members)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, "job") != 0 && strcmp(rows[i].name, "progress") != 0 &&
            members_find(members, rows[i].name) != NULL)
            return 0;
    return members_find(members, "progress") != NULL;
}
