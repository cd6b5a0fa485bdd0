/* SPDX-License-Identifier: MIT */
#include "schema/envelope.h"
#include "base/text.h"
#include "schema/fields.h"
#include "schema/limits.h"
#include "schema/then.h"

#include <string.h>

#define AT(member) offsetof(struct envelope, member)

static int is_name_char(unsigned char c)
{
    unsigned char lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '-';
}

int envelope_is_name(const char *text, size_t bytes_max)
{
    size_t len = strlen(text);
    if (len == 0 || len > bytes_max)
        return 0;
    for (; *text != '\0'; text++)
        if (!is_name_char((unsigned char)*text))
            return 0;
    return 1;
}

static const struct field rows[] = {
    {"type", FIELD_TEXT, AT(type), 1, LIMIT_TYPE_BYTES, 1, is_name_char},
    {"args", FIELD_RAW, AT(args), 0, 0, 1, NULL},
    {"v", FIELD_INT, AT(version), 1, INT64_MAX, 0, NULL},
    {"id", FIELD_TEXT, AT(id), 1, LIMIT_ID_BYTES, 0, is_name_char},
    {"retry", FIELD_OBJECT, AT(retry), 0, 0, 0, NULL},
    {"timeout_ms", FIELD_INT, AT(timeout_ms), 1, LIMIT_LEASE_MS, 0, NULL},
    {"expires_at_ms", FIELD_INT, AT(expires_at_ms), 0, INT64_MAX, 0, NULL},
    {"track", FIELD_BOOL, AT(track), 0, 0, 0, NULL},
    {"traceparent", FIELD_TEXT, AT(traceparent), 0, 128, 0, NULL},
    {"tracestate", FIELD_TEXT, AT(tracestate), 0, 512, 0, NULL},
    {"then", FIELD_OBJECT, AT(then), 0, 0, 0, NULL},
};

/* The `retry` field, read on top of a fallback. */
struct retry {
    struct bytes policy, list;
    int64_t retries_max, base_ms, cap_ms;
    double factor;
};

static const struct field retry_rows[] = {
    {"policy", FIELD_TEXT, offsetof(struct retry, policy), 1, 16, 0, NULL},
    {"max", FIELD_INT, offsetof(struct retry, retries_max), 0, LIMIT_RETRIES, 0, NULL},
    {"base_ms", FIELD_INT, offsetof(struct retry, base_ms), 1, LIMIT_DELAY_MS, 0, NULL},
    {"factor", FIELD_NUMBER, offsetof(struct retry, factor), 1, 100, 0, NULL},
    {"cap_ms", FIELD_INT, offsetof(struct retry, cap_ms), 1, LIMIT_DELAY_MS, 0, NULL},
    {"list_ms", FIELD_ARRAY, offsetof(struct retry, list), 0, 0, 0, NULL},
};

int envelope_fields(struct envelope *envelope, const struct members *members,
                    struct arena *arena, struct err *err)
{
    struct envelope read = {.version = 1};
    int code = fields_read(rows, sizeof rows / sizeof *rows, members, arena, &read, err);
    struct backoff unused;
    if (code == LEAT_OK && read.retry.len > 0)
        code = envelope_backoff(&read, &backoff_default, &unused, err);
    if (code == LEAT_OK)
        *envelope = read;
    return code;
}

int envelope_read(struct envelope *envelope, struct bytes payload, struct arena *arena,
                  struct err *err)
{
    if (payload.len > LIMIT_PAYLOAD_BYTES)
        return err_set(err, LEAT_EDATA, "payload has %zu bytes, the limit is %d",
                       payload.len, LIMIT_PAYLOAD_BYTES);
    struct members members;
    struct envelope read;
    int code = members_read(&members, payload, err);
    if (code == LEAT_OK)
        code = envelope_fields(&read, &members, arena, err);
    if (code == LEAT_OK && read.then.len > 0)
        code = then_check(read.then, arena, err);
    if (code == LEAT_OK)
        *envelope = read;
    return code;
}

