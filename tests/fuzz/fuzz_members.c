/* SPDX-License-Identifier: MIT */
/* The scanner against jansson: never a yes where jansson says no, and the same fields. */
#include "fuzz.h"
#include "schema/json.h"
#include "schema/members.h"

#include <jansson.h>
#include <string.h>

static json_t *load(struct bytes raw)
{
    return json_loadb(raw.at, raw.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

static int is_kind(const json_t *value, enum member_kind kind)
{
    static const json_type types[] = {
        [MEMBER_STRING] = JSON_STRING, [MEMBER_INT] = JSON_INTEGER,
        [MEMBER_REAL] = JSON_REAL,     [MEMBER_OBJECT] = JSON_OBJECT,
        [MEMBER_ARRAY] = JSON_ARRAY,   [MEMBER_TRUE] = JSON_TRUE,
        [MEMBER_FALSE] = JSON_FALSE,   [MEMBER_NULL] = JSON_NULL,
    };
    return json_typeof(value) == types[kind];
}

/* What jansson holds under the member's key. */
static json_t *lookup(const json_t *tree, const struct member *member)
{
    struct bytes quoted = {member->key.at - 1, member->key.len + 2};
    json_t *key = load(quoted);
    MUST(key != NULL);
    json_t *value = json_object_get(tree, json_string_value(key));
    json_decref(key);
    return value;
}

static void check_value(const struct member *member, json_t *value)
{
    struct arena arena = {0};
    struct bytes text;
    int64_t number;
    MUST(is_kind(value, member->kind));
    if (member_text(member, &arena, &text) == 0)
        MUST(text.len == json_string_length(value) &&
             memcmp(text.at, json_string_value(value), text.len) == 0);
    else
        MUST(!json_is_string(value));
    if (member_int(member, &number) == 0)
        MUST(number == json_integer_value(value));
    else
        MUST(!json_is_integer(value));
    json_t *again = load(member->raw);
    MUST(json_equal(again, value));
    json_decref(again);
    arena_fini(&arena);
}

static void check_fields(const struct members *members, struct bytes json)
{
    json_t *tree = load(json);
    MUST(json_object_size(tree) == (size_t)members->count);
    for (int i = 0; i < members->count; i++) {
        MUST(is_within(members->at[i].key, json) && is_within(members->at[i].raw, json));
        json_t *value = lookup(tree, &members->at[i]);
        MUST(value != NULL);
        check_value(&members->at[i], value);
    }
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes json = input_of(data, size);
    struct members members;
    int judge = json_check_object(json, NULL);
    if (members_scan(&members, json) == 0) {
        MUST(judge == LEAT_OK);
        check_fields(&members, json);
    }
    struct err err = {0};
    if (members_read(&members, json, &err) == LEAT_OK) {
        MUST(judge == LEAT_OK);
        check_fields(&members, json);
    } else {
        MUST(judge != LEAT_OK || strcmp(err.text, "more than 64 fields") == 0);
    }
    return 0;
}
