/* SPDX-License-Identifier: MIT */
/* One walk after the other: for each handle of a dead job one over its millisecond, then
 * one over the dead for the words that are no handle, then one over the quarantine. */
#include "broker/resting_find.h"

#include <string.h>

enum { KINDS = 2 };

static int is_bad_handle(const char *word)
{
    return strncmp(word, "bad:", strlen("bad:")) == 0;
}

/* Has a word that only a walk over all of this kind can find? */
static int needs_walk(const struct resting_find *find, enum resting_kind kind)
{
    for (size_t i = 0; i < find->count; i++)
        if (find->found[i].raw.at == NULL &&
            resting_handle_died_ms(find->words[i]) == 0 &&
            is_bad_handle(find->words[i]) == (kind == RESTING_BAD))
            return 1;
    return 0;
}

static int on_entry(void *arg, struct bytes raw, int64_t at_ms)
{
    struct resting_find *find = arg;
    enum resting_kind kind = find->walk.source == WALK_DEAD ? RESTING_DEAD : RESTING_BAD;
    const struct resting resting = {kind, raw, at_ms};
    for (size_t i = 0; i < find->count; i++) {
        if (find->found[i].raw.at != NULL || !resting_is_named(&resting, find->words[i]))
            continue;
        find->found[i] = resting;
        find->found[i].raw.at = arena_dup(find->arena, raw);
        find->left--;
    }
    return find->left == 0;
}

/* Begin the next walk that may find something. Returns 1, or 0 when there is none. */
static int prepare_walk(struct resting_find *find)
{
    struct walk *walk = &find->walk;
    walk->only_at_ms = 0;
    for (; find->next < find->count && walk->only_at_ms == 0; find->next++)
        if (find->found[find->next].raw.at == NULL)
            walk->only_at_ms = resting_handle_died_ms(find->words[find->next]);
    walk->source = WALK_DEAD;
    if (walk->only_at_ms != 0)
        return 1;
    while (find->walked_kinds < KINDS) {
        enum resting_kind kind = (enum resting_kind)find->walked_kinds++;
        walk->source = resting_source(kind);
        if (needs_walk(find, kind))
            return 1;
    }
    return 0;
}

static void finish(struct resting_find *find)
{
    struct err err = {0};
    for (size_t i = 0; i < find->count; i++)
        if (find->found[i].raw.at == NULL)
            err_set(
                &err, LEAT_ENO,
                "'%s' is neither dead nor in the quarantine of this queue (not looked "
                "further than its newest %lld)",
                find->words[i], (long long)find->max);
    find->done(find, err.code != LEAT_OK ? &err : NULL);
}

static void on_walked(struct walk *walk, const struct err *err)
{
    struct resting_find *find = walk->arg;
    struct err lost = {0};
    if (err != NULL)
        find->done(find, err);
    else if (find->left == 0 || !prepare_walk(find))
        finish(find);
    else if (walk_start(walk) != LEAT_OK)
        find->done(find, (err_set(&lost, LEAT_ELINK, "the connection to Redis was lost"),
                          &lost));
}

int resting_find_start(struct resting_find *find, struct link *link)
{
    memset(find->found, 0, find->count * sizeof *find->found);
    find->left = find->count;
    find->next = 0;
    find->walked_kinds = 0;
    find->walk = (struct walk){.link = link,
                               .queue = find->queue,
                               .max = find->max,
                               .entry = on_entry,
                               .done = on_walked,
                               .arg = find};
    prepare_walk(find);
    return walk_start(&find->walk);
}

void resting_find_fini(struct resting_find *find)
{
    walk_fini(&find->walk);
}
