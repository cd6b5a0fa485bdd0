/* SPDX-License-Identifier: MIT */
#include "schema/pack.h"

/* Read a big-endian number of `width` bytes behind the first byte. */
static int read_number(struct bytes *rest, size_t width, uint32_t *out)
{
    if (rest->len < 1 + width)
        return -1;
    uint32_t number = 0;
    for (size_t i = 0; i < width; i++)
        number = number << 8 | (unsigned char)rest->at[1 + i];
    rest->at += 1 + width;
    rest->len -= 1 + width;
    *out = number;
    return 0;
}

/* A length kept in the first byte itself: the low bits under `mask`. */
static int read_fixed(struct bytes *rest, unsigned mask, uint32_t *out)
{
    *out = (unsigned char)rest->at[0] & mask;
    rest->at++;
    rest->len--;
    return 0;
}

int pack_open(struct pack_reader *reader, struct bytes packed)
{
    reader->rest = packed;
    reader->left = 0;
    if (packed.len == 0)
        return -1;
    unsigned char first = (unsigned char)packed.at[0];
    if ((first & 0xf0) == 0x90)
        return read_fixed(&reader->rest, 0x0f, &reader->left);
    if (first == 0xdc || first == 0xdd)
        return read_number(&reader->rest, first == 0xdc ? 2 : 4, &reader->left);
    return -1;
}

static int read_length(struct bytes *rest, uint32_t *out)
{
    unsigned char first = (unsigned char)rest->at[0];
    if ((first & 0xe0) == 0xa0)
        return read_fixed(rest, 0x1f, out);
    switch (first) {
    case 0xc4: /* bin 8 */
    case 0xd9: /* str 8 */ return read_number(rest, 1, out);
    case 0xc5:
    case 0xda: return read_number(rest, 2, out);
    case 0xc6:
    case 0xdb: return read_number(rest, 4, out);
    default: return -1;
    }
}

int pack_next(struct pack_reader *reader, struct bytes *out)
{
    uint32_t len;
    struct bytes rest = reader->rest;
    if (reader->left == 0 || rest.len == 0 || read_length(&rest, &len) != 0 ||
        len > rest.len)
        return -1;
    *out = (struct bytes){rest.at, len};
    reader->rest = (struct bytes){rest.at + len, rest.len - len};
    reader->left--;
    return 0;
}
