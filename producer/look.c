/* SPDX-License-Identifier: MIT */
#include "look.h"

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

int look(struct client *client, struct overview *overview, struct err *err)
{
    struct looking looking = {.err = err};
    if (overview_start(overview, client->link, on_overview, &looking) != LEAT_OK)
        return err_set(err, LEAT_ELINK, "the connection to Redis was lost");
    int code = client_wait(client, &looking.done, err);
    return code != LEAT_OK ? code : err->code;
}
