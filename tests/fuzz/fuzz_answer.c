/* SPDX-License-Identifier: MIT */
/* An answer that is read keeps every limit and has effects only when its job is done, and
 * these are the ones that jansson finds in it; one that is refused says why on one
 * line. */
#include "base/text.h"
#include "fuzz.h"
#include "schema/envelope.h"
#include "schema/job_answer.h"
#include "schema/limits.h"

#include <jansson.h>
#include <string.h>

static json_t *load(struct bytes raw)
{
    return json_loadb(raw.at, raw.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

static void check_reason(const struct err *err)
{
    MUST(err->code == LEAT_EDATA && err->text[0] != '\0');
    for (const char *at = err->text; *at != '\0'; at++)
        MUST((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void check_limits(const struct job_answer *answer, struct bytes json)
{
    MUST(json.len <= LIMIT_ANSWER_BYTES);
    MUST(is_within(answer->result, json) && is_within(answer->progress, json));
    MUST(answer->result.len <= LIMIT_RESULT_BYTES);
    MUST(answer->progress.len <= LIMIT_PROGRESS_BYTES);
    MUST(answer->job.len <= LIMIT_ID_BYTES && text_is_utf8(answer->error));
    MUST(answer->retry_in_ms >= 0 && answer->retry_in_ms <= LIMIT_DELAY_MS);
    MUST(answer->again_in_ms >= 0 && answer->again_in_ms <= LIMIT_DELAY_MS);
    MUST(answer->incr_count <= LIMIT_EFFECTS && answer->push_count <= LIMIT_EFFECTS);
}

/* As PROTOCOL.md says it, from the tree. */
static void check_end(const struct job_answer *answer, const json_t *tree)
{
    int failed = json_object_get(tree, "error") != NULL;
    int later = json_object_get(tree, "again_in_ms") != NULL;
    int effects = json_object_get(tree, "incr") != NULL ||
                  json_object_get(tree, "push") != NULL ||
                  json_object_get(tree, "result") != NULL;
    int dies = json_is_false(json_object_get(tree, "retry"));
    enum answer_end want = failed  ? (dies ? ANSWER_DEAD : ANSWER_FAILED)
                           : later ? ANSWER_LATER
                                   : ANSWER_DONE;
    MUST(answer->end == want && !(effects && want != ANSWER_DONE));
    MUST(answer->is_end == (failed || later || effects || answer->progress.len == 0));
}

static void check_counters(const struct job_answer *answer, const json_t *incr)
{
    char name[LIMIT_COUNTER_NAME_BYTES + 1];
    MUST(json_object_size(incr) == (size_t)answer->incr_count);
    for (int i = 0; i < answer->incr_count; i++) {
        const struct answer_incr *one = &answer->incr[i];
        MUST(one->counter.len >= 1 && one->counter.len <= LIMIT_COUNTER_NAME_BYTES);
        MUST(one->by >= -LIMIT_BY && one->by <= LIMIT_BY);
        snprintf(name, sizeof name, "%.*s", (int)one->counter.len, one->counter.at);
        MUST(json_integer_value(json_object_get(incr, name)) == one->by);
    }
}

/* The payload is the item without its target, and with an id. */
static void check_follow_up(const struct follow_up *one, json_t *item)
{
    struct arena arena = {0};
    struct envelope envelope;
    MUST(one->payload.len <= LIMIT_PAYLOAD_BYTES);
    MUST(envelope_read(&envelope, one->payload, &arena, NULL) == LEAT_OK);
    MUST(envelope.id.len > 0 && one->queue.len <= LIMIT_QUEUE_NAME_BYTES);
    MUST(one->in_ms == json_integer_value(json_object_get(item, "in_ms")));
    MUST(one->at_ms == json_integer_value(json_object_get(item, "at_ms")));
    MUST((one->queue.len > 0) == (json_object_get(item, "queue") != NULL));
    json_t *payload = load(one->payload);
    json_object_del(item, "queue");
    json_object_del(item, "in_ms");
    json_object_del(item, "at_ms");
    if (json_object_get(item, "id") == NULL)
        json_object_del(payload, "id");
    MUST(json_equal(payload, item));
    json_decref(payload);
    arena_fini(&arena);
}

static void check_tree(const struct job_answer *answer, struct bytes json)
{
    json_t *tree = load(json);
    json_t *push = json_object_get(tree, "push");
    size_t total = 0;
    check_end(answer, tree);
    check_counters(answer, json_object_get(tree, "incr"));
    MUST(json_array_size(push) == (size_t)answer->push_count);
    for (int i = 0; i < answer->push_count; i++) {
        check_follow_up(&answer->push[i], json_array_get(push, (size_t)i));
        total += answer->push[i].payload.len;
    }
    MUST(total <= LIMIT_FOLLOW_UPS_BYTES);
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes json = input_of(data, size);
    struct arena arena = {0};
    struct err err = {0};
    struct job_answer answer;
    if (job_answer_read(&answer, json, &arena, &err) == LEAT_OK) {
        check_limits(&answer, json);
        check_tree(&answer, json);
    } else {
        check_reason(&err);
    }
    arena_fini(&arena);
    return 0;
}
