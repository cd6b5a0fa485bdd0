/* SPDX-License-Identifier: MIT */
/* Whatever stands in the log of failures: what is read of it lies within it, also of a
 * payload that was cut anywhere. */
#include "base/text.h"
#include "fuzz.h"
#include "schema/failure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes record = input_of(data, size), type, id;
    struct failure failure;
    struct arena arena = {0};
    if (failure_read(&failure, record) != 0)
        return 0;
    MUST(is_within(failure.raw, record) && is_within(failure.entry.payload, failure.raw));
    MUST(is_within(failure.out, record) && is_within(failure.err, record));
    if (failure.out.len + failure.err.len > 0) {
        MUST(failure.out.at == failure.raw.at + failure.raw.len);
        MUST(failure.err.at == failure.out.at + failure.out.len);
        MUST(failure.err.at + failure.err.len == record.at + record.len);
    }
    MUST(failure.is_cut || failure.entry.payload.len >= (size_t)failure.payload_bytes ||
         failure.payload_bytes < 0);
    failure_name(&failure, &arena, &type, &id);
    if (failure.is_cut) {
        MUST(is_within(type, failure.entry.payload));
        MUST(is_within(id, failure.entry.payload));
    }
    arena_fini(&arena);
    return 0;
}
