/* SPDX-License-Identifier: MIT */
/* The raw limit of pushing: LPUSH of 100 values a command, formatted before the clock
 * starts, sent over one connection without waiting. Also fills the queues of the other
 * rows. */
#include "measure.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>

enum { VALUES = 100 };

static int64_t count_lines(struct bytes text)
{
    int64_t lines = 0;
    const char *end = text.at + text.len;
    for (const char *at = text.at; (at = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at++)
        lines++;
    return lines;
}

int main(int argc, char **argv)
{
    struct wire wire;
    struct buf commands = {0};
    int64_t replies = 0;
    if (argc != 4)
        measure_die("usage: leat-bench-load SOCKET KEY FILE; prints jobs and seconds");
    struct buf file = wire_read_file(argv[3]);
    struct bytes rest = buf_bytes(&file);
    int64_t lines = count_lines(rest);
    for (int64_t left = lines; left > 0; left -= VALUES, replies++)
        rest = wire_format_push(&commands, argv[2], rest, left < VALUES ? left : VALUES);
    double began_s = measure_now_s();
    wire_open(&wire, argv[1]);
    wire_send(wire.fd, buf_bytes(&commands));
    while (replies-- > 0)
        wire_reply(&wire);
    printf("%lld %.6f\n", (long long)lines, measure_now_s() - began_s);
    wire_close(&wire);
    return 0;
}
