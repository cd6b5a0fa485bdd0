/* SPDX-License-Identifier: MIT */
#include "libleat_job.h"
#include "base/clock.h"
#include "base/text.h"
#include "schema/envelope.h"
#include "schema/job.h"

#include <stdio.h>
#include <string.h>

void libleat_job_fini(struct libleat_job *job)
{
    arena_fini(&job->arena);
    buf_fini(&job->args);
    buf_fini(&job->then);
    buf_fini(&job->payload);
}

/* A text from outside meets its limit before it is copied. */
static int check_text(const char *text, const char *name, size_t max, struct err *err)
{
    if (text != NULL && strnlen(text, max + 1) > max)
        return err_set(err, LEAT_EDATA, "'%s' has more than %zu bytes", name, max);
    if (text != NULL && !text_is_utf8(bytes_of(text)))
        return err_set(err, LEAT_EDATA, "'%s' is not UTF-8", name);
    return LEAT_OK;
}

static int check_texts(const struct leat_job *given, struct err *err)
{
    if (given->type == NULL)
        return err_set(err, LEAT_EUSAGE, "the job's 'type' is missing");
    if (given->id != NULL && given->id[0] == '\0')
        return err_set(err, LEAT_EDATA, "'id' is empty");
    int code = check_text(given->type, "type", LIMIT_TYPE_BYTES, err);
    if (code == LEAT_OK)
        code = check_text(given->id, "id", LIMIT_ID_BYTES, err);
    if (code == LEAT_OK)
        code = check_text(given->args, "args", LIMIT_PAYLOAD_BYTES, err);
    if (code == LEAT_OK)
        code = check_text(given->then, "then", LIMIT_PAYLOAD_BYTES, err);
    return code;
}

static int check_number(int64_t number, const char *name, int64_t min, int64_t max,
                        struct err *err)
{
    if (number >= min && number <= max)
        return LEAT_OK;
    return err_set(err, LEAT_EDATA, "'%s' is %lld, it must be from %lld to %lld", name,
                   (long long)number, (long long)min, (long long)max);
}

static int check_numbers(const struct leat_job *given, int64_t now_ms, struct err *err)
{
    const struct {
        int64_t number;
        const char *name;
        int64_t min, max;
    } rows[] = {
        {given->in_ms, "in_ms", 0, LIMIT_DELAY_MS},
        {given->at_ms, "at_ms", 0, now_ms + LIMIT_DELAY_MS},
        {given->retries, "retries", LEAT_NO_RETRIES, LIMIT_RETRIES},
        {given->timeout_ms, "timeout_ms", 0, LIMIT_LEASE_MS},
        {given->track, "track", 0, 1},
    };
    int code = LEAT_OK;
    for (unsigned i = 0; code == LEAT_OK && i < sizeof rows / sizeof *rows; i++)
        code = check_number(rows[i].number, rows[i].name, rows[i].min, rows[i].max, err);
    if (code == LEAT_OK && given->in_ms > 0 && given->at_ms > 0)
        code = err_set(err, LEAT_EUSAGE, "'in_ms' and 'at_ms' exclude each other");
    return code;
}

static int64_t retries_of(int64_t given)
{
    if (given == LEAT_NO_RETRIES)
        return 0;
    return given == 0 ? -1 : given;
}

static struct pusher_due due_of(const struct leat_job *given)
{
    if (given->at_ms > 0)
        return (struct pusher_due){PUSH_AT, given->at_ms};
    return (struct pusher_due){given->in_ms > 0 ? PUSH_IN : PUSH_NOW, given->in_ms};
}

static void write_id(struct libleat_job *job, const char *given, int64_t now_ms)
{
    if (given != NULL)
        snprintf(job->id, sizeof job->id, "%s", given);
    else
        uuid_make(&job->ids, now_ms, job->id);
}

static int write_payload(struct libleat_job *job, const struct leat_job *given,
                         struct err *err)
{
    const char *args = given->args != NULL ? given->args : "{}";
    buf_reset(&job->args);
    buf_reset(&job->then);
    int code = job_add_json(&job->args, "'args'", bytes_of(args), err);
    if (code == LEAT_OK && given->then != NULL)
        code = job_add_json(&job->then, "'then'", bytes_of(given->then), err);
    if (code != LEAT_OK)
        return code;
    struct envelope_draft draft = {.type = given->type,
                                   .id = job->id,
                                   .args = buf_bytes(&job->args),
                                   .retries_max = retries_of(given->retries),
                                   .timeout_ms = given->timeout_ms,
                                   .track = given->track != 0,
                                   .then = buf_bytes(&job->then)};
    buf_reset(&job->payload);
    envelope_write(&job->payload, &draft);
    arena_reset(&job->arena);
    return job_check(buf_bytes(&job->payload), &job->arena, err);
}

int libleat_job_write(struct libleat_job *job, const struct leat_job *given,
                      struct err *err)
{
    int64_t now_ms = clock_wall_ms();
    int code = check_texts(given, err);
    if (code == LEAT_OK)
        code = check_numbers(given, now_ms, err);
    if (code != LEAT_OK)
        return code;
    write_id(job, given->id, now_ms);
    job->due = due_of(given);
    return write_payload(job, given, err);
}