static int kind_of(struct bytes policy, enum backoff_kind *kind)
{
    static const char *const names[] = {[BACKOFF_EXPONENTIAL] = "exponential",
                                        [BACKOFF_FIXED] = "fixed",
                                        [BACKOFF_LIST] = "list"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_is(policy, names[i])) {
            *kind = (enum backoff_kind)i;
            return 0;
        }
    return -1;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct bytes trim(struct bytes text)
{
    for (; text.len > 0 && is_blank(*text.at); text.at++)
        text.len--;
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

/* Take what stands before the next comma; the comma goes too. */
static struct bytes take_item(struct bytes *rest)
{
    const char *comma = memchr(rest->at, ',', rest->len);
    struct bytes item = {rest->at,
                         comma != NULL ? (size_t)(comma - rest->at) : rest->len};
    size_t used = item.len + (comma != NULL);
    *rest = (struct bytes){rest->at + used, rest->len - used};
    return trim(item);
}

/* Read `[1000, 5000, …]`, which is known to be a JSON array. */
static int read_list(struct bytes raw, struct backoff *out, struct err *err)
{
    struct bytes rest = trim((struct bytes){raw.at + 1, raw.len - 2});
    if (rest.len == 0)
        return err_set(err, LEAT_EDATA, "'retry.list_ms' is empty");
    for (out->list_count = 0; rest.len > 0; out->list_count++) {
        int64_t ms;
        if (text_to_int(take_item(&rest), &ms) != 0 || ms < 1 || ms > LIMIT_DELAY_MS)
            return err_set(err, LEAT_EDATA,
                           "'retry.list_ms' must hold whole milliseconds");
        if (out->list_count == LIMIT_RETRY_LIST)
            return err_set(err, LEAT_EDATA, "'retry.list_ms' has more than %d delays",
                           LIMIT_RETRY_LIST);
        out->list_ms[out->list_count] = ms;
    }
    return LEAT_OK;
}

int envelope_backoff(const struct envelope *envelope, const struct backoff *fallback,
                     struct backoff *out, struct err *err)
{
    struct backoff policy = *fallback;
    if (envelope->retry.len == 0) {
        *out = policy;
        return LEAT_OK;
    }
    struct members members;
    struct arena arena = {0};
    struct retry retry = {.retries_max = policy.retries_max,
                          .base_ms = policy.base_ms,
                          .cap_ms = policy.cap_ms,
                          .factor = policy.factor};
    int code = members_read(&members, envelope->retry, err);
    if (code == LEAT_OK)
        code = fields_read(retry_rows, sizeof retry_rows / sizeof *retry_rows, &members,
                           &arena, &retry, err);
    if (code == LEAT_OK && retry.list.len > 0) {
        policy.kind = BACKOFF_LIST;
        code = read_list(retry.list, &policy, err);
    }
    if (code == LEAT_OK && retry.policy.len > 0 &&
        kind_of(retry.policy, &policy.kind) != 0)
        code =
            err_set(err, LEAT_EDATA, "'retry.policy' must be exponential, fixed or list");
    if (code == LEAT_OK && policy.kind == BACKOFF_LIST && policy.list_count == 0)
        code = err_set(err, LEAT_EDATA, "'retry.list_ms' is missing");
    arena_fini(&arena);
    if (code != LEAT_OK)
        return code;
    policy.retries_max = retry.retries_max;
    policy.base_ms = retry.base_ms;
    policy.cap_ms = retry.cap_ms;
    policy.factor = retry.factor;
    *out = policy;
    return LEAT_OK;
}

void envelope_write(struct buf *out, const struct envelope_draft *draft)
{
    buf_adds(out, "{\"type\":");
    text_json_string(out, bytes_of(draft->type));
    if (draft->id != NULL && *draft->id != '\0') {
        buf_adds(out, ",\"id\":");
        text_json_string(out, bytes_of(draft->id));
    }
    buf_adds(out, ",\"args\":");
    buf_add(out, draft->args.at, draft->args.len);
    if (draft->retries_max >= 0) {
        buf_adds(out, ",\"retry\":{\"max\":");
        buf_add_int(out, draft->retries_max);
        buf_addc(out, '}');
    }
    if (draft->timeout_ms > 0) {
        buf_adds(out, ",\"timeout_ms\":");
        buf_add_int(out, draft->timeout_ms);
    }
    if (draft->track)
        buf_adds(out, ",\"track\":true");
    if (draft->then.len > 0) {
        /* Older workers, which do not know it, leave a later version to newer ones. */
        buf_adds(out, ",\"v\":2,\"then\":");
        buf_add(out, draft->then.at, draft->then.len);
    }
    buf_addc(out, '}');
}
