/* SPDX-License-Identifier: MIT */
/* leat: push background jobs to Redis from C, each exactly once.
 *
 *     struct leat *leat;
 *     struct leat_job job = {.size = sizeof job, .type = "increment",
 *                            .args = "{\"counter\":\"song:1\"}"};
 *     int code = leat_open(&leat, NULL, NULL);
 *     if (code == 0)
 *         code = leat_push(leat, &job, NULL, 5000);
 *     if (code != 0)
 *         fprintf(stderr, "%s: %s\n", leat_strerror(code), leat_error_text(leat));
 *     leat_close(leat);
 *
 * A HANDLE (struct leat) holds one connection to Redis and the jobs that Redis has not
 * acknowledged yet. Calls block, each for no longer than its `timeout_ms`, and only
 * inside a call does anything happen. There is no callback, no signal handler and no
 * output; nothing is shared between handles. A handle is for one thread at a time;
 * different handles may be used by different threads at once.
 *
 * EXACTLY ONCE. The handle numbers its batches of jobs, and Redis remembers the last
 * number, so what got no answer is sent again without doubling anything: by this call or
 * by a later one. That is why a job that was TAKEN must not be pushed again when time ran
 * out. Call leat_flush() instead. A job is taken when leat_add() returned 0, or when
 * leat_push() has set a ticket's number, whatever it returned. The promise ends with the
 * handle: of a job that is not acknowledged when the handle is closed, leat_state() tells
 * before whether it can be in the queue; and with the history that Redis keeps
 * (LEAT_ERROR_HISTORY).
 *
 * FORK. A handle belongs to the process that opened it. In a child every call on it
 * returns LEAT_ERROR_USAGE, but for leat_close(), which there frees the child's copy and
 * leaves the parent's connection alone. Open handles behind fork(), or close them before.
 *
 * SIGNALS do not end a call. SIGPIPE is never raised. A host's name is looked up by a
 * thread of the library's own, in which all signals are blocked.
 *
 * MEMORY. When it runs out the process is aborted, after a line on stderr. A handle keeps
 * at most 9 MiB for a queue, and as much again for what is on its way. The same end has a
 * process without a free descriptor when a host's name is looked up. Nothing else aborts.
 *
 * STRUCTS that a caller fills in begin with their size and may grow in later versions.
 * Zero means "as usual" in every field, so set only what is to be different. */
#ifndef LEAT_H
#define LEAT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LEAT_API __attribute__((visibility("default")))
#else
#define LEAT_API
#endif

struct leat;

/* ---- errors ------------------------------------------------------------------------ */

/* Calls return 0, or one of these, whose numbers never change. After LINK, BUSY and
 * TIMEOUT the handle goes on: it keeps what it has taken, and leat_flush() later does the
 * rest.
 *
 *        name                 code  meaning */
#define LEAT_ERROR_CODES(X)                                                              \
    X(LEAT_ERROR_USAGE, -2, "wrong usage")        /* a mistake in the program */         \
    X(LEAT_ERROR_DATA, -3, "bad input")           /* no job: the text has why */         \
    X(LEAT_ERROR_LINK, -4, "Redis unreachable")   /* for now */                          \
    X(LEAT_ERROR_BUG, -5, "internal error")       /* Redis said what nobody knows */     \
    X(LEAT_ERROR_BUSY, -6, "not now, try later")  /* a full queue, or memory */          \
    X(LEAT_ERROR_DENIED, -7, "refused")           /* password, or permission */          \
    X(LEAT_ERROR_CONFIG, -8, "bad configuration") /* of Redis, or its address */         \
    X(LEAT_ERROR_TIMEOUT, -9, "time-out")         /* no answer yet */                    \
    X(LEAT_ERROR_FOREIGN, -10, "a key of ours holds something else")                     \
    X(LEAT_ERROR_HISTORY, -11, "Redis lost history") /* acknowledged jobs are gone */

enum leat_error {
#define LEAT_ERROR_ROW(name, code, meaning) name = (code),
    LEAT_ERROR_CODES(LEAT_ERROR_ROW)
#undef LEAT_ERROR_ROW
};

/* What a code means: a constant text, "done" for 0. */
LEAT_API const char *leat_strerror(int code);

/* Why the newest call on this handle that failed did so: a sentence of one line, which
 * names the field, the limit or the server. Never NULL, never a password. Valid until the
 * next call on the handle. */
LEAT_API const char *leat_error_text(const struct leat *leat);

/* ---- a handle's life --------------------------------------------------------------- */

struct leat_options {
    size_t size;             /* sizeof(struct leat_options) */
    const char *client_name; /* as CLIENT LIST shows it, visible ASCII; else "leat" */
    int64_t open_timeout_ms; /* else 5000 */
};

