/* SPDX-License-Identifier: MIT */
/* GET /api/v1/counters: a queue's greatest counters. */
#include "base/text.h"
#include "dashboard/handlers.h"
#include "dashboard/look.h"

enum {
    PAGE = 1000,
    FIELDS_MAX = 100000, /* read for one look */
};

static void offer(struct look *look, struct bytes name, struct bytes value)
{
    int64_t number;
    look->scanned++;
    if (text_to_int(value, &number) != 0)
        return; /* somebody else's field: no count */
    if (name.len > LIMIT_COUNTER_NAME_BYTES)
        name.len = LIMIT_COUNTER_NAME_BYTES;
    top_offer(&look->top, name, number, value);
}

static void on_length(void *arg, struct answer *answer)
{
    struct look *look = arg;
    if (look_answered(look, answer) == 0)
        look->of = reply_int(answer->reply, 0);
    if (look->due == 0)
        look_done(look);
}

static void on_page(void *arg, struct answer *answer);

static void ask_page(struct look *look)
{
    struct cmd *cmd = &look->dashboard->cmd;
    cmd_set(cmd, "HSCAN", look->queue.counters, look->cursor, "COUNT", NULL);
    cmd_add_int(cmd, PAGE);
    look_ask(look, on_page, look);
}

static void on_page(void *arg, struct answer *answer)
{
    struct look *look = arg;
    if (look_answered(look, answer) == 0) {
        const struct redisReply *page = reply_at(answer->reply, 1);
        for (size_t i = 0; i + 1 < reply_count(page); i += 2)
            offer(look, reply_bytes(reply_at(page, i)),
                  reply_bytes(reply_at(page, i + 1)));
        if (look_take_cursor(look, answer->reply) && look->scanned < FIELDS_MAX)
            ask_page(look);
    }
    if (look->due == 0)
        look_done(look);
}

static void gather(struct look *look)
{
    cmd_set(&look->dashboard->cmd, "HLEN", look->queue.counters, NULL);
    look_ask(look, on_length, look);
    ask_page(look);
}

static void write(struct buf *out, const struct look *look, size_t limit)
{
    buf_addf(out, "{\"queue\":\"%s\",\"counters\":[", look->queue.name);
    for (size_t i = 0; i < look->top.count && i < limit; i++) {
        buf_adds(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        text_json_string(out, look->top.at[i].name);
        buf_adds(out, ",\"value\":");
        text_json_string(out, look->top.at[i].text);
        buf_addc(out, '}');
    }
    buf_adds(out, "],");
    look_write_end(out, look);
}

const struct look_kind look_counters = {gather, write, 1000, 20};

void get_top_counters(struct http_request *request, void *arg)
{
    look_serve(arg, request, &look_counters);
}
