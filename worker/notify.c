/* SPDX-License-Identifier: MIT */
#include "worker/notify.h"
#include "base/text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A path, or `@` and a name that is in no file system. */
static int read_address(struct notify *notify, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len < 2 || len >= sizeof notify->address.sun_path ||
        (text[0] != '/' && text[0] != '@'))
        return -1;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, text, len);
    if (text[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return 0;
}

static int64_t number_of(const char *name)
{
    int64_t number = 0;
    const char *text = getenv(name);
    if (text != NULL)
        text_to_int(bytes_of(text), &number);
    return number;
}

void notify_init(struct notify *notify)
{
    *notify = (struct notify){.fd = -1};
    if (read_address(notify, getenv("NOTIFY_SOCKET")) != 0)
        return;
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int64_t pid = number_of("WATCHDOG_PID");
    if (pid == 0 || pid == getpid())
        notify->watchdog_ms = number_of("WATCHDOG_USEC") / 1000;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
}

void notify_fini(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

int notify_send(const struct notify *notify, const char *lines)
{
    if (notify->fd < 0)
        return 0;
    ssize_t sent = sendto(notify->fd, lines, strlen(lines), MSG_NOSIGNAL,
                          (const struct sockaddr *)&notify->address, notify->address_len);
    return sent < 0 ? -1 : 0;
}
