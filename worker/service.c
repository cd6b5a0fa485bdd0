/* SPDX-License-Identifier: MIT */
#include "worker/service.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { TELL_MS = 1000 };

void service_init(struct service *service)
{
    *service = (struct service){.fed_mono_ms = clock_mono_ms()};
    notify_init(&service->notify);
}

void service_fini(struct service *service)
{
    notify_fini(&service->notify);
}

/* Half of the watchdog's time is when it is fed: look twice in that. */
double service_every_s(const struct service *service)
{
    int64_t quarter_ms = service->notify.watchdog_ms / 4;
    return (double)(quarter_ms > 0 && quarter_ms < TELL_MS ? quarter_ms : TELL_MS) / 1000;
}

/* A sign of life that was not given is made up for as soon as all is well again. */
static void feed_watchdog(struct service *service, int healthy)
{
    int64_t now_mono_ms = clock_mono_ms();
    if (service->notify.watchdog_ms == 0 || !healthy ||
        now_mono_ms - service->fed_mono_ms < service->notify.watchdog_ms / 2)
        return;
    if (notify_send(&service->notify, "WATCHDOG=1") == 0)
        service->fed_mono_ms = now_mono_ms;
}

static void tell_status(struct service *service, const struct service_news *news)
{
    char status[sizeof service->status];
    snprintf(status, sizeof status, "STATUS=%lld/%lld busy, %d process%s",
             (long long)news->busy, (long long)news->slots, news->processes,
             news->processes == 1 ? "" : "es");
    if (strcmp(status, service->status) != 0 &&
        notify_send(&service->notify, status) == 0)
        memcpy(service->status, status, sizeof status);
}

void service_tell(struct service *service, const struct service_news *news)
{
    if (news->ready && !service->told_ready)
        service->told_ready = notify_send(&service->notify, "READY=1") == 0;
    tell_status(service, news);
    feed_watchdog(service, news->healthy);
}

void service_tell_reloading(struct service *service)
{
    char lines[80];
    snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%lld000",
             (long long)clock_mono_ms());
    notify_send(&service->notify, lines);
    service->told_ready = 0;
}

void service_tell_stopping(struct service *service)
{
    notify_send(&service->notify, "STOPPING=1");
}
