/* SPDX-License-Identifier: MIT */
#include "broker/track.h"
#include "base/text.h"
#include "broker/reply.h"
#include "schema/job.h"

#include <string.h>

static const struct {
    const char *name;
    int is_end;
} states[] = {
#define X(state, name, is_end) [state] = {name, is_end},
    TRACK_STATES(X)
#undef X
};

enum { STATE_COUNT = sizeof states / sizeof *states };

const char *track_state_name(enum track_state state)
{
    return states[state].name;
}

int track_is_end(enum track_state state)
{
    return states[state].is_end;
}

int track_key(const char **key, const struct queue *queue, const char *id,
              struct arena *arena, struct err *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._:-";
    size_t len = strlen(id);
    if (len == 0 || len > LIMIT_ID_BYTES || strspn(id, allowed) != len)
        return err_set(err, LEAT_EUSAGE,
                       "'%.80s' is no job's id: 1 to %d of A-Z a-z 0-9 . _ : -", id,
                       LIMIT_ID_BYTES);
    *key = arena_printf(arena, "%st:%s", queue->prefix, id);
    return LEAT_OK;
}

/* ---- reading ----------------------------------------------------------------------- */

/* What is longer than any script of ours writes is left out. */
static struct bytes text_of(const struct redisReply *fields, const char *name, size_t max)
{
    struct bytes text = reply_bytes(reply_field(fields, name));
    return text.len <= max ? text : bytes_of("");
}

int track_read(struct track_record *record, const struct stream_entry *entry)
{
    const struct redisReply *fields = entry->fields;
    struct bytes state = reply_bytes(reply_field(fields, "state"));
    int i = 0;
    while (i < STATE_COUNT && !bytes_is(state, states[i].name))
        i++;
    if (i == STATE_COUNT)
        return -1;
    *record = (struct track_record){
        .state = (enum track_state)i,
        .at_ms = entry->at_ms,
        .attempt = reply_int(reply_field(fields, "attempt"), 0),
        .due_ms = reply_int(reply_field(fields, "due"), 0),
        .progress = text_of(fields, "progress", LIMIT_PROGRESS_BYTES),
        .result = text_of(fields, "result", LIMIT_RESULT_BYTES),
        .error = text_of(fields, "error", LIMIT_RESULT_BYTES),
    };
    return 0;
}

void track_put_ask(struct cmd *cmd, const char *key)
{
    cmd_set(cmd, "XREVRANGE", key, "+", "-", "COUNT", "1", NULL);
}

int track_read_answer(struct track_record *record, const struct redisReply *reply)
{
    const struct redisReply *entry = reply_at(reply, 0);
    struct bytes id = reply_bytes(reply_at(entry, 0));
    const char *dash = memchr(id.at, '-', id.len);
    struct stream_entry read = {.fields = reply_at(entry, 1)};
    if (dash != NULL)
        text_to_int((struct bytes){id.at, (size_t)(dash - id.at)}, &read.at_ms);
    return entry != NULL ? track_read(record, &read) : -1;
}

/* ---- showing ----------------------------------------------------------------------- */

/* Raw JSON stays what it is; what is none is shown as a text. */
static void add_json(struct buf *out, const char *name, struct bytes json)
{
    if (json.len == 0)
        return;
    buf_addf(out, ",\"%s\":", name);
    if (job_add_json(out, name, json, NULL) != LEAT_OK)
        text_json_string(out, json);
}

static void add_number(struct buf *out, const char *name, int64_t number)
{
    if (number != 0)
        buf_addf(out, ",\"%s\":%lld", name, (long long)number);
}

void track_json(struct buf *out, const struct queue *queue, const char *id,
                const struct track_record *record)
{
    buf_addf(out, "{\"id\":\"%s\",\"queue\":\"%s\",\"state\":\"%s\"", id, queue->name,
             track_state_name(record->state));
    add_number(out, "at_ms", record->at_ms);
    add_number(out, "attempt", record->attempt);
    add_number(out, "due_ms", record->due_ms);
    add_json(out, "progress", record->progress);
    add_json(out, "result", record->result);
    if (record->error.len > 0) {
        buf_adds(out, ",\"error\":");
        text_json_string(out, record->error);
    }
    buf_addc(out, '}');
}
