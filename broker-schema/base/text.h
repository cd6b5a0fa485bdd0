/* SPDX-License-Identifier: MIT */
/* Reading and writing small pieces of text: numbers, durations, times, UTF-8, percent and
 * JSON escapes. Pure functions; nothing here allocates but what grows a buf. */
#ifndef LEAT_BASE_TEXT_H
#define LEAT_BASE_TEXT_H

#include "base/buf.h"

#include <stdint.h>

/* Read a decimal int64 that fills `text` exactly (`-` allowed, no blank, no `+`, no
 * empty). Returns 0, or -1 and leaves `*out` alone. */
int text_to_int(struct bytes text, int64_t *out);

/* Read a duration: a number and one unit `ms`, `s`, `m`, `h` or `d`, as in `250ms` or
 * `1.5h`. A bare number is refused, so that nobody guesses the unit. Returns 0, or -1. */
int text_to_duration_ms(const char *text, int64_t *out_ms);

/* Read a point in time: `@` and Unix seconds, or RFC 3339 (`2026-11-21T10:00:00Z`,
 * offsets allowed). Returns 0 and milliseconds since the epoch, or -1. */
int text_to_time_ms(const char *text, int64_t *out_ms);

/* Is this well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong)? */
int text_is_utf8(struct bytes text);

/* Append with `%XX` for bytes that `keep` answers 0 for, and for `%` itself. */
void text_percent_escape(struct buf *out, struct bytes text, int (*keep)(unsigned char));

/* Append with each `%XX` decoded. Returns 0, or -1 on a broken escape and appends
 * nothing. */
int text_percent_decode(struct buf *out, struct bytes text);

/* Append JSON that may stand on several lines, as one line: within a JSON text a line
 * break can only be blank space. */
void text_json_line(struct buf *out, struct bytes json);

/* Append so that a glob of Redis (MATCH, KEYS) matches just these bytes. */
void text_glob_escape(struct buf *out, struct bytes text);

/* Append as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD, so that
 * the result is JSON whatever went in. */
void text_json_string(struct buf *out, struct bytes text);

/* The same for what a terminal may show: all controls and what changes the direction of
 * writing are escaped too. */
void text_tame_string(struct buf *out, struct bytes text);

/* Append for people: controls, what changes the direction of writing, and what is no
 * UTF-8 as `\xNN`; at most `max` bytes of the input, cut between characters, then `…`. */
void text_printable(struct buf *out, struct bytes text, size_t max);

/* Append a duration for people, its two largest units: `850ms`, `12s`, `3m20s`, `5h`. */
void text_duration(struct buf *out, int64_t ms);

#endif
