/* SPDX-License-Identifier: MIT */
/* The body of a lease: a msgpack array of strings, as cmsgpack.pack() writes it in a
 * script. Only that much of msgpack is read. Source: the msgpack specification, formats
 * array and str (and bin, which is the same bytes). */
#ifndef LEAT_SCHEMA_PACK_H
#define LEAT_SCHEMA_PACK_H

#include "base/mem.h"

#include <stdint.h>

struct pack_reader {
    struct bytes rest;
    uint32_t left; /* strings still to come */
};

/* Start reading; on success `left` says how many strings follow. Returns 0, or -1. */
int pack_open(struct pack_reader *reader, struct bytes packed);

/* Take the next string, borrowed from the packed bytes. Returns 0, or -1 when the bytes
 * are no such array or none is left; a reader that failed once fails again. */
int pack_next(struct pack_reader *reader, struct bytes *out);

#endif
