/* SPDX-License-Identifier: MIT */
/* Where Redis is, and as whom to speak to it. */
#ifndef LEAT_BROKER_REDIS_URL_H
#define LEAT_BROKER_REDIS_URL_H

#include "base/err.h"

struct redis_url {
    char host[256]; /* empty: the unix socket at `path` */
    int port;
    char path[108]; /* as long as a unix socket's path may be */
    char user[128];
    char password[512];
    int db;
    char shown[400]; /* for messages: without the password */
};

#define REDIS_URL_DEFAULT "redis://127.0.0.1:6379"

/* Read `redis://[user:password@]host[:port][/db]` or
 * `unix://[user:password@]/path[?db=N]` (also `unix:/path`). User and password are
 * percent-decoded.
 * Errors: LEAT_EUSAGE, without repeating the password. */
int redis_url_parse(struct redis_url *url, const char *text, struct err *err);

/* Read the password from the file that LEAT_REDIS_PASSWORD_FILE names, if there is such a
 * variable and the address has no password. Errors: LEAT_ECONFIG when it cannot be read,
 * is empty, or holds more than a password may have. */
int redis_url_find_password(struct redis_url *url, struct err *err);

/* Pick the address: `given` (a flag) if not NULL, else LEAT_REDIS, else REDIS_URL, else
 * the default; and find its password.
 * Errors: LEAT_EUSAGE; those of redis_url_find_password(). */
int redis_url_choose(struct redis_url *url, const char *given, struct err *err);

#endif
