/* SPDX-License-Identifier: MIT */
#include "dashboard/job_json.h"
#include "base/text.h"
#include "schema/failure.h"

#include <string.h>

/* ---- reading ----------------------------------------------------------------------- */

static struct bytes keep(struct arena *arena, struct buf *text)
{
    struct bytes kept = {arena_dup(arena, buf_bytes(text)), text->len};
    buf_fini(text);
    return kept;
}

static struct bytes handle_of(const struct resting *resting, struct arena *arena)
{
    struct buf handle = {0};
    resting_handle(&handle, resting);
    return keep(arena, &handle);
}

static void take_entry(struct job_facts *facts, const struct entry *entry,
                       struct arena *arena)
{
    struct buf error = {0};
    entry_decode_error(&error, entry->error);
    facts->iid = entry->iid;
    facts->deliveries = entry->deliveries;
    facts->fails = entry->fails;
    facts->error = keep(arena, &error);
    facts->payload = entry->payload;
    facts->payload_bytes = (int64_t)entry->payload.len;
}

static const struct job_facts nothing_known = {
    .at_ms = JOB_JSON_UNKNOWN,
    .due_ms = JOB_JSON_UNKNOWN,
    .deliveries = JOB_JSON_UNKNOWN,
    .fails = JOB_JSON_UNKNOWN,
};

void job_facts_resting(struct job_facts *facts, const struct resting *resting,
                       struct arena *arena)
{
    struct resting_view view;
    *facts = nothing_known;
    resting_read(&view, resting, arena);
    facts->handle = handle_of(resting, arena);
    facts->id = view.job.id;
    facts->type = view.job.type;
    if (resting->kind == RESTING_DEAD) {
        take_entry(facts, &view.entry, arena);
        facts->at_ms = resting->died_ms;
        return;
    }
    facts->error =
        (struct bytes){arena_dup(arena, bytes_of(view.err.text)), strlen(view.err.text)};
    facts->payload = resting_payload(resting, &view);
    facts->payload_bytes = (int64_t)facts->payload.len;
}

static int read_dead(struct job_facts *facts, struct bytes raw, int64_t at_ms,
                     struct arena *arena)
{
    const struct resting resting = {RESTING_DEAD, raw, at_ms};
    job_facts_resting(facts, &resting, arena);
    return 0;
}

static int read_bad(struct job_facts *facts, struct bytes raw, int64_t at_ms,
                    struct arena *arena)
{
    const struct resting resting = {RESTING_BAD, raw, at_ms};
    job_facts_resting(facts, &resting, arena);
    return 0;
}

static int read_failed(struct job_facts *facts, struct bytes raw, int64_t at_ms,
                       struct arena *arena)
{
    struct failure failure;
    (void)at_ms; /* a list has no scores */
    if (failure_read(&failure, raw) != 0)
        return -1;
    *facts = nothing_known;
    take_entry(facts, &failure.entry, arena);
    failure_name(&failure, arena, &facts->type, &facts->id);
    facts->at_ms = failure.at_ms;
    facts->outcome = failure.is_death ? "dead" : "retry";
    facts->out = failure.out;
    facts->err = failure.err;
    facts->payload_bytes = failure.payload_bytes;
    if (failure.is_death && !failure.is_cut) {
        const struct resting resting = {RESTING_DEAD, failure.raw, failure.at_ms};
        facts->handle = handle_of(&resting, arena);
        facts->dead_raw = failure.raw;
    }
    return 0;
}

static void read_waiting(struct job_facts *facts, struct bytes raw, struct arena *arena)
{
    struct entry entry = {.payload = raw};
    struct envelope job = {0};
    *facts = nothing_known;
    entry_read(&entry, raw); /* what is no header stays payload: it will be quarantined */
    envelope_read(&job, entry.payload, arena, NULL);
    take_entry(facts, &entry, arena);
    facts->id = job.id;
    facts->type = job.type;
}

