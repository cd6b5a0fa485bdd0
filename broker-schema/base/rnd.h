/* SPDX-License-Identifier: MIT */
/* Random numbers from the kernel: for ids that must never collide and for jitter. */
#ifndef LEAT_BASE_RND_H
#define LEAT_BASE_RND_H

#include <stddef.h>
#include <stdint.h>

enum { RND_ID_CHARS = 32 };

/* Fill memory with random bytes; aborts when the kernel has none. */
void rnd_fill(void *memory, size_t len);

/* A number in [0, bound); 0 when bound is 0. */
uint64_t rnd_below(uint64_t bound);

/* Write 128 random bits as 32 hexadecimal digits and a terminator. */
void rnd_id(char out[RND_ID_CHARS + 1]);

#endif
