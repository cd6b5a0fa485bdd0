/* SPDX-License-Identifier: MIT */
#include "broker/resting.h"
#include "base/text.h"
#include "broker/script_call.h"

#include <string.h>

static const struct {
    const char *name;
    enum walk_source source;
} kinds[] = {
    [RESTING_DEAD] = {"dead", WALK_DEAD},
    [RESTING_BAD] = {"bad", WALK_BAD},
};

const char *resting_kind_name(enum resting_kind kind)
{
    return kinds[kind].name;
}

int resting_kind_parse(const char *name, enum resting_kind *out, struct err *err)
{
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        *out = (enum resting_kind)i;
        return LEAT_OK;
    }
    return err_set(err, LEAT_EUSAGE, "--state is 'dead' or 'bad', not '%.40s'", name);
}

enum walk_source resting_source(enum resting_kind kind)
{
    return kinds[kind].source;
}

/* ---- handles ----------------------------------------------------------------------- */

/* Source: Fowler, Noll, Vo: FNV-1a, 64 bits. */
static uint64_t digest(struct bytes bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* The iid; the digest for an entry that has none. */
static void add_iid(struct buf *out, struct bytes raw)
{
    struct entry entry;
    if (entry_read(&entry, raw) == 0 && entry.iid.len > 0)
        buf_add(out, entry.iid.at, entry.iid.len);
    else
        buf_addf(out, "%016llx", (unsigned long long)digest(raw));
}

void resting_handle(struct buf *out, const struct resting *resting)
{
    if (resting->kind == RESTING_BAD) {
        buf_addf(out, "bad:%016llx", (unsigned long long)digest(resting->raw));
        return;
    }
    buf_addf(out, "dead:%lld:", (long long)resting->died_ms);
    add_iid(out, resting->raw);
}

int resting_is_named(const struct resting *resting, const char *word)
{
    struct buf handle = {0};
    resting_handle(&handle, resting);
    int is_named = bytes_is(buf_bytes(&handle), word);
    if (!is_named && resting->kind == RESTING_DEAD)
        is_named =
            strcmp(strchr(buf_text(&handle) + strlen("dead:"), ':') + 1, word) == 0;
    buf_fini(&handle);
    return is_named;
}

int64_t resting_handle_died_ms(const char *word)
{
    const size_t head = strlen("dead:");
    int64_t died_ms;
    if (strncmp(word, "dead:", head) != 0)
        return 0;
    struct bytes number = {word + head, strcspn(word + head, ":")};
    if (word[head + number.len] != ':' || text_to_int(number, &died_ms) != 0)
        return 0;
    return died_ms > 0 ? died_ms : 0;
}

int resting_is_handle(const char *word)
{
    return resting_handle_died_ms(word) != 0 ||
           strncmp(word, "bad:", strlen("bad:")) == 0;
}

/* ---- what it is -------------------------------------------------------------------- */

void resting_read(struct resting_view *view, const struct resting *resting,
                  struct arena *arena)
{
    *view = (struct resting_view){0};
    if (resting->raw.len > LIMIT_ENTRY_BYTES)
        err_set(&view->err, LEAT_EDATA, "the entry has %zu bytes, the limit is %d",
                resting->raw.len, LIMIT_ENTRY_BYTES);
    if (entry_read(&view->entry, resting->raw) != 0) {
        view->entry.payload = resting->raw;
        entry_refuse(resting->raw, &view->err);
    }
    if (view->err.code == LEAT_OK)
        envelope_read(&view->job, view->entry.payload, arena, &view->err);
}

struct bytes resting_payload(const struct resting *resting,
                             const struct resting_view *view)
{
    return resting->kind == RESTING_BAD ? resting->raw : view->entry.payload;
}

/* ---- acting ------------------------------------------------------------------------ */

/* The same job, first delivered when it was, as if it had never run. */
static struct bytes revived(struct bytes raw, struct arena *arena)
{
    struct entry entry;
    struct buf out = {0};
    if (entry_read(&entry, raw) != 0 || entry.iid.len == 0)
        return raw;
    entry.deliveries = entry.fails = 0;
    entry.error = entry.slot = (struct bytes){"", 0};
    entry_write_header(&out, &entry, NULL);
    buf_addc(&out, '\n');
    buf_add(&out, entry.payload.at, entry.payload.len);
    struct bytes copy = {arena_dup(arena, buf_bytes(&out)), out.len};
    buf_fini(&out);
    return copy;
}

void resting_put_retry(struct cmd *cmd, const struct queue *queue,
                       const struct resting *resting, struct arena *arena)
{
    struct bytes pushed = resting->raw;
    if (resting->kind == RESTING_DEAD)
        pushed = revived(resting->raw, arena);
    script_requeue(cmd, queue, kinds[resting->kind].name, resting->raw, pushed);
}

void resting_put_remove(struct cmd *cmd, const struct queue *queue,
                        const struct resting *resting)
{
    script_remove(cmd, queue, kinds[resting->kind].name, resting->raw);
}

int resting_gone(const struct resting *resting, struct err *err)
{
    struct buf handle = {0};
    resting_handle(&handle, resting);
    err_set(err, LEAT_ENO, "'%s' is not there any more", buf_text(&handle));
    buf_fini(&handle);
    return LEAT_ENO;
}
