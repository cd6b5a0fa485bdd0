/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "config/config.h"

#include <stdio.h>

#define AT(member) offsetof(struct common_options, member)

const struct opt command_common_rows[COMMAND_READING_COUNT] = {
    {"redis", 0, OPT_TEXT, AT(redis), "URL", NULL, 0, 0,
     "Redis to talk to: redis://[user:pass@]host[:port][/db] or unix:///path; else "
     "LEAT_REDIS, else REDIS_URL, else redis://127.0.0.1:6379"},
    {"config", 0, OPT_TEXT, AT(config), "FILE", NULL, 0, 0,
     "Read where Redis is from FILE, if nothing else says it; else from LEAT_CONFIG, "
     "else "
     "from /etc/leat/leat.conf"},
    {"json", 0, OPT_FLAG, AT(json), NULL, NULL, 0, 0, "Write JSON"},
    {"replica", 0, OPT_LIST, AT(replicas), "URL", NULL, 0, 0,
     "Read from this replica when Redis cannot be reached, and say so; may be repeated "
     "(default: $LEAT_REPLICA, with blanks between several, or those of the "
     "configuration file)"},
};

int command_open(struct client *client, const struct common_options *common,
                 int64_t give_up_ms, struct err *err)
{
    struct config file;
    *client = (struct client){0};
    int code = config_open(&file, common->config, err);
    if (code == LEAT_OK)
        code = client_open(client, config_redis(&file, common->redis), give_up_ms, err);
    config_fini(&file);
    return code;
}

int command_fail(const struct err *err)
{
    fprintf(stderr, "leat: %s\n",
            err->text[0] != '\0' ? err->text : err_meaning(err->code));
    return err_exit_status(err->code);
}
