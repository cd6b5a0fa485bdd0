/* SPDX-License-Identifier: MIT */
/* A result put into the args of a `then`, against the same done slowly in jansson's
 * trees. The input's first line is the `then`, the rest is the result. What was accepted
 * with its payload fails with a result only because it got too large or too deep. */
#include "fuzz.h"
#include "schema/envelope.h"
#include "schema/job.h"
#include "schema/limits.h"
#include "schema/then.h"

#include <jansson.h>
#include <string.h>

static json_t *load(struct bytes raw)
{
    return json_loadb(raw.at, raw.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

/* ---- the slow way ------------------------------------------------------------------ */

/* The member that a path of names with dots between leads to; borrowed, or NULL. */
static json_t *look_up(json_t *value, const char *path)
{
    char name[LIMIT_PAYLOAD_BYTES + 1];
    for (size_t len;; path += len + 1) {
        len = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)len, path);
        value = json_object_get(value, name);
        if (value == NULL || path[len] == '\0')
            return value;
    }
}

static json_t *fill_text(json_t *string, json_t *result)
{
    const char *text = json_string_value(string);
    json_t *found = NULL;
    if (text[0] == '$' && strncmp(text + strspn(text, "$") - 1, "$result", 7) == 0 &&
        text[1] == '$')
        return json_string(text + 1);
    if (strcmp(text, "$result") == 0)
        found = result;
    else if (strncmp(text, "$result.", 8) == 0)
        found = look_up(result, text + 8);
    else
        return json_incref(string);
    return found != NULL ? json_incref(found) : json_null();
}

static json_t *fill(json_t *value, json_t *result)
{
    const char *key;
    json_t *item, *filled;
    size_t i;
    if (json_is_string(value))
        return fill_text(value, result);
    if (json_is_array(value)) {
        filled = json_array();
        json_array_foreach(value, i, item)
            json_array_append_new(filled, fill(item, result));
        return filled;
    }
    if (!json_is_object(value))
        return json_incref(value);
    filled = json_object();
    json_object_foreach(value, key, item)
        json_object_set_new(filled, key, fill(item, result));
    return filled;
}

/* ---- both -------------------------------------------------------------------------- */

static void check_made(const struct follow_up *made, struct bytes then,
                       struct bytes result)
{
    struct arena arena = {0};
    struct envelope envelope;
    json_t *asked = load(then), *value = load(result);
    json_t *got = load(made->payload);
    MUST(envelope_read(&envelope, made->payload, &arena, NULL) == LEAT_OK);
    json_t *args = fill(json_object_get(asked, "args"), value);
    MUST(json_equal(json_object_get(got, "args"), args));
    MUST(json_object_get(asked, "then") == NULL ||
         json_equal(json_object_get(asked, "then"), json_object_get(got, "then")));
    json_decref(args);
    json_decref(asked);
    json_decref(value);
    json_decref(got);
    arena_fini(&arena);
}

static void check_not_made(const struct err *err)
{
    MUST(err->code == LEAT_EDATA);
    MUST(strstr(err->text, "the limit") != NULL || strstr(err->text, "fields") != NULL);
}

static void check(struct bytes then, struct bytes result)
{
    struct arena arena = {0};
    struct follow_up made;
    struct err err = {0};
    if (then_make(&made, then, result, &arena, &err) == LEAT_OK)
        check_made(&made, then, result);
    else
        check_not_made(&err);
    arena_fini(&arena);
}

/* Does it stand in a payload that is a job? */
static int is_accepted(struct bytes then)
{
    struct arena arena = {0};
    struct buf payload = {0};
    struct envelope envelope;
    buf_adds(&payload, "{\"type\":\"t\",\"args\":0,\"then\":");
    buf_add(&payload, then.at, then.len);
    buf_addc(&payload, '}');
    int is = envelope_read(&envelope, buf_bytes(&payload), &arena, NULL) == LEAT_OK &&
             bytes_equal(envelope.then, then);
    buf_fini(&payload);
    arena_fini(&arena);
    return is;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = input_of(data, size), none = {0};
    const char *end = memchr(input.at, '\n', input.len);
    struct bytes then = {input.at, end != NULL ? (size_t)(end - input.at) : input.len};
    struct buf result = {0};
    if (!is_accepted(then))
        return 0;
    check(then, none);
    if (end != NULL &&
        job_add_json(&result, "result", (struct bytes){end + 1, input.len - then.len - 1},
                     NULL) == LEAT_OK)
        check(then, buf_bytes(&result));
    buf_fini(&result);
    return 0;
}
