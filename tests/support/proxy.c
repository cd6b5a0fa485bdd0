/* SPDX-License-Identifier: MIT */
/* The faulty wire of wire.h as a program, for the tests in shell. By default it counts
 * what clients say from their first script call on. */
#include "base/opt.h"
#include "wire.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *listen, *to, *word, *direction, *unit, *fault;
    int64_t after, times;
    struct opt_list words;
};

static const char *const kinds[] = {"close", "hole", "late"};
static const char *const units[] = {"bytes", "chunks", "edges"};

#define AT(member)   offsetof(struct options, member)
#define COUNT(table) (sizeof(table) / sizeof *(table))

static const struct opt rows[] = {
    {"listen", 0, OPT_TEXT, AT(listen), "PATH", "proxy.sock", 0, 0,
     "the socket that clients use"},
    {"to", 0, OPT_TEXT, AT(to), "PATH", "redis.sock", 0, 0, "the server's socket"},
    {"word", 0, OPT_TEXT, AT(word), "WORD", "EVALSHA", 0, 0, "where counting begins"},
    {"direction", 0, OPT_TEXT, AT(direction), "DIR", "to-server", 0, 0,
     "what is counted: to-server or to-client"},
    {"unit", 0, OPT_TEXT, AT(unit), "UNIT", "bytes", 0, 0, "bytes, chunks or edges"},
    {"after", 0, OPT_INT, AT(after), "N", "0", 0, 1 << 30, "how many of them pass"},
    {"fault", 0, OPT_TEXT, AT(fault), "FAULT", "close", 0, 0, "close, hole or late"},
    {"times", 0, OPT_INT, AT(times), "N", "1", 0, 1000,
     "how many connections fail; the later ones work"},
};

static const struct opt_spec spec = {
    .usage = "",
    .about =
        "A faulty wire for the tests; prints `listening' when it is ready, and a line "
        "for each fault.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .words_offset = AT(words),
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int find(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    fprintf(stderr, "leat-proxy: what is '%s'?\n", name);
    exit(64);
}

static void on_fault(const struct wire_fault *fault, int64_t passed)
{
    printf("%s after %lld %s\n", kinds[fault->kind], (long long)passed,
           fault->unit == WIRE_CHUNKS ? "chunks" : "bytes");
}

static void on_late(size_t bytes, int sent)
{
    printf("%zu bytes late: %s\n", bytes, sent ? "sent" : "refused");
}

int main(int argc, char **argv)
{
    static struct wire wire;
    static struct options o;
    opt_parse(&spec, argc, argv, &o);
    signal(SIGPIPE, SIG_IGN);
    setlinebuf(stdout);
    wire = (struct wire){
        .to = o.to, .fault_count = 1, .on_fault = on_fault, .on_late = on_late};
    wire.fault[0] = (struct wire_fault){
        .word = o.word,
        .from = strcmp(o.direction, "to-server") == 0 ? WIRE_CLIENT : WIRE_SERVER,
        .unit = (enum wire_unit)find(units, COUNT(units), o.unit),
        .after = o.after,
        .kind = (enum wire_kind)find(kinds, COUNT(kinds), o.fault),
        .times = o.times};
    if (wire_open(&wire, o.listen) != 0)
        die(o.listen);
    puts("listening");
    while (wire_turn(&wire, -1) == 0)
        ;
    die("poll");
}
