/* SPDX-License-Identifier: MIT */
#include "site.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void site_init(struct site *site)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    site->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(site->listener, (struct sockaddr *)&address, len) != 0 ||
        listen(site->listener, SITE_GUESTS_MAX) != 0 ||
        getsockname(site->listener, (struct sockaddr *)&address, &len) != 0) {
        perror("site");
        abort();
    }
    snprintf(site->host, sizeof site->host, "127.0.0.1:%u", ntohs(address.sin_port));
}

static void let_go(struct site_guest *guest)
{
    if (!ev_is_active(&guest->io))
        return;
    ev_io_stop(guest->site->loop, &guest->io);
    close(guest->io.fd);
}

static int answer(struct site *site, const char *request, char *to, size_t size)
{
    static const char page[] = "a-page", head[] = "ETag: \"1\"\r\nContent-Length:";
    if (strncmp(request, "GET /once ", 10) == 0 && site->asked++ == 0)
        return snprintf(to, size, "HTTP/1.1 503 Not now\r\nContent-Length: 0\r\n\r\n");
    if (strstr(request, "If-None-Match: \"1\"") != NULL)
        return snprintf(to, size, "HTTP/1.1 304 The same\r\n%s 0\r\n\r\n", head);
    return snprintf(to, size, "HTTP/1.1 200 Here\r\n%s %zu\r\n\r\n%s", head, strlen(page),
                    page);
}

/* One request at a time: libcurl does not send the next before the answer. */
static void on_request(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct site_guest *guest = watcher->data;
    char *end = guest->request + guest->len, text[256];
    ssize_t got = read(watcher->fd, end, (size_t)(SITE_REQUEST_BYTES - 1 - guest->len));
    if (got <= 0) {
        let_go(guest);
        return;
    }
    guest->len += (int)got;
    guest->request[guest->len] = '\0';
    if (strstr(guest->request, "\r\n\r\n") == NULL)
        return;
    int len = answer(guest->site, guest->request, text, sizeof text);
    guest->len = 0;
    if (write(watcher->fd, text, (size_t)len) != len)
        let_go(guest);
}

static void on_guest(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)events;
    struct site *site = watcher->data;
    int fd = accept4(watcher->fd, NULL, NULL, SOCK_CLOEXEC);
    for (int i = 0; fd >= 0 && i < SITE_GUESTS_MAX; i++) {
        struct site_guest *guest = &site->guest[i];
        if (ev_is_active(&guest->io))
            continue;
        guest->site = site;
        guest->len = 0;
        ev_io_init(&guest->io, on_request, fd, EV_READ);
        guest->io.data = guest;
        ev_io_start(loop, &guest->io);
        return;
    }
    close(fd);
}

void site_open(struct site *site, struct ev_loop *loop)
{
    site->loop = loop;
    site->asked = 0;
    ev_io_init(&site->io, on_guest, site->listener, EV_READ);
    site->io.data = site;
    ev_io_start(loop, &site->io);
}

void site_close(struct site *site)
{
    for (int i = 0; i < SITE_GUESTS_MAX; i++)
        let_go(&site->guest[i]);
    ev_io_stop(site->loop, &site->io);
}
