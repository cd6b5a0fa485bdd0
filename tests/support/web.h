/* SPDX-License-Identifier: MIT */
/* What the web servers of the tests share: libmicrohttpd on loopback, a thread for each
 * connection, so that an answer may block. */
#ifndef LEAT_TESTS_SUPPORT_WEB_H
#define LEAT_TESTS_SUPPORT_WEB_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>

/* Of a request: an argument of its query, a field of its head; or NULL. */
const char *web_argument(struct MHD_Connection *connection, const char *name);
const char *web_header(struct MHD_Connection *connection, const char *name);

/* Queue `response`, which is taken. */
enum MHD_Result web_answer(struct MHD_Connection *connection, unsigned status,
                           struct MHD_Response *response);

/* One that is this text, which is copied. */
struct MHD_Response *web_text(const char *text);

/* Block for `ms` (-1: for ever), or until the client hangs up. */
void web_linger(struct MHD_Connection *connection, int ms);

/* A port on loopback; 0 lets the system choose. */
struct sockaddr_in web_loopback(int64_t port);

/* Before the server's threads, which inherit it: the signals that end it wait. */
void web_block_signals(void);

/* Say `listening PORT`, or what went wrong if there is no daemon, and exit when a signal
 * says so. */
_Noreturn void web_serve(struct MHD_Daemon *daemon);

#endif
