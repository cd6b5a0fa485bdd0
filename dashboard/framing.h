/* SPDX-License-Identifier: MIT */
/* Where a request ends and whom it is for: two parsers in a row (a proxy's and ours) must
 * not be able to read that differently, or one request hides inside another. The HTTP
 * library hands over what it parsed; this module finds what it was too generous about.
 * Pure.
 *
 * The library's parser (0.9) cuts the request into strings where it lies in the read
 * buffer. It joins folded lines (at a wrong place), takes a bare LF for a line's end,
 * cuts at NUL and skips blanks. All of that shows in one way: something does not begin
 * exactly where the thing before it ended. So the pointers are compared, never followed.
 * Two faults may leave no trace: a line that begins with a colon ends the headers, and
 * when all of it is `:` and one LF or CR, it is as long as the empty line that it stands
 * for; and a NUL in front of an LF looks as the line's end does once the library has cut
 * there. No proxy known to us sends such lines on. */
#ifndef LEAT_DASHBOARD_FRAMING_H
#define LEAT_DASHBOARD_FRAMING_H

#include <stddef.h>
#include <stdint.h>

struct framing {
    const char *fault; /* the first one found, a constant text; NULL: none so far */
    const char *next;  /* where the next thing must begin */
    unsigned hosts, lengths, codings;
    int has_body;
    int64_t body_bytes; /* as Content-Length says; 0 with Transfer-Encoding */
    int needs_host;     /* all versions but 1.0 do */
    int is_scattered;   /* something did not begin where it must */
};

/* Look at the target as it was sent, before anything is decoded. */
void framing_target(struct framing *framing, const char *target);

/* Look at the rest of the request line, then at each header in the order sent. `target`
 * is the pointer given before; what it points at may have been decoded since, so its
 * length then was `target_len`. */
void framing_line(struct framing *framing, const char *method, const char *target,
                  size_t target_len, const char *version);
void framing_header(struct framing *framing, const char *name, const char *value);

/* Conclude: what is wrong, or NULL. `end` is where the body would begin, or NULL when the
 * parser does not leave its strings in place. */
const char *framing_verdict(const struct framing *framing, const char *end);

#endif
