/* SPDX-License-Identifier: MIT */
/* The Lua scripts, one transition of the protocol each, embedded at build from
 * broker-schema/lua. Each is called by EVALSHA with the digest of its text, so that
 * programs of different versions can share one Redis. */
#ifndef LEAT_BROKER_SCRIPT_H
#define LEAT_BROKER_SCRIPT_H

#include "lua_scripts.h" /* enum script_id */

struct script {
    const char *name;
    const char *sha;
    const char *text;
};

extern const struct script script_table[SCRIPT_COUNT_ALL];

#endif
