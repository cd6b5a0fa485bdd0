/* SPDX-License-Identifier: MIT */
#include "replica.h"
#include "base/text.h"
#include "broker/info.h"
#include "config/config.h"
#include "config/options.h"
#include "schema/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which there are --------------------------------------------------------------- */

/* Those of the command line, else of LEAT_REPLICA, with blanks between them, else of the
 * configuration file. */
static int list_replicas(struct opt_list *list, const struct common_options *common,
                         const struct config *file, struct arena *arena, struct err *err)
{
    struct redis_url url;
    struct reading_keys keys = {0};
    char *rest = getenv("LEAT_REPLICA");
    *list = common->replicas;
    if (list->count == 0 && rest == NULL) {
        config_fill(file, &reading_spec, 0, &keys);
        *list = keys.replicas;
    } else if (list->count == 0) {
        rest = arena_dup(arena, bytes_of(rest));
        for (char *word; (word = strtok_r(rest, " \t\n", &rest)) != NULL;) {
            if (list->count == OPT_LIST_MAX)
                return err_set(err, LEAT_EUSAGE, "LEAT_REPLICA names more than %d",
                               OPT_LIST_MAX);
            list->at[list->count++] = word;
        }
    }
    for (size_t i = 0; i < list->count; i++)
        if (redis_url_parse(&url, list->at[i], err) != LEAT_OK)
            return err->code;
    return LEAT_OK;
}

/* ---- one of them ------------------------------------------------------------------- */

/* How old what it has may be, for people. */
static void say_age(struct buf *out, struct bytes info)
{
    char role[16], link[16], seconds[24];
    int64_t s;
    info_value(info, "role", role, sizeof role);
    info_value(info, "master_link_status", link, sizeof link);
    info_value(info,
               strcmp(link, "up") == 0 ? "master_last_io_seconds_ago"
                                       : "master_link_down_since_seconds",
               seconds, sizeof seconds);
    if (strcmp(role, "master") == 0)
        buf_adds(out, "which is a master itself now");
    else if (text_to_int(bytes_of(seconds), &s) == 0 && s >= 0)
        buf_addf(out, "which last heard from it %lld s ago", (long long)s);
    else
        buf_adds(out, "which does not tell when it last heard from it");
}

/* Does it answer what reading asks for? One that lost its master may be set not to. */
static int probe(struct client *client, struct err *err)
{
    const struct redisReply *reply;
    cmd_set(&client->cmd, "EXISTS", QUEUES_KEY, NULL);
    return client_call(client, &reply, err);
}

static int open_one(struct client *client, const char *url, const char *why_not_master,
                    struct err *err)
{
    const struct redisReply *reply;
    struct buf said = {0};
    int code = client_open(client, url, 0, err);
    if (code == LEAT_OK)
        code = probe(client, err);
    if (code != LEAT_OK)
        return code;
    cmd_set(&client->cmd, "INFO", "replication", NULL);
    say_age(&said, client_call(client, &reply, NULL) == LEAT_OK ? reply_bytes(reply)
                                                                : bytes_of(""));
    fprintf(stderr, "leat: %s; read from the replica %s, %s\n", why_not_master,
            client_shown(client), buf_text(&said));
    buf_fini(&said);
    return LEAT_OK;
}

/* ---- all of them ------------------------------------------------------------------- */

static int open_any(struct client *client, const struct opt_list *replicas,
                    struct err *err)
{
    char why[sizeof err->text];
    struct err last = {0};
    snprintf(why, sizeof why, "the master %s is unreachable (%s)", client_shown(client),
             client_why(client));
    for (size_t i = 0; i < replicas->count; i++) {
        client_close(client);
        last = (struct err){0};
        if (open_one(client, replicas->at[i], why, &last) == LEAT_OK)
            return LEAT_OK;
    }
    return err_set(err, LEAT_ELINK, "%s, and none of its replicas answers: %s", why,
                   last.text);
}

int replica_open(struct client *client, const struct common_options *common,
                 struct err *err)
{
    struct arena arena = {0};
    struct config file;
    struct opt_list replicas = {0};
    struct err why = {0};
    *client = (struct client){0};
    int code = config_open(&file, common->config, err);
    if (code == LEAT_OK)
        code = list_replicas(&replicas, common, &file, &arena, err);
    if (code == LEAT_OK)
        code = client_open(client, config_redis(&file, common->redis), 0, &why);
    if (why.code == LEAT_ELINK && replicas.count > 0)
        code = open_any(client, &replicas, err);
    else if (why.code != LEAT_OK)
        err_set(err, why.code, "%s", why.text);
    config_fini(&file);
    arena_fini(&arena);
    return code;
}
