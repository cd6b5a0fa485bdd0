/* SPDX-License-Identifier: MIT */
/* Args that are read keep every limit; a request's headers cannot leave their line. */
#include "fuzz.h"
#include "schema/args.h"

#include <string.h>

static int has_control(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return 1;
    return 0;
}

static void check_reason(const struct err *err)
{
    MUST(err->code == LEAT_EDATA && err->text[0] != '\0');
    MUST(!has_control(bytes_of(err->text)));
}

static void check_increment(struct bytes json)
{
    struct arena arena = {0};
    struct err err = {0};
    struct increment_args args;
    if (increment_args_read(&args, json, &arena, &err) == LEAT_OK) {
        MUST(args.counter.len >= 1 && args.counter.len <= LIMIT_COUNTER_NAME_BYTES);
        MUST(args.by >= -LIMIT_BY && args.by <= LIMIT_BY);
    } else {
        check_reason(&err);
    }
    arena_fini(&arena);
}

static void check_request(const struct refresh_args *args)
{
    MUST(args->url.len > 7 && args->url.len <= LIMIT_URL_BYTES);
    MUST(strncasecmp(args->url.at, "http", 4) == 0 && !has_control(args->url));
    MUST(args->key.len >= 1 && args->key.len <= LIMIT_CACHE_KEY_BYTES);
    MUST(args->max_age_ms >= 0 && args->stale_max_ms >= 1000 && args->timeout_ms >= 1);
    MUST(args->header_count <= LIMIT_REQUEST_HEADERS);
    for (int i = 0; i < args->header_count; i++) {
        MUST(!has_control(bytes_of(args->headers[i])));
        MUST(strstr(args->headers[i], ": ") > args->headers[i]);
        MUST(strlen(args->headers[i]) <= LIMIT_REQUEST_HEADER_BYTES + 2);
    }
}

static void check_refresh(struct bytes json)
{
    struct arena arena = {0};
    struct err err = {0};
    struct refresh_args args;
    if (refresh_args_read(&args, json, &arena, &err) == LEAT_OK)
        check_request(&args);
    else
        check_reason(&err);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_increment(input_of(data, size));
    check_refresh(input_of(data, size));
    return 0;
}
