/* SPDX-License-Identifier: MIT */
/* The kind `plugin`: a shared object in C (leat-plugin.h), in a process of its own: a
 * lines child whose program is leat-plugin, which lies beside the worker's. */
#ifndef LEAT_WORKER_PLUGIN_H
#define LEAT_WORKER_PLUGIN_H

struct handler_kind;

extern const struct handler_kind plugin_kind;

#endif
