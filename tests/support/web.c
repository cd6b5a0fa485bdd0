/* SPDX-License-Identifier: MIT */
#include "web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *web_argument(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *web_header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

enum MHD_Result web_answer(struct MHD_Connection *connection, unsigned status,
                           struct MHD_Response *response)
{
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

struct MHD_Response *web_text(const char *text)
{
    return MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                           MHD_RESPMEM_MUST_COPY);
}

void web_linger(struct MHD_Connection *connection, int ms)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd hangup = {.fd = info->connect_fd, .events = POLLRDHUP};
    while (poll(&hangup, 1, ms) < 0 && errno == EINTR)
        ;
}

struct sockaddr_in web_loopback(int64_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static void list_ends(sigset_t *ends)
{
    sigemptyset(ends);
    sigaddset(ends, SIGINT);
    sigaddset(ends, SIGTERM);
}

void web_block_signals(void)
{
    sigset_t ends;
    list_ends(&ends);
    sigprocmask(SIG_BLOCK, &ends, NULL);
}

void web_serve(struct MHD_Daemon *daemon)
{
    sigset_t ends;
    int number;
    list_ends(&ends);
    if (daemon == NULL) {
        perror("listen");
        exit(1);
    }
    printf("listening %u\n",
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    sigwait(&ends, &number);
    _exit(0); /* threads may sit in answers that never come: nothing to wait for */
}