static int read_ready(struct job_facts *facts, struct bytes raw, int64_t at_ms,
                      struct arena *arena)
{
    (void)at_ms;
    read_waiting(facts, raw, arena);
    return 0;
}

static int read_scheduled(struct job_facts *facts, struct bytes raw, int64_t at_ms,
                          struct arena *arena)
{
    read_waiting(facts, raw, arena);
    facts->due_ms = at_ms;
    return facts->fails == 0 ? 0 : -1;
}

static int read_retrying(struct job_facts *facts, struct bytes raw, int64_t at_ms,
                         struct arena *arena)
{
    read_waiting(facts, raw, arena);
    facts->due_ms = at_ms;
    return facts->fails > 0 ? 0 : -1;
}

const struct job_state *job_state_find(const char *name)
{
    static const struct job_state states[] = {
        {"dead", WALK_DEAD, read_dead},
        {"bad", WALK_BAD, read_bad},
        {"failed", WALK_FAILED, read_failed},
        {"scheduled", WALK_SCHEDULED, read_scheduled},
        {"retrying", WALK_SCHEDULED, read_retrying},
        {"ready", WALK_READY, read_ready},
    };
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i].name, name) == 0)
            return &states[i];
    return NULL;
}

/* ---- writing ----------------------------------------------------------------------- */

static void add_key(struct buf *out, const char *key)
{
    buf_addf(out, "\"%s\":", key);
}

static void add_shown(struct buf *out, const char *key, struct bytes text, size_t max)
{
    struct buf shown = {0};
    if (text.len == 0)
        return;
    text_printable(&shown, text, max);
    add_key(out, key);
    text_json_string(out, buf_bytes(&shown));
    buf_addc(out, ',');
    buf_fini(&shown);
}

static void add_lines(struct buf *out, const char *key, struct bytes text)
{
    if (text.len == 0)
        return;
    add_key(out, key);
    text_tame_string(out, text);
    buf_addc(out, ',');
}

static void add_number(struct buf *out, const char *key, int64_t number)
{
    if (number == JOB_JSON_UNKNOWN)
        return;
    add_key(out, key);
    buf_add_int(out, number);
    buf_addc(out, ',');
}

/* A name that is sent back to us: as it is. */
static void add_name(struct buf *out, const char *key, struct bytes name)
{
    if (name.len == 0)
        return;
    add_key(out, key);
    text_json_string(out, name);
    buf_addc(out, ',');
}

void job_json_handle(struct buf *out, struct bytes handle)
{
    add_name(out, "handle", handle);
}

void job_json_members(struct buf *out, const struct job_facts *facts, size_t payload_max)
{
    struct buf payload = {0};
    add_name(out, "iid", facts->iid);
    add_shown(out, "id", facts->id, LIMIT_ID_BYTES);
    add_shown(out, "type", facts->type, LIMIT_TYPE_BYTES);
    add_number(out, "at_ms", facts->at_ms);
    add_number(out, "due_ms", facts->due_ms);
    add_shown(out, "outcome", bytes_of(facts->outcome != NULL ? facts->outcome : ""), 16);
    add_number(out, "deliveries", facts->deliveries);
    add_number(out, "fails", facts->fails);
    add_shown(out, "error", facts->error, sizeof((struct err *)NULL)->text);
    add_lines(out, "stdout", facts->out);
    add_lines(out, "stderr", facts->err);
    text_printable(&payload, facts->payload, payload_max);
    if (facts->payload.len <= payload_max &&
        facts->payload_bytes > (int64_t)facts->payload.len)
        buf_adds(&payload, "…"); /* it was cut before it came here */
    add_key(out, "payload");
    text_json_string(out, buf_bytes(&payload));
    buf_adds(out, ",\"payload_bytes\":");
    buf_add_int(out, facts->payload_bytes);
    buf_fini(&payload);
}
