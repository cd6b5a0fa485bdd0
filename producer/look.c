/* SPDX-License-Identifier: MIT */
#include "look.h"
#include "replica.h"

struct looking {
    int done;
    struct err *err;
};

static void on_overview(void *arg, struct overview *overview, const struct err *err)
{
    (void)overview;
    struct looking *looking = arg;
    looking->done = 1;
    if (err != NULL)
        err_set(looking->err, err->code, "%s", err->text);
}

typedef int (*start_fn)(struct overview *overview, struct link *link, overview_fn fn,
                        void *arg);

static int look_by(start_fn start, struct client *client, struct overview *overview,
                   struct err *err)
{
    struct looking looking = {.err = err};
    if (start(overview, client->link, on_overview, &looking) != LEAT_OK)
        return err_set(err, LEAT_ELINK, "the connection to Redis was lost");
    int code = client_wait(client, &looking.done, err);
    return code != LEAT_OK ? code : err->code;
}

int look(struct client *client, struct overview *overview, struct err *err)
{
    return look_by(overview_start, client, overview, err);
}

int look_workers(struct client *client, struct overview *overview, struct err *err)
{
    return look_by(overview_start_workers, client, overview, err);
}

int look_run(const char *about, int argc, char **argv, look_fn show)
{
    struct opt_spec spec = {
        .about = about,
        COMMAND_READS,
    };
    struct common_options common = {0};
    struct client client = {0};
    struct overview overview = {0};
    struct buf out = {0};
    struct err err = {0};
    opt_parse(&spec, argc, argv, &common);
    int code = replica_open(&client, &common, &err);
    if (code == LEAT_OK)
        code = look(&client, &overview, &err);
    if (code == LEAT_OK)
        show(&out, &overview, &common);
    client_close(&client);
    verb_print(&out);
    buf_fini(&out);
    overview_fini(&overview);
    return code == LEAT_OK ? 0 : command_fail(&err);
}
