/* SPDX-License-Identifier: MIT */
/* GET /api/v1/cache: a queue's kept copies, those that are read most first. There is no
 * list of them, so the keys of the whole Redis are walked; of each copy that turns up
 * three commands ask what it is, all but its body. */
#include "base/text.h"
#include "dashboard/handlers.h"
#include "dashboard/look.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 500,
    CALLS_MAX = 400,    /* of SCAN for one look */
    COPIES_MAX = 20000, /* asked about for one look */
};

static const char *const fields[] = {"status", "type",  "fetched", "fresh",
                                     "hits",   "stale", "misses"};
enum { STATUS, TYPE, FETCHED, FRESH, HITS, STALE, MISSES, FIELD_COUNT };

/* A page of copies that are being asked about. */
struct copy {
    struct copy_page *page;
    struct bytes key; /* without the queue's prefix */
    int64_t bytes;
    struct buf facts; /* JSON, but for the time when it goes */
    int64_t reads;
    int is_there;
};

struct copy_page {
    struct look *look;
    struct arena arena; /* owns it, and the rest */
    int more;           /* keys are left to walk */
    int left;           /* copies that are not through */
};

static void ask_page(struct look *look);

/* ---- a copy ------------------------------------------------------------------------ */

static int64_t sum(int64_t a, int64_t b)
{
    int64_t total;
    return __builtin_add_overflow(a, b, &total) ? INT64_MAX : total;
}

static void add_number(struct buf *out, const char *key, int64_t number)
{
    buf_addf(out, ",\"%s\":%lld", key, (long long)number);
}

static void add_count(struct buf *out, const char *key, const struct redisReply *count)
{
    buf_addf(out, ",\"%s\":\"%lld\"", key, (long long)reply_int(count, 0));
}

static void read_facts(struct copy *copy, const struct redisReply *reply)
{
    struct buf *out = &copy->facts;
    int64_t fresh_ms = reply_int(reply_at(reply, FRESH), 0);
    int64_t now_ms = copy->page->look->at_ms;
    add_number(out, "status", reply_int(reply_at(reply, STATUS), 0));
    buf_adds(out, ",\"content_type\":");
    text_json_string(out, reply_bytes(reply_at(reply, TYPE)));
    add_number(out, "fetched_ms", reply_int(reply_at(reply, FETCHED), 0));
    add_number(out, "fresh_until_ms", fresh_ms);
    buf_addf(out, ",\"state\":\"%s\"", now_ms < fresh_ms ? "fresh" : "stale");
    add_count(out, "hits", reply_at(reply, HITS));
    add_count(out, "stale", reply_at(reply, STALE));
    add_count(out, "misses", reply_at(reply, MISSES));
    copy->reads =
        sum(reply_int(reply_at(reply, HITS), 0), reply_int(reply_at(reply, STALE), 0));
    copy->is_there = !reply_is_nil(reply_at(reply, FETCHED));
}

/* ---- the three answers ------------------------------------------------------------- */

static void on_facts(void *arg, struct answer *answer)
{
    struct copy *copy = arg;
    if (look_answered(copy->page->look, answer) == 0)
        read_facts(copy, answer->reply);
}

static void on_length(void *arg, struct answer *answer)
{
    struct copy *copy = arg;
    if (look_answered(copy->page->look, answer) == 0)
        add_number(&copy->facts, "bytes", reply_int(answer->reply, 0));
}

static void page_free(struct copy_page *page)
{
    arena_fini(&page->arena);
    free(page);
}

static void page_end(struct copy_page *page)
{
    struct look *look = page->look;
    int more = page->more;
    page_free(page);
    if (more && look->err.code == LEAT_OK)
        ask_page(look);
    if (look->due == 0)
        look_done(look);
}

