/* SPDX-License-Identifier: MIT */
/* Every bound of the protocol, in one table: PROTOCOL.md prints it, and nothing that
 * comes from outside is stored before it met its row here. */
#ifndef LEAT_SCHEMA_LIMITS_H
#define LEAT_SCHEMA_LIMITS_H

enum leat_limit {
    /* names */
    LIMIT_QUEUE_NAME_BYTES = 64,
    LIMIT_TYPE_BYTES = 64,
    LIMIT_ID_BYTES = 64,
    LIMIT_COUNTER_NAME_BYTES = 1024,
    LIMIT_CACHE_KEY_BYTES = 2048,
    LIMIT_URL_BYTES = 2048,

    /* one job */
    LIMIT_PAYLOAD_BYTES = 64 * 1024,
    LIMIT_PAYLOAD_DEPTH = 64,
    LIMIT_HEADER_BYTES = 2048, /* the line in front of a redelivered payload */
    LIMIT_ENTRY_BYTES = LIMIT_PAYLOAD_BYTES + LIMIT_HEADER_BYTES,
    LIMIT_ERROR_BYTES = 256,         /* of an error kept in the header, escaped */
    LIMIT_HEADER_COUNT = 1000000000, /* of deliveries and fails: one more always fits */
    LIMIT_SLOT_BYTES = 128,          /* of the flight that a header names */
    LIMIT_DELIVERIES = 5,            /* crashes that a job may cause before it dies */
    LIMIT_RETRIES = 1000,            /* that a policy may allow */
    LIMIT_RETRY_LIST = 32,           /* delays in a policy of the kind "list" */
    LIMIT_THENS = 16,                /* jobs that follow one after the other, by `then` */
    LIMIT_REQUEST_HEADERS = 16,
    LIMIT_REQUEST_HEADER_BYTES = 1024,

    /* what a handler answers */
    LIMIT_ANSWER_BYTES = 128 * 1024,
    LIMIT_EFFECTS = 64,                 /* counters, and as many follow-ups */
    LIMIT_FOLLOW_UPS_BYTES = 64 * 1024, /* of all payloads in `push` */
    LIMIT_RESULT_BYTES = 64 * 1024,
    LIMIT_TAIL_BYTES = 2048, /* of each stream of a run that failed; in words.lua, too */
    LIMIT_PROGRESS_BYTES = 1024,
    LIMIT_PLACEHOLDERS =
        64,                 /* in the args of a `then`: each is looked up in the result */
    LIMIT_IN_FLIGHT = 1000, /* calls that a lines handler may take at once */

    /* leases */
    LIMIT_LEASE_JOBS = 1000, /* so that a sum of `by` always fits an int64 */
    LIMIT_LEASE_BYTES = 1024 * 1024,
    LIMIT_HELD_JOBS = 4096, /* in one process */
    LIMIT_HELD_BYTES = 4 * 1024 * 1024,
    LIMIT_LEASE_ID_BYTES = 64,

    /* batches */
    LIMIT_PUSH_ENTRIES = 500, /* in one push: far below what Lua's unpack can take */
    LIMIT_PUSH_BYTES = 1024 * 1024,

    /* what Redis answers; its longest string, in the quarantine, may have 512 MiB */
    LIMIT_REPLY_BYTES = 1024 * 1024 * 1024,
    LIMIT_REPLY_ITEMS = 1000000, /* of all its arrays together */

    /* what is kept */
    LIMIT_DEAD_JOBS = 100000, /* in one queue; the oldest go, counted as trimmed */
    LIMIT_BAD_ENTRIES = 100000,
    LIMIT_CACHE_BODY_BYTES = 1024 * 1024,
    LIMIT_CACHE_FIELD_BYTES = 256,  /* etag, last-modified, content type */
    LIMIT_RECORD_BYTES = 16 * 1024, /* of what a worker tells of itself */
    LIMIT_RECORD_JOBS = 16,         /* in it */
    LIMIT_CANCELS = 10000,          /* of jobs that wait somewhere in one queue */
};

/* |by| <= 2^53: what every JSON reader keeps exact. */
#define LIMIT_BY INT64_C(9007199254740992)

/* The longest lease, and what a deadline is clamped to after a clock went back. */
#define LIMIT_LEASE_MS INT64_C(3600000)

/* The furthest due time: ten years ahead. */
#define LIMIT_DELAY_MS INT64_C(315576000000)

#endif
