/* SPDX-License-Identifier: MIT */
/* A growing run of bytes, always terminated behind its end so that text can be read as a
 * C string. A zeroed buf is an empty one. Whoever appends bytes from outside has met a
 * limit before. */
#ifndef LEAT_BASE_BUF_H
#define LEAT_BASE_BUF_H

#include "base/mem.h"

#include <stdint.h>

struct buf {
    char *data; /* NULL only while nothing was ever appended */
    size_t len;
    size_t size;
};

/* Free the memory; the buf is empty again. */
void buf_fini(struct buf *buf);

/* Forget the content, keep the memory. */
void buf_reset(struct buf *buf);

/* Make room for `more` bytes behind the end and return where they go. */
char *buf_reserve(struct buf *buf, size_t more);

/* Append bytes, a string, one character, formatted text. */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_adds(struct buf *buf, const char *text);
void buf_addc(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Append a decimal number; quicker than buf_addf(). */
void buf_add_int(struct buf *buf, int64_t number);

/* View the content; valid until the next change. Never a NULL pointer. */
struct bytes buf_bytes(const struct buf *buf);

/* The content as a terminated string; valid until the next change. Never NULL. */
const char *buf_text(const struct buf *buf);

#endif
