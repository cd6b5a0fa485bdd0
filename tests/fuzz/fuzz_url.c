/* SPDX-License-Identifier: MIT */
/* Addresses that people give. One of Redis that is read keeps its bounds, means the same
 * when it is written out again, and is shown without its password; one that is refused is
 * not repeated, since it may hold a password. A range of addresses that is allowed lets
 * its own addresses pass. */
#include "base/netguard.h"
#include "base/text.h"
#include "broker/redis_url.h"
#include "fuzz.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

static int keep_letters(unsigned char c)
{
    return isalnum(c);
}

static int keep_path(unsigned char c)
{
    return isalnum(c) || c == '/';
}

static void write_url(struct buf *out, const struct redis_url *url, const char *password)
{
    buf_adds(out, url->host[0] != '\0' ? "redis://" : "unix://");
    if (url->host[0] != '\0') {
        text_percent_escape(out, bytes_of(url->user), keep_letters);
        buf_addf(out, ":%s@", password);
        text_percent_escape(out, bytes_of(url->host), keep_letters);
        buf_addf(out, ":%d/%d", url->port, url->db);
    } else {
        text_percent_escape(out, bytes_of(url->path), keep_path);
        buf_addf(out, "?db=%d", url->db);
    }
}

/* The same address with another password: all but that is equal, what is shown too. */
static void check_again(const struct redis_url *url)
{
    static const char password[] = "0123456789abcdef0123456789abcdef";
    struct redis_url again;
    struct buf text = {0};
    struct err err = {0};
    write_url(&text, url, password);
    MUST(redis_url_parse(&again, buf_text(&text), &err) == LEAT_OK);
    MUST(strcmp(again.shown, url->shown) == 0);
    MUST(strcmp(again.host, url->host) == 0 && strcmp(again.path, url->path) == 0);
    MUST(again.port == url->port && again.db == url->db);
    if (url->host[0] != '\0')
        MUST(strcmp(again.user, url->user) == 0 && strcmp(again.password, password) == 0);
    buf_fini(&text);
}

static void check_bounds(const struct redis_url *url, const char *text)
{
    /* else it were a part of the password, shown */
    MUST(strchr(url->host, '@') == NULL || strstr(text, "%40") != NULL);
    MUST((url->host[0] == '\0') == (url->path[0] == '/'));
    MUST(url->host[0] == '\0' || (url->port >= 1 && url->port <= 65535));
    MUST(url->db >= 0 && url->db <= 1000000);
    MUST(memchr(url->shown, '\0', sizeof url->shown) != NULL);
}

static void check_redis(const char *text)
{
    struct redis_url url, untouched;
    struct err err = {0}, usual = {0};
    memset(&url, 'x', sizeof url);
    untouched = url;
    if (redis_url_parse(&url, text, &err) == LEAT_OK) {
        check_bounds(&url, text);
        check_again(&url);
        return;
    }
    MUST(err.code == LEAT_EUSAGE && memcmp(&url, &untouched, sizeof url) == 0);
    redis_url_parse(&url, strncmp(text, "rediss:", 7) == 0 ? "rediss:" : "", &usual);
    MUST(strcmp(err.text, usual.text) == 0);
}

static struct sockaddr_storage first_of(const struct netguard_range *range)
{
    struct sockaddr_storage first = {.ss_family = (sa_family_t)range->base.family};
    if (range->base.family == AF_INET)
        memcpy(&((struct sockaddr_in *)&first)->sin_addr, range->base.bytes, 4);
    else
        memcpy(&((struct sockaddr_in6 *)&first)->sin6_addr, range->base.bytes, 16);
    return first;
}

static void check_range(const char *text)
{
    struct netguard guard = {0};
    struct err err = {0};
    if (netguard_allow(&guard, text, &err) != LEAT_OK) {
        MUST(err.code == LEAT_EUSAGE && err.text[0] != '\0' && guard.allowed_count == 0);
        return;
    }
    const struct netguard_range *range = &guard.allowed[0];
    struct sockaddr_storage first = first_of(range);
    MUST(guard.allowed_count == 1);
    MUST(range->base.family == AF_INET || range->base.family == AF_INET6);
    MUST(range->bits <= (range->base.family == AF_INET ? 32 : 128));
    MUST(netguard_permits(&guard, (const struct sockaddr *)&first));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    check_redis(text);
    check_range(text);
    free(text);
    return 0;
}
