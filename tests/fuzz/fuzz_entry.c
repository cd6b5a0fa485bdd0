/* SPDX-License-Identifier: MIT */
/* What can be read can be written and read again, with the same fields and payload. */
#include "base/text.h"
#include "fuzz.h"
#include "schema/entry.h"
#include "schema/limits.h"

static struct bytes cut(struct bytes text, size_t max)
{
    return (struct bytes){text.at, text.len < max ? text.len : max};
}

static void check_same(const struct entry *a, const struct entry *b)
{
    MUST(bytes_equal(a->iid, b->iid));
    MUST(a->deliveries == b->deliveries && a->fails == b->fails);
    MUST(a->first_seen_ms == b->first_seen_ms);
    MUST(bytes_equal(a->slot, b->slot));
    MUST(bytes_equal(a->payload, b->payload));
}

/* Write the entry with `error`, read it into `again`, which borrows from `out`. */
static void rewrite(struct buf *out, const struct entry *entry, const char *error,
                    struct entry *again)
{
    entry_write_header(out, entry, error);
    MUST(out->len < LIMIT_HEADER_BYTES);
    buf_addc(out, '\n');
    buf_add(out, entry->payload.at, entry->payload.len);
    MUST(entry_read(again, buf_bytes(out)) == 0);
    check_same(entry, again);
}

static void check_errors(const struct entry *entry, const char *text)
{
    struct buf kept = {0}, changed = {0}, plain = {0};
    struct entry again;
    rewrite(&kept, entry, NULL, &again);
    MUST(again.error.len <= LIMIT_ERROR_BYTES);
    MUST(bytes_equal(again.error, cut(entry->error, again.error.len)));
    rewrite(&changed, entry, text, &again);
    MUST(again.error.len <= LIMIT_ERROR_BYTES);
    entry_decode_error(&plain, again.error);
    MUST(bytes_equal(buf_bytes(&plain), cut(bytes_of(text), plain.len)));
    buf_fini(&kept);
    buf_fini(&changed);
    buf_fini(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes raw = input_of(data, size);
    struct entry entry;
    if (entry_read(&entry, raw) != 0)
        return 0;
    MUST(is_within(entry.payload, raw) && is_within(entry.tokens, raw));
    if (entry.iid.len == 0) {
        MUST(bytes_equal(entry.payload, raw));
        return 0;
    }
    char *text = xstrndup(entry.payload.at, entry.payload.len);
    check_errors(&entry, text);
    free(text);
    return 0;
}
