/* SPDX-License-Identifier: MIT */
/* What a service manager hears of a fleet, or of a worker without a master: that it is
 * ready, how busy it is, that it reloads or stops, and, as long as all goes well, a sign
 * of life for its watchdog. */
#ifndef LEAT_WORKER_SERVICE_H
#define LEAT_WORKER_SERVICE_H

#include "worker/notify.h"

struct service {
    struct notify notify;
    int64_t fed_mono_ms;
    int told_ready;
    char status[80];
};

struct service_news {
    int ready;   /* every process has asked for work */
    int healthy; /* every process gets on */
    int64_t busy, slots;
    int processes;
};

/* Takes what the service manager wants out of the environment. */
void service_init(struct service *service);
void service_fini(struct service *service);

/* How often it wants to hear news. */
double service_every_s(const struct service *service);

/* Tell what is new. */
void service_tell(struct service *service, const struct service_news *news);

/* Tell that the settings are read again; the next news that it is ready end that. */
void service_tell_reloading(struct service *service);

/* Tell that all is about to end. */
void service_tell_stopping(struct service *service);

#endif
