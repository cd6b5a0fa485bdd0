/* SPDX-License-Identifier: MIT */
/* An envelope that is read keeps every limit; one that is refused says why on one
 * line. */
#include "base/text.h"
#include "fuzz.h"
#include "schema/envelope.h"
#include "schema/limits.h"

static void check_reason(const struct err *err)
{
    MUST(err->code == LEAT_EDATA && err->text[0] != '\0');
    for (const char *at = err->text; *at != '\0'; at++)
        MUST((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void check_policy(const struct envelope *envelope)
{
    struct backoff policy;
    MUST(envelope_backoff(envelope, &backoff_default, &policy, NULL) == LEAT_OK);
    MUST(policy.kind != BACKOFF_LIST || policy.list_count > 0);
    for (int64_t fails = 0; fails < 40; fails++) {
        int64_t delay =
            backoff_delay_ms(&policy, fails, (uint64_t)fails * 0x9e3779b97f4a7c15);
        MUST(delay >= 1 && delay <= policy.cap_ms);
    }
    MUST(backoff_delay_ms(&policy, INT64_MAX, UINT64_MAX) <= policy.cap_ms);
}

static void check_limits(const struct envelope *envelope, struct bytes payload)
{
    MUST(envelope->type.len >= 1 && envelope->type.len <= LIMIT_TYPE_BYTES);
    MUST(envelope->id.len <= LIMIT_ID_BYTES);
    MUST(envelope->timeout_ms >= 0 && envelope->timeout_ms <= LIMIT_LEASE_MS);
    MUST(envelope->expires_at_ms >= 0 && envelope->version >= 1);
    MUST(envelope->args.len > 0 && is_within(envelope->args, payload));
    MUST(is_within(envelope->retry, payload));
    MUST(text_is_utf8(envelope->traceparent) && text_is_utf8(envelope->tracestate));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes payload = input_of(data, size);
    struct arena arena = {0};
    struct err err = {0};
    struct envelope envelope;
    if (envelope_read(&envelope, payload, &arena, &err) == LEAT_OK) {
        check_limits(&envelope, payload);
        check_policy(&envelope);
    } else {
        check_reason(&err);
    }
    arena_fini(&arena);
    return 0;
}
