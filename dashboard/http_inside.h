/* SPDX-License-Identifier: MIT */
/* What the three files of the HTTP door share; nobody else includes it. http.c has the
 * server in its loop, http_request.c the life of a request, http_answer.c what goes
 * back. */
#ifndef LEAT_DASHBOARD_HTTP_INSIDE_H
#define LEAT_DASHBOARD_HTTP_INSIDE_H

#include "base/buf.h"
#include "dashboard/framing.h"
#include "dashboard/hostcheck.h"
#include "dashboard/http.h"
#include "dashboard/listen.h"

#include <ev.h>
#include <microhttpd.h>
#include <sys/queue.h>

#define HTTP_SHUTTING_DOWN "Shutting down"

struct http_peer { /* one connection */
    LIST_ENTRY(http_peer) link;
    int fd;
    int64_t deadline_mono_ms;     /* of what it owes us; INT64_MAX: nothing */
    struct http_request *request; /* the one under way, or NULL */
};

struct http_server {
    struct ev_loop *loop;
    struct http_config config;
    struct listen_socket listening;
    struct hostcheck hosts;
    struct MHD_Daemon *daemon;
    LIST_HEAD(http_peer_list, http_peer) peers;
    ev_io readable;
    ev_prepare before_sleep;
    ev_timer due;
    ev_timer sweep;
    int in_run;
    int has_new_peer; /* in this run */
    int is_closing;
    int is_in_place; /* MHD leaves the request's strings where they came in */
};

struct http_header {
    struct http_header *next;
    const char *name, *value;
};

enum http_phase {
    HTTP_HEAD, /* until on_access() was called for the headers */
    HTTP_BODY,
    HTTP_WHOLE,
    HTTP_DRAINING, /* answered too early for MHD: what still comes is thrown away */
};

struct http_request {
    struct http_server *server;
    struct MHD_Connection *connection; /* NULL: gone, only a handler holds the request */
    struct arena arena;
    struct framing framing;
    const char *target; /* where it was sent; decoded in place since */
    size_t target_len;  /* as sent */
    const char *path;
    const char *rest;
    const struct http_route *route;   /* NULL: no such path, or not with this method */
    const struct http_reader *reader; /* of a streamed body, until its on_end() */
    void *reader_arg;
    struct buf body;               /* of a route that wants it whole */
    int64_t window_bytes;          /* of a streamed body, in this deadline's time */
    struct http_header *headers;   /* of the answer */
    struct MHD_Response *response; /* waits for on_access() */
    unsigned status;
    enum http_phase phase;
    unsigned char is_head, is_broken, is_deferred, is_suspended, is_answered;
};

/* http.c: run MHD in this turn of the loop; nothing in its epoll set tells it to. */
void http_run_soon(struct http_server *server);

/* http_request.c: callbacks of MHD. */
void *http_request_on_target(void *arg, const char *target, struct MHD_Connection *);
enum MHD_Result http_request_on_access(void *arg, struct MHD_Connection *,
                                       const char *path, const char *method,
                                       const char *version, const char *body,
                                       size_t *body_len, void **context);
void http_request_on_completed(void *arg, struct MHD_Connection *, void **context,
                               enum MHD_RequestTerminationCode);
void http_request_on_connection(void *arg, struct MHD_Connection *, void **context,
                                enum MHD_ConnectionNotificationCode);

/* http_request.c: let a suspended connection go on. */
void http_request_resume(struct http_request *request);

/* http_request.c: its client was too slow; it is told so, or given more time. Returns 0
 * when only the end of the connection helps. */
int http_request_is_late(struct http_request *request);

/* http_request.c: the peer of a connection, and what MHD knows of it. */
struct http_peer *http_peer_of(struct MHD_Connection *connection);

/* http_answer.c: free a request that neither MHD nor a handler holds. */
void http_request_free(struct http_request *request);

/* http_answer.c: answer what its handler still has to answer, or will never see. */
void http_refuse(struct http_request *request, unsigned status, const char *title,
                 const char *detail);

/* http_answer.c: hand the stored answer to MHD. Calls: only from on_access(). */
enum MHD_Result http_answer_queue(struct http_request *request);

#endif
