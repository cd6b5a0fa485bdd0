/* SPDX-License-Identifier: MIT */
#include "tasks.h"
#include "config/config.h"
#include "worker/handler.h"

static const char *const types[] = {"exec", "lines"}; /* kinds, too */

enum { TYPES = sizeof types / sizeof *types };

static void set_up(struct handler_config *handler, const char *type)
{
    static const struct config nothing;
    config_handler(&nothing, type, &handler->keys);
    handler->type = type;
    handler->kind = handler_kind_find(type);
    handler->keys.kind = type;
    handler->keys.command = (struct opt_list){{LEAT_CHAOS_HANDLER, type}, 2};
}

void tasks_serve(struct worker_config *config)
{
    static struct handler_config handlers[TYPES];
    for (int i = 0; i < TYPES; i++)
        set_up(&handlers[i], types[i]);
    config->handlers = handlers;
    config->handler_count = TYPES;
}
