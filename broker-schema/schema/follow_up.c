/* SPDX-License-Identifier: MIT */
#include "schema/follow_up.h"
#include "base/clock.h"
#include "schema/envelope.h"
#include "schema/fields.h"
#include "schema/limits.h"
#include "schema/queue.h"
#include "schema/uuid.h"

#include <string.h>

#define AT(member) offsetof(struct follow_up, member)

static const struct field rows[] = {
    {"queue", FIELD_TEXT, AT(queue), 1, LIMIT_QUEUE_NAME_BYTES, 0, queue_allows},
    {"in_ms", FIELD_INT, AT(in_ms), 0, LIMIT_DELAY_MS, 0, NULL},
    {"at_ms", FIELD_INT, AT(at_ms), 0, INT64_MAX, 0, NULL},
};

int follow_up_target(struct follow_up *out, const struct members *members,
                     struct arena *arena, struct err *err)
{
    struct follow_up read = {.payload = out->payload};
    int code = fields_read(rows, sizeof rows / sizeof *rows, members, arena, &read, err);
    if (code != LEAT_OK)
        return code;
    if (members_find(members, "in_ms") != NULL && members_find(members, "at_ms") != NULL)
        return err_set(err, LEAT_EDATA, "'in_ms' and 'at_ms' exclude each other");
    if (read.at_ms > 0 && read.at_ms - clock_wall_ms() > LIMIT_DELAY_MS)
        return err_set(err, LEAT_EDATA, "'at_ms' is more than ten years ahead");
    *out = read;
    return LEAT_OK;
}

static int is_target(const struct member *member)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (bytes_is(member->key, rows[i].name))
            return 1;
    return 0;
}

static char *append(char *at, struct bytes piece)
{
    memcpy(at, piece.at, piece.len);
    return at + piece.len;
}

/* The key's quotes stand around what `key` views. */
static char *append_member(char *at, const struct member *member)
{
    at = append(at, (struct bytes){member->key.at - 1, member->key.len + 2});
    *at++ = ':';
    at = append(at, member->raw);
    *at++ = ',';
    return at;
}

static char *append_id(char *at)
{
    struct uuid_maker ids = {0};
    char id[UUID_CHARS + 1];
    uuid_make(&ids, clock_wall_ms(), id);
    at = append(at, bytes_of("\"id\":\""));
    at = append(at, (struct bytes){id, UUID_CHARS});
    return append(at, bytes_of("\","));
}

enum { ID_BYTES = UUID_CHARS + 8 };

/* Write the members without the target's; what closes the object takes the place of the
 * last comma, for an id is always there. No longer than `size` and an id, since else only
 * blanks and members go. */
static struct bytes write_payload(const struct members *members, size_t size,
                                  struct arena *arena)
{
    char *start = arena_alloc(arena, size + ID_BYTES), *at = start;
    *at++ = '{';
    for (int i = 0; i < members->count; i++)
        if (!is_target(&members->at[i]))
            at = append_member(at, &members->at[i]);
    if (members_find(members, "id") == NULL)
        at = append_id(at);
    at[-1] = '}';
    return (struct bytes){start, (size_t)(at - start)};
}

int follow_up_read(struct follow_up *out, struct bytes json, struct arena *arena,
                   struct err *err)
{
    struct members members;
    struct follow_up read = {0};
    struct envelope envelope;
    if (json.len > LIMIT_PAYLOAD_BYTES)
        return err_set(err, LEAT_EDATA, "it has %zu bytes, the limit is %d", json.len,
                       LIMIT_PAYLOAD_BYTES);
    int code = members_read(&members, json, err);
    if (code == LEAT_OK)
        code = follow_up_target(&read, &members, arena, err);
    if (code != LEAT_OK)
        return code;
    read.payload = write_payload(&members, json.len, arena);
    code = envelope_read(&envelope, read.payload, arena, err);
    if (code != LEAT_OK)
        return code;
    if (envelope.track)
        read.tracked_id = envelope.id;
    *out = read;
    return LEAT_OK;
}
