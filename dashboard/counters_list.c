/* SPDX-License-Identifier: MIT */
/* GET /counters: all counters of a queue, or those with a prefix. They are read page by
 * page, so that Redis never stands still for a large hash, and kept until the last page
 * is there: a hash that is rehashed meanwhile shows some of them twice, and only a sorted
 * list tells. */
#include "base/text.h"
#include "dashboard/handlers.h"
#include "dashboard/service.h"
#include "schema/limits.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum {
    PAGE = 1000,
    COUNTERS_MAX = 100000,
    BYTES_MAX = 4 * 1024 * 1024, /* of names and values */
    LISTINGS_MAX = 4,            /* at once */
};

struct counter {
    struct bytes name, value;
};

struct listing {
    struct dashboard *dashboard;
    struct http_request *request;
    int as_json;
    char key[QUEUE_KEY_BYTES];
    const char *pattern;
    char cursor[24];
    struct arena arena; /* names, values, pattern */
    struct counter *at;
    size_t count, size, bytes;
};

static void listing_free(struct listing *listing)
{
    listing->dashboard->listing_count--;
    arena_fini(&listing->arena);
    free(listing->at);
    free(listing);
}

/* ---- writing ----------------------------------------------------------------------- */

static int is_plain(unsigned char c)
{
    return c >= 0x20 && c != 0x7f && c != ',' && c != '=';
}

static int is_plain_ascii(unsigned char c)
{
    return is_plain(c) && c < 0x80;
}

static void write_text(struct buf *out, const struct counter *counter)
{
    if (out->len > 0)
        buf_addc(out, ',');
    /* What is no UTF-8 would spoil the whole answer for its reader. */
    text_percent_escape(out, counter->name,
                        text_is_utf8(counter->name) ? is_plain : is_plain_ascii);
    buf_addc(out, '=');
    text_percent_escape(out, counter->value, is_plain_ascii);
}

/* A number where every reader of JSON keeps it exact, else a string. */
static void write_json(struct buf *out, const struct counter *counter)
{
    int64_t value;
    buf_addc(out, out->len == 0 ? '{' : ',');
    text_json_string(out, counter->name);
    buf_addc(out, ':');
    if (text_to_int(counter->value, &value) == 0 && value <= LIMIT_BY &&
        value >= -LIMIT_BY)
        buf_add_int(out, value);
    else
        text_json_string(out, counter->value);
}

static int by_name(const void *a, const void *b)
{
    struct bytes x = ((const struct counter *)a)->name;
    struct bytes y = ((const struct counter *)b)->name;
    int order = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static void answer_list(struct listing *listing)
{
    struct buf out = {0};
    if (listing->count > 0)
        qsort(listing->at, listing->count, sizeof *listing->at, by_name);
    for (size_t i = 0; i < listing->count; i++)
        if (i == 0 || !bytes_equal(listing->at[i].name, listing->at[i - 1].name))
            (listing->as_json ? write_json : write_text)(&out, &listing->at[i]);
    if (listing->as_json)
        buf_adds(&out, out.len == 0 ? "{}" : "}");
    http_answer(listing->request, 200,
                listing->as_json ? "application/json" : SERVICE_TEXT, buf_bytes(&out));
    buf_fini(&out);
}

/* ---- reading ----------------------------------------------------------------------- */

static struct bytes keep(struct listing *listing, struct bytes text)
{
    listing->bytes += text.len;
    return (struct bytes){arena_dup(&listing->arena, text), text.len};
}

static void add(struct listing *listing, struct bytes name, struct bytes value)
{
    if (listing->count == listing->size) {
        listing->size = listing->size > 0 ? 2 * listing->size : PAGE;
        listing->at = xrealloc(listing->at, listing->size * sizeof *listing->at);
    }
    listing->at[listing->count++] =
        (struct counter){keep(listing, name), keep(listing, value)};
}

/* Returns -1 when there are too many. A page may be long, so each counter is looked
 * at. */
static int add_page(struct listing *listing, const struct redisReply *page)
{
    for (size_t i = 0; i + 1 < reply_count(page); i += 2) {
        if (listing->count == COUNTERS_MAX || listing->bytes > BYTES_MAX)
            return -1;
        add(listing, reply_bytes(reply_at(page, i)), reply_bytes(reply_at(page, i + 1)));
    }
    return 0;
}

static void ask_page(struct listing *listing);

static void on_page(void *arg, struct answer *answer)
{
    struct listing *listing = arg;
    if (answer->code != LEAT_OK) {
        service_fail(listing->request, answer->code, answer->text);
    } else if (add_page(listing, reply_at(answer->reply, 1)) != 0) {
        http_problem(listing->request, 400, "Too many counters",
                     "One answer has at most 100,000 counters and 4 MiB: ask for fewer "
                     "with ?prefix=, or use `leat counter ls`.");
    } else {
        snprintf(listing->cursor, sizeof listing->cursor, "%.20s",
                 reply_bytes(reply_at(answer->reply, 0)).at);
        if (strcmp(listing->cursor, "0") != 0) {
            ask_page(listing);
            return;
        }
        answer_list(listing);
    }
    listing_free(listing);
}

static void ask_page(struct listing *listing)
{
    struct dashboard *dashboard = listing->dashboard;
    cmd_set(&dashboard->cmd, "HSCAN", listing->key, listing->cursor, "MATCH",
            listing->pattern, "COUNT", NULL);
    cmd_add_int(&dashboard->cmd, PAGE);
    if (link_send(dashboard->link, &dashboard->cmd, 0, 0, on_page, listing) == LEAT_OK)
        return;
    service_fail(listing->request, LEAT_ELINK, "There is no connection to Redis.");
    listing_free(listing);
}

static const char *pattern_of(struct listing *listing, const char *prefix)
{
    struct buf pattern = {0};
    text_glob_escape(&pattern, bytes_of(prefix));
    buf_addc(&pattern, '*');
    const char *kept = arena_dup(&listing->arena, buf_bytes(&pattern));
    buf_fini(&pattern);
    return kept;
}

static struct listing *listing_new(struct dashboard *dashboard,
                                   struct http_request *request,
                                   const struct queue *queue, const char *prefix)
{
    struct listing *listing = xcalloc(1, sizeof *listing);
    const char *accept = http_header(request, "Accept");
    listing->dashboard = dashboard;
    listing->request = request;
    listing->as_json = accept != NULL && strstr(accept, "application/json") != NULL;
    listing->pattern = pattern_of(listing, prefix);
    memcpy(listing->key, queue->counters, sizeof listing->key);
    strcpy(listing->cursor, "0");
    dashboard->listing_count++;
    return listing;
}

void get_counters(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    const struct queue *queue = service_queue(dashboard, request);
    const char *prefix = http_query(request, "prefix");
    if (queue == NULL)
        return;
    prefix = prefix != NULL ? prefix : "";
    if (strlen(prefix) > LIMIT_COUNTER_NAME_BYTES) {
        http_problem(request, 400, "Bad prefix", "No counter's name is so long.");
    } else if (dashboard->listing_count == LISTINGS_MAX) {
        service_try_later(request, "Too many lists at once", NULL);
    } else {
        http_defer(request);
        ask_page(listing_new(dashboard, request, queue, prefix));
    }
}
