/* SPDX-License-Identifier: MIT */
/* leat doctor: is this Redis fit for us, and is anything wrong in it? */
#include "doctor.h"
#include "verb.h"

#include <stdarg.h>
#include <stdio.h>

struct doctor_options {
    struct common_options common;
};

static const char *const finding_names[FINDING_COUNT] = {"ok", "warn", "FAIL", "FAIL"};

/* As a list for people each line is `ok name: finding`, on a terminal or not. */
static const struct table_column columns[] = {
    {"", "level", TABLE_TEXT},
    {"", "check", TABLE_TEXT},
    {"", "finding", TABLE_TEXT},
};

void doctor_say(struct doctor *doctor, enum finding finding, const char *check,
                const char *format, ...)
{
    struct err text = {0}; /* a line without controls, whatever was quoted */
    char line[sizeof text.text];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    err_set(&text, LEAT_ENO, "%s", line);
    doctor->seen[finding]++;
    if (doctor->table.mode == TABLE_JSON) {
        table_text(&doctor->table, bytes_of(finding_names[finding]));
        table_text(&doctor->table, bytes_of(check));
        table_text(&doctor->table, bytes_of(text.text));
    } else {
        buf_addf(doctor->table.out, "%-4s %s: %s\n", finding_names[finding], check,
                 text.text);
    }
    verb_print(doctor->table.out);
    fflush(stdout);
}

static int exit_status(const struct doctor *doctor)
{
    if (doctor->seen[FINDING_CONFIG] > 0)
        return err_exit_status(LEAT_ECONFIG);
    return err_exit_status(doctor->seen[FINDING_FAIL] > 0 ? LEAT_ENO : LEAT_OK);
}

/* Nothing else can be asked when this fails. */
static int reach(struct doctor *doctor, const struct common_options *common,
                 struct err *err)
{
    const struct redisReply *reply;
    int code = command_open(&doctor->client, common, 0, err);
    if (code == LEAT_OK) {
        cmd_set(&doctor->client.cmd, "INFO", NULL);
        code = client_call(&doctor->client, &reply, err);
    }
    if (code != LEAT_OK) {
        doctor_say(doctor, FINDING_FAIL, "reachable", "%s", err->text);
        return code;
    }
    struct bytes info = reply_bytes(reply);
    doctor->info = (struct bytes){arena_dup(&doctor->arena, info), info.len};
    doctor_say(doctor, FINDING_OK, "reachable", "Redis answers");
    return LEAT_OK;
}

static int run(int argc, char **argv)
{
    static const struct opt_spec spec = {
        .about =
            "Check that this Redis is fit for leat, and look for what is wrong.\v"
            "Exit status: 0 nothing fails (there may be warnings), 1 something fails, "
            "69 Redis is not reachable, 78 Redis is configured so that jobs may be "
            "lost, or too old.",
        COMMAND_SHARES,
    };
    struct doctor_options options = {0};
    struct doctor doctor = {0};
    struct buf out = {0};
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    table_open(&doctor.table, options.common.json ? TABLE_JSON : TABLE_TABS, columns, 3,
               &out);
    int code = reach(&doctor, &options.common, &err);
    if (code == LEAT_OK) {
        doctor_server(&doctor);
        doctor_queues(&doctor);
    }
    table_close(&doctor.table);
    client_close(&doctor.client);
    overview_fini(&doctor.overview);
    arena_fini(&doctor.arena);
    buf_fini(&out);
    return code == LEAT_OK ? exit_status(&doctor) : err_exit_status(code);
}

const struct command cmd_doctor = {"doctor", "Check Redis and what is kept in it", run};
