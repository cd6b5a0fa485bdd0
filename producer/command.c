/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stdio.h>

#define AT(member) offsetof(struct common_options, member)

const struct opt command_common_rows[COMMAND_READING_COUNT] = {
    {"redis", 0, OPT_TEXT, AT(redis), "URL", NULL, 0, 0,
     "Redis to talk to: redis://[user:pass@]host[:port][/db] or unix:///path; else "
     "LEAT_REDIS, else REDIS_URL, else redis://127.0.0.1:6379"},
    {"json", 0, OPT_FLAG, AT(json), NULL, NULL, 0, 0, "Write JSON"},
    {"replica", 0, OPT_LIST, AT(replicas), "URL", NULL, 0, 0,
     "Read from this replica when Redis cannot be reached, and say so; may be repeated "
     "(default: $LEAT_REPLICA, with blanks between several)"},
};

int command_fail(const struct err *err)
{
    fprintf(stderr, "leat: %s\n",
            err->text[0] != '\0' ? err->text : err_meaning(err->code));
    return err_exit_status(err->code);
}
