/* SPDX-License-Identifier: MIT */
/* libcurl in the worker's loop. It says through on_socket() which descriptors to watch
 * and through on_timer() when it wants to be called; both only set watchers of the loop.
 * The watchers call drive(), which lets libcurl work and then collects the transfers that
 * ended. So user code runs in drive() and at a fetch's deadline only: never inside
 * libcurl or fetch_start(). */
#include "base/log.h"
#include "worker/fetch_inside.h"

#include <assert.h>
#include <stdlib.h>

enum { CONNECTIONS_KEPT_MAX = 64 };

/* A descriptor that libcurl wants to be watched. */
struct watch {
    ev_io io;
    struct fetcher *fetcher;
};

/* Let libcurl work on one descriptor or on its timers, then hand over what has ended. A
 * `done` may start and cancel fetches: cancelled ones leave libcurl's messages, too. */
static void drive(struct fetcher *fetcher, curl_socket_t fd, int events)
{
    int left;
    const CURLMsg *message;
    curl_multi_socket_action(fetcher->multi, fd, events, &left);
    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        struct fetch *fetch = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        fetch_finish(fetch, message->data.result);
    }
}

static void on_ready(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    const struct watch *watch = io->data;
    int events = (revents & EV_READ ? CURL_CSELECT_IN : 0) |
                 (revents & EV_WRITE ? CURL_CSELECT_OUT : 0) |
                 (revents & EV_ERROR ? CURL_CSELECT_ERR : 0);
    drive(watch->fetcher, io->fd, events);
}

static void on_due(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    drive(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl says what to watch a descriptor for. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    (void)easy;
    struct fetcher *fetcher = arg;
    struct watch *watch = assigned;
    if (watch == NULL) {
        watch = xmalloc(sizeof *watch);
        watch->fetcher = fetcher;
        ev_init(&watch->io, on_ready);
        watch->io.data = watch;
        curl_multi_assign(fetcher->multi, fd, watch);
    }
    ev_io_stop(fetcher->loop, &watch->io);
    if (what == CURL_POLL_REMOVE) {
        free(watch);
        return 0;
    }
    ev_io_set(&watch->io, fd,
              (what & CURL_POLL_IN ? EV_READ : 0) |
                  (what & CURL_POLL_OUT ? EV_WRITE : 0));
    ev_io_start(fetcher->loop, &watch->io);
    return 0;
}

/* libcurl says when it wants to be called, -1 for never. 0 is a timer as well: libcurl
 * must not be called from inside its callback. */
static int on_timer(CURLM *multi, long after_ms, void *arg)
{
    (void)multi;
    struct fetcher *fetcher = arg;
    ev_timer_stop(fetcher->loop, &fetcher->timer);
    if (after_ms < 0)
        return 0;
    ev_timer_set(&fetcher->timer, (double)after_ms / 1000, 0);
    ev_timer_start(fetcher->loop, &fetcher->timer);
    return 0;
}

struct fetcher *fetcher_new(struct ev_loop *loop, const struct netguard *guard)
{
    struct fetcher *fetcher = xcalloc(1, sizeof *fetcher);
    fetcher->loop = loop;
    fetcher->guard = guard;
    fetcher->connections = FETCH_CONNECTIONS;
    ev_init(&fetcher->timer, on_due);
    fetcher->timer.data = fetcher;
    return fetcher;
}

void fetcher_limit(struct fetcher *fetcher, int connections)
{
    assert(fetcher->multi == NULL && connections > 0);
    fetcher->connections = connections;
}

void fetcher_trust(struct fetcher *fetcher, const char *ca_file)
{
    assert(fetcher->multi == NULL);
    fetcher->ca_file = ca_file;
}

void fetcher_set_up(struct fetcher *fetcher)
{
    fetch_must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) == 0)
        log_warn("this libcurl stops the worker while it resolves a name",
                 log_text("version", LIBCURL_VERSION));
    CURLM *multi = curl_multi_init();
    fetch_must(multi != NULL);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, fetcher);
    long per_host = fetcher->connections;
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                      per_host > CONNECTIONS_KEPT_MAX ? per_host : CONNECTIONS_KEPT_MAX);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, per_host);
    fetcher->multi = multi;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    for (struct fetch *next, *fetch = fetcher->first; fetch != NULL; fetch = next) {
        next = fetch->next;
        fetch_cancel(fetch);
    }
    for (struct fetch *next, *fetch = fetcher->idle; fetch != NULL; fetch = next) {
        next = fetch->next;
        fetch_free(fetch);
    }
    if (fetcher->multi != NULL) {
        curl_multi_cleanup(fetcher->multi);
        curl_global_cleanup();
    }
    ev_timer_stop(fetcher->loop, &fetcher->timer);
    free(fetcher);
}
