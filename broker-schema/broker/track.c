/* SPDX-License-Identifier: MIT */
#include "broker/track.h"
#include "base/text.h"
#include "broker/reply.h"
#include "schema/envelope.h"
#include "schema/job.h"

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
    if (!envelope_is_name(id, LIMIT_ID_BYTES))
        return err_set(err, LEAT_EUSAGE,
                       "'%.80s' is no job's id: 1 to %d of A-Z a-z 0-9 . _ : -", id,
                       LIMIT_ID_BYTES);
    *key = queue_record_key(queue, bytes_of(id), arena).at;
    return LEAT_OK;
}

/* ---- reading ----------------------------------------------------------------------- */

static void take(struct buf *out, const struct redisReply *fields, const char *name,
                 size_t max)
{
    struct bytes text = reply_bytes(reply_field(fields, name));
    if (text.len == 0 || text.len > max)
        return;
    buf_reset(out);
    buf_add(out, text.at, text.len);
}

/* A state of another version, or none: it is under way. */
static enum track_state state_of(const struct redisReply *fields, enum track_state before)
{
    struct bytes name = reply_bytes(reply_field(fields, "state"));
    for (int i = TRACK_NONE + 1; i < STATE_COUNT; i++)
        if (bytes_is(name, states[i].name))
            return (enum track_state)i;
    return before == TRACK_NONE ? TRACK_RUNNING : before;
}

/* Those of a run that failed are told before its end, and stay until the next begins. */
static void take_tails(struct track_record *record, const struct redisReply *fields)
{
    if (record->state < TRACK_RUNNING || reply_field(fields, "attempt") != NULL) {
        buf_reset(&record->out);
        buf_reset(&record->err);
    }
    take(&record->out, fields, "stdout", LIMIT_TAIL_BYTES);
    take(&record->err, fields, "stderr", LIMIT_TAIL_BYTES);
}

/* What was true of the state before. */
static void forget(struct track_record *record)
{
    record->due_ms = 0;
    buf_reset(&record->progress);
    buf_reset(&record->result);
    buf_reset(&record->error);
    if (record->state == TRACK_QUEUED || record->state == TRACK_SCHEDULED)
        record->attempt = 0; /* pushed anew */
}

void track_add(struct track_record *record, const struct stream_entry *entry)
{
    const struct redisReply *fields = entry->fields;
    int is_same = record->state == TRACK_RUNNING;
    record->state = state_of(fields, record->state);
    record->at_ms = (int64_t)entry->id.ms;
    if (!is_same || record->state != TRACK_RUNNING)
        forget(record);
    record->attempt = reply_int(reply_field(fields, "attempt"), record->attempt);
    record->due_ms = reply_int(reply_field(fields, "due"), record->due_ms);
    take(&record->progress, fields, "progress", LIMIT_PROGRESS_BYTES);
    take(&record->result, fields, "result", LIMIT_RESULT_BYTES);
    take(&record->error, fields, "error", LIMIT_RESULT_BYTES);
    take_tails(record, fields);
}

void track_add_all(struct track_record *record, const struct redisReply *reply)
{
    struct stream_entry entry;
    for (size_t left = reply_count(reply); left-- > 0;)
        if (stream_entry_read(&entry, reply_at(reply, left)) == 0)
            track_add(record, &entry);
}

void track_fini(struct track_record *record)
{
    buf_fini(&record->progress);
    buf_fini(&record->result);
    buf_fini(&record->error);
    buf_fini(&record->out);
    buf_fini(&record->err);
    *record = (struct track_record){0};
}

/* ---- showing ----------------------------------------------------------------------- */

/* Raw JSON stays what it is; what is none is shown as a text. */
static void add_json(struct buf *out, const char *name, const struct buf *json)
{
    if (json->len == 0)
        return;
    buf_addf(out, ",\"%s\":", name);
    if (job_add_json(out, name, buf_bytes(json), NULL) != LEAT_OK)
        text_json_string(out, buf_bytes(json));
}

static void add_text(struct buf *out, const char *name, const struct buf *text)
{
    if (text->len == 0)
        return;
    buf_addf(out, ",\"%s\":", name);
    text_json_string(out, buf_bytes(text));
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
    add_json(out, "progress", &record->progress);
    add_json(out, "result", &record->result);
    add_text(out, "error", &record->error);
    add_text(out, "stdout", &record->out);
    add_text(out, "stderr", &record->err);
    buf_addc(out, '}');
}
