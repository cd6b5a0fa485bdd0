/* SPDX-License-Identifier: MIT */
#include "broker/resolve.h"
#include "base/mem.h"

#include <ev.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shared by the loop and the thread; whoever is the last to leave frees it. */
struct resolve {
    struct ev_loop *loop;
    ev_async done;
    pthread_mutex_t lock; /* guards `cancelled` and `finished` */
    int cancelled, finished;
    char *host;
    int port;
    struct addresses found;
    int failure; /* of getaddrinfo */
    resolve_fn fn;
    void *arg;
};

static int look_up(struct addresses *out, const char *host, int port, int flags)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *list;
    snprintf(service, sizeof service, "%d", port);
    int failure = getaddrinfo(host, service, &hints, &list);
    if (failure != 0)
        return failure;
    out->count = 0;
    for (struct addrinfo *it = list; it != NULL && out->count < RESOLVE_MAX;
         it = it->ai_next) {
        memcpy(&out->at[out->count].addr, it->ai_addr, it->ai_addrlen);
        out->at[out->count++].len = it->ai_addrlen;
    }
    freeaddrinfo(list);
    return 0;
}

int resolve_numeric(struct addresses *out, const char *host, int port)
{
    return look_up(out, host, port, AI_NUMERICHOST) == 0 ? 0 : -1;
}

static void resolve_free(struct resolve *resolve)
{
    pthread_mutex_destroy(&resolve->lock);
    free(resolve->host);
    free(resolve);
}

static void *run(void *arg)
{
    struct resolve *resolve = arg;
    resolve->failure = look_up(&resolve->found, resolve->host, resolve->port, 0);
    pthread_mutex_lock(&resolve->lock);
    int cancelled = resolve->cancelled;
    resolve->finished = 1;
    if (!cancelled)
        ev_async_send(resolve->loop, &resolve->done);
    pthread_mutex_unlock(&resolve->lock);
    if (cancelled)
        resolve_free(resolve);
    return NULL;
}

static void on_done(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)events;
    struct resolve *resolve = watcher->data;
    ev_async_stop(loop, watcher);
    pthread_mutex_lock(&resolve->lock); /* the thread has let go of it after this */
    pthread_mutex_unlock(&resolve->lock);
    resolve->fn(resolve->arg, &resolve->found,
                resolve->failure != 0 ? gai_strerror(resolve->failure) : NULL);
    resolve_free(resolve);
}

/* Signals are the program's; a thread that it did not ask for must not take one. */
static int start_thread(struct resolve *resolve)
{
    pthread_t thread;
    pthread_attr_t detached;
    sigset_t all, old;
    sigfillset(&all);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int failure = pthread_create(&thread, &detached, run, resolve);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&detached);
    return failure;
}

struct resolve *resolve_start(struct ev_loop *loop, const char *host, int port,
                              resolve_fn fn, void *arg)
{
    struct resolve *resolve = xcalloc(1, sizeof *resolve);
    resolve->loop = loop;
    resolve->host = xstrdup(host);
    resolve->port = port;
    resolve->fn = fn;
    resolve->arg = arg;
    pthread_mutex_init(&resolve->lock, NULL);
    ev_async_init(&resolve->done, on_done);
    resolve->done.data = resolve;
    ev_async_start(loop, &resolve->done);
    if (start_thread(resolve) != 0) {
        resolve->failure = EAI_AGAIN;
        ev_async_send(loop, &resolve->done);
    }
    return resolve;
}

void resolve_cancel(struct resolve *resolve)
{
    if (resolve == NULL)
        return;
    ev_async_stop(resolve->loop, &resolve->done);
    pthread_mutex_lock(&resolve->lock);
    int finished = resolve->finished;
    resolve->cancelled = 1;
    pthread_mutex_unlock(&resolve->lock);
    if (finished)
        resolve_free(resolve);
}