/* The last of the three. One that expired meanwhile is left out. */
static void on_expiry(void *arg, struct answer *answer)
{
    struct copy *copy = arg;
    struct look *look = copy->page->look;
    if (look_answered(look, answer) == 0 && copy->is_there) {
        int64_t gone_ms = reply_int(answer->reply, 0);
        if (gone_ms > 0)
            add_number(&copy->facts, "gone_ms", gone_ms);
        top_offer(&look->top, copy->key, copy->reads, buf_bytes(&copy->facts));
        look->scanned++;
    }
    buf_fini(&copy->facts);
    if (--copy->page->left == 0)
        page_end(copy->page);
}

/* ---- walking ----------------------------------------------------------------------- */

static void ask_about(struct copy *copy, struct bytes key)
{
    struct look *look = copy->page->look;
    struct cmd *cmd = &look->dashboard->cmd;
    cmd_set(cmd, "HMGET", NULL);
    cmd_add(cmd, key);
    for (int i = 0; i < FIELD_COUNT; i++)
        cmd_adds(cmd, fields[i]);
    look_ask(look, on_facts, copy);
    cmd_set(cmd, "HSTRLEN", NULL);
    cmd_add(cmd, key);
    cmd_adds(cmd, "body");
    look_ask(look, on_length, copy);
    cmd_set(cmd, "PEXPIRETIME", NULL);
    cmd_add(cmd, key);
    look_ask(look, on_expiry, copy);
}

static void ask_about_all(struct look *look, const struct redisReply *keys, int more)
{
    struct copy_page *page = xcalloc(1, sizeof *page);
    /* Either all questions leave or none: within one turn of the loop a link stays up. */
    size_t count = link_is_up(look->dashboard->link) ? reply_count(keys) : 0;
    size_t prefix = strlen(look->queue.prefix) + strlen("cache:");
    struct copy *copies = arena_alloc(&page->arena, (count + 1) * sizeof *copies);
    *page = (struct copy_page){look, page->arena, more, (int)count};
    for (size_t i = 0; i < count; i++) {
        struct bytes key = reply_bytes(reply_at(keys, i));
        const char *kept = arena_dup(&page->arena, key);
        copies[i] = (struct copy){.page = page, .key = {kept + prefix, key.len - prefix}};
        ask_about(&copies[i], key);
    }
    if (count == 0)
        page_end(page);
}

static void on_keys(void *arg, struct answer *answer)
{
    struct look *look = arg;
    if (look_answered(look, answer) != 0) {
        if (look->due == 0)
            look_done(look);
        return;
    }
    int more = look_take_cursor(look, answer->reply) && look->calls < CALLS_MAX &&
               look->scanned < COPIES_MAX;
    ask_about_all(look, reply_at(answer->reply, 1), more);
}

/* A queue's name has nothing that a pattern would take for its own. */
static void ask_page(struct look *look)
{
    struct cmd *cmd = &look->dashboard->cmd;
    cmd_set(cmd, "SCAN", look->cursor, "MATCH", NULL);
    cmd_addf(cmd, "%scache:*", look->queue.prefix);
    cmd_adds(cmd, "COUNT");
    cmd_add_int(cmd, PAGE);
    cmd_adds(cmd, "TYPE");
    cmd_adds(cmd, "hash");
    look_ask(look, on_keys, look);
}

static void write(struct buf *out, const struct look *look, size_t limit)
{
    buf_addf(out, "{\"queue\":\"%s\",\"copies\":[", look->queue.name);
    for (size_t i = 0; i < look->top.count && i < limit; i++) {
        buf_adds(out, i > 0 ? ",{\"key\":" : "{\"key\":");
        text_json_string(out, look->top.at[i].name);
        buf_add(out, look->top.at[i].text.at, look->top.at[i].text.len);
        buf_addc(out, '}');
    }
    buf_adds(out, "],");
    look_write_end(out, look);
}

const struct look_kind look_copies = {ask_page, write, 500, 50};

void get_copies(struct http_request *request, void *arg)
{
    look_serve(arg, request, &look_copies);
}