/* Connect to Redis. `url` is `redis://[user:password@]host[:port][/db]` or
 * `unix:///path/to/socket`; NULL takes the variable LEAT_REDIS, else REDIS_URL, else
 * redis://127.0.0.1:6379, with the password in the file LEAT_REDIS_PASSWORD_FILE if the
 * address has none. `options` may be NULL.
 * Owns: the caller, who calls leat_close(), also after an error: `*leat` is then there
 * for leat_error_text() only. A server that is not there is not waited for; one that is
 * loading its data is, until time is over. A connection lost later is made again by
 * itself.
 * Errors: LEAT_ERROR_USAGE, _LINK, _DENIED, _CONFIG; _BUSY without a file descriptor. */
LEAT_API int leat_open(struct leat **leat, const char *url,
                       const struct leat_options *options);

/* Close and free. Jobs that are not acknowledged are given up: call leat_flush() before.
 * Accepts NULL. */
LEAT_API void leat_close(struct leat *leat);

/* ---- pushing ----------------------------------------------------------------------- */

struct leat_job {
    size_t size;       /* sizeof(struct leat_job) */
    const char *queue; /* else "default"; 1 to 64 of A-Z a-z 0-9 . _ - */
    const char *type;  /* always needed; 1 to 64 of A-Z a-z 0-9 . _ : - */
    const char *args;  /* one JSON value; else {} */
    const char *id;  /* a label, 1 to 64 of A-Z a-z 0-9 . _ : -; else a UUIDv7 is made */
    int64_t in_ms;   /* run it not before so much time has passed */
    int64_t at_ms;   /* run it not before this time, since the Unix epoch */
    int64_t retries; /* how often to run it again after failures; else the type's own */
    int64_t timeout_ms; /* how long one run may take; else the type's own */
    const char *then;   /* JSON: the job that follows when this one is done; else none */
    int64_t track;      /* 1: keep what becomes of it, under its id; else nothing is */
};

/* For `retries`: never run it again. */
#define LEAT_NO_RETRIES INT64_C(-1)

enum { LEAT_ID_SIZE = 65 };

/* A job that was taken. */
struct leat_ticket {
    int64_t number;        /* for leat_state(); never 0 once the job is taken */
    char id[LEAT_ID_SIZE]; /* the job's; "" for an envelope, which has its own inside */
};

/* Push one job and wait until Redis has it. It is checked first, as a worker would.
 * `ticket` may be NULL; its number is 0 if the job was not taken.
 * Errors: LEAT_ERROR_USAGE, LEAT_ERROR_DATA: not taken. LEAT_ERROR_TIMEOUT, _LINK, _BUSY:
 * look at the ticket. Any other: the queue, or the whole handle, takes nothing more; open
 * another when its cause is gone. */
LEAT_API int leat_push(struct leat *leat, const struct leat_job *job,
                       struct leat_ticket *ticket, int64_t timeout_ms);

/* The same of an envelope: a whole job in JSON, at most 64 KiB, whose bytes are pushed as
 * they are. PROTOCOL.md says what is in one. `queue` NULL: "default". */
LEAT_API int leat_push_envelope(struct leat *leat, const char *queue,
                                const void *envelope, size_t len,
                                struct leat_ticket *ticket, int64_t timeout_ms);

/* Take a job without waiting for Redis' answer: for many of them. Jobs are sent in
 * batches of up to 500, several on their way at a time; those of one queue arrive in the
 * order they were taken. Waits only while too much is on its way. leat_flush() must
 * follow behind the last. Jobs of at most 64 queues can be waiting at a time.
 * Errors: as leat_push(), but the job was never taken, and the ticket is untouched. */
LEAT_API int leat_add(struct leat *leat, const struct leat_job *job,
                      struct leat_ticket *ticket, int64_t timeout_ms);
LEAT_API int leat_add_envelope(struct leat *leat, const char *queue, const void *envelope,
                               size_t len, struct leat_ticket *ticket,
                               int64_t timeout_ms);

/* Wait until Redis has acknowledged every job that was taken. With `timeout_ms` 0 only
 * what can be done at once is done.
 * Errors: LEAT_ERROR_TIMEOUT, _LINK, _BUSY (a queue that is full): call it again later.
 * Any other: what was not acknowledged of that queue never will be. */
LEAT_API int leat_flush(struct leat *leat, int64_t timeout_ms);

/* ---- what became of them ----------------------------------------------------------- */

enum leat_state {
    LEAT_STATE_NONE = 0,         /* this handle gave no such ticket */
    LEAT_STATE_ACKNOWLEDGED = 1, /* Redis has it, or had it: it may be done already */
    LEAT_STATE_WAITING = 2,      /* not in the queue; leat_flush() will push it */
    LEAT_STATE_UNKNOWN = 3,      /* sent without an answer; leat_flush() will find out */
    LEAT_STATE_REFUSED = 4,      /* not in the queue, and never will be by this handle */
};

/* Tell the state of a job. Nothing is sent or read. */
LEAT_API enum leat_state leat_state(const struct leat *leat, int64_t number);

/* How many jobs this handle has taken, and how many of them Redis has acknowledged. */
LEAT_API int64_t leat_taken(const struct leat *leat);
LEAT_API int64_t leat_acknowledged(const struct leat *leat);

/* The library's version, as "0.1.0". */
LEAT_API const char *leat_version(void);

#ifdef __cplusplus
}
#endif

#endif
