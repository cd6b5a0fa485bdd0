/* SPDX-License-Identifier: MIT */
#include "schema/json.h"
#include "schema/limits.h"

#include <jansson.h>
#include <string.h>

/* How deep do brackets nest? Looked at before jansson, which recurses. */
static int depth_of(struct bytes json)
{
    int depth = 0, deepest = 0, in_string = 0;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.at[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest)
                deepest = depth;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return deepest;
}

int json_check_object(struct bytes json, struct err *err)
{
    int depth = depth_of(json);
    if (depth > LIMIT_PAYLOAD_DEPTH)
        return err_set(err, LEAT_EDATA, "nested %d deep, the limit is %d", depth,
                       LIMIT_PAYLOAD_DEPTH);
    json_error_t reason;
    json_t *tree =
        json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (tree == NULL)
        return err_set(err, LEAT_EDATA, "not JSON: %s (byte %d)", reason.text,
                       reason.position);
    int is_object = json_is_object(tree);
    json_decref(tree);
    if (!is_object)
        return err_set(err, LEAT_EDATA, "not a JSON object");
    return LEAT_OK;
}

int json_decode_string(struct bytes raw, struct buf *out)
{
    json_error_t reason;
    json_t *tree = json_loadb(raw.at, raw.len, JSON_DECODE_ANY, &reason);
    int is_string = json_is_string(tree);
    if (is_string)
        buf_add(out, json_string_value(tree), json_string_length(tree));
    json_decref(tree);
    return is_string ? 0 : -1;
}
