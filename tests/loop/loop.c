/* SPDX-License-Identifier: MIT */
/* The failure loop: a scene is run again and again, its link to Redis cut after 0, 1, 2 …
 * bytes in one direction, until it is over before the cut; then in the next way. After
 * each run the queue's books must be exact. With a stride of more than one byte the edges
 * of all messages, and the bytes before and behind them, are cut at besides. */
#include "base/opt.h"
#include "pool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *scene, *way, *unit;
    int64_t every, at, pool;
    struct opt_list words;
};

static const struct way ways[] = {
    {"to-server", {.from = WIRE_CLIENT, .kind = WIRE_CLOSE, .times = 1}},
    {"to-client", {.from = WIRE_SERVER, .kind = WIRE_CLOSE, .times = 1}},
    {"late", {.from = WIRE_CLIENT, .kind = WIRE_LATE, .times = 1}},
    {"to-server-twice", {.from = WIRE_CLIENT, .kind = WIRE_CLOSE, .times = 2}},
    {"to-client-twice", {.from = WIRE_SERVER, .kind = WIRE_CLOSE, .times = 2}},
};
enum { WAYS = sizeof ways / sizeof *ways };

#define AT(member) offsetof(struct options, member)

static const struct opt rows[] = {
    {"scene", 0, OPT_TEXT, AT(scene), "NAME", NULL, 0, 0, "only this scene"},
    {"way", 0, OPT_TEXT, AT(way), "NAME", NULL, 0, 0, "only this way to fail"},
    {"unit", 0, OPT_TEXT, AT(unit), "bytes|edges", NULL, 0, 0, "only such places"},
    {"at", 0, OPT_INT, AT(at), "N", "-1", -1, 1 << 30,
     "only this place, and show what was logged"},
    {"every", 0, OPT_INT, AT(every), "K", "1", 1, 1 << 20,
     "cut after every K-th byte; LEAT_LOOP_EVERY comes before it"},
    {"pool", 0, OPT_INT, AT(pool), "N", "32", 1, POOL_MAX, "runs at once"},
};

static const struct opt_spec spec = {
    .usage = "",
    .about = "Cut the link to Redis at each place, and look whether all comes out right.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .words_offset = AT(words),
};

static int is_meant(const char *given, const char *name)
{
    return given == NULL || strcmp(given, name) == 0;
}

static void add_row(struct board *board, const struct way *way, enum wire_unit unit,
                    const struct options *o)
{
    struct pool_row *row = &board->row[board->row_count++];
    row->way = way;
    row->unit = unit;
    row->every = unit == WIRE_BYTES ? o->every : 1;
    row->next = o->at >= 0 ? o->at : 0;
}

/* Every byte is every edge, too. */
static void fill(struct board *board, const struct options *o)
{
    *board = (struct board){.once = o->at >= 0};
    for (const struct way *way = ways; way < ways + WAYS; way++) {
        if (!is_meant(o->way, way->name))
            continue;
        if (is_meant(o->unit, "edges") && (o->every > 1 || o->unit != NULL))
            add_row(board, way, WIRE_EDGES, o);
        if (is_meant(o->unit, "bytes"))
            add_row(board, way, WIRE_BYTES, o);
    }
}

static void read_options(struct options *o, int argc, char **argv)
{
    const char *every = getenv("LEAT_LOOP_EVERY");
    opt_parse(&spec, argc, argv, o);
    if (every != NULL)
        o->every = strtoll(every, NULL, 10);
    if (o->every < 1)
        o->every = 1;
    if (o->at >= 0)
        o->pool = 1;
}

int main(int argc, char **argv)
{
    static struct options o;
    int failed = 0, tried = 0;
    read_options(&o, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    struct board *board = board_new();
    for (const struct scene *scene = scenes; scene->name != NULL; scene++) {
        if (!is_meant(o.scene, scene->name))
            continue;
        fill(board, &o);
        tried++;
        failed += pool_run(scene, board, (int)o.pool);
    }
    if (tried == 0)
        fprintf(stderr, "leat-loop: no scene %s\n", o.scene);
    return failed > 0 || tried == 0;
}
