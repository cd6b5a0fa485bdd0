/* SPDX-License-Identifier: MIT */
/* Entity tags: does the client have this copy already? Pure. */
#ifndef LEAT_DASHBOARD_ETAG_H
#define LEAT_DASHBOARD_ETAG_H

/* Does `list`, the value of If-None-Match, name `etag`, or any by `*`? Weak and strong
 * tags of the same text are the same here; a tag without quotes, as some servers send, is
 * one too.
 * Source: RFC 9110 13.1.2, 8.8.3.2. */
int etag_is_listed(const char *list, const char *etag);

#endif
