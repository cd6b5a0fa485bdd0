/* SPDX-License-Identifier: MIT */
/* leat-dashboard: shows over HTTP what waits, runs and fails. */
#include "base/log.h"
#include "base/opt.h"
#include "dashboard/dashboard.h"
#include "dashboard/http.h"
#include "dashboard/routes.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>

struct options {
    const char *listen, *redis;
    struct opt_list words;
};

static const struct opt rows[] = {
    {"listen", 0, OPT_TEXT, offsetof(struct options, listen), "ADDRESS", "127.0.0.1:8740",
     0, 0, "Where to serve: HOST:PORT, [::1]:PORT or unix:PATH; port 0 takes a free one"},
    {"redis", 0, OPT_TEXT, offsetof(struct options, redis), "URL", NULL, 0, 0,
     "Where Redis is: redis://[user:password@]host[:port][/db] or unix:///path (default: "
     "$LEAT_REDIS, $REDIS_URL, redis://127.0.0.1:6379)"},
};

static const struct opt_spec spec = {
    .usage = "",
    .about =
        "Serve the status, the JSON API and the metrics.\vIt only reads. Whoever reaches "
        "the address sees all of it, so keep it on loopback or behind a proxy that asks "
        "for a password.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .words_offset = offsetof(struct options, words),
};

struct program {
    struct ev_loop *loop;
    struct err fatal;
};

static void on_fatal(void *arg, const struct err *err)
{
    struct program *program = arg;
    program->fatal = *err;
    ev_break(program->loop, EVBREAK_ALL);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)watcher, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void open_redis(struct program *program, struct dashboard *dashboard,
                       const struct redis_url *url)
{
    struct link_config config = {.url = *url,
                                 .name = "leat-dashboard-api",
                                 .serving = 1,
                                 .give_up_ms = -1,
                                 .arg = program,
                                 .on_fatal = on_fatal};
    dashboard->snapshot = snapshot_new(program->loop, url, on_fatal, program);
    dashboard->link = link_new(program->loop, &config);
}

static void serve(struct program *program, const struct options *options)
{
    struct redis_url url;
    if (redis_url_choose(&url, options->redis, &program->fatal) != LEAT_OK)
        return;
    struct dashboard dashboard = {.loop = program->loop};
    open_redis(program, &dashboard, &url);
    struct http_config config = {.listen = options->listen,
                                 .routes = dashboard_routes,
                                 .route_count = dashboard_route_count,
                                 .arg = &dashboard};
    struct http_server *server = http_listen(program->loop, &config, &program->fatal);
    if (server != NULL) {
        printf("dashboard at http://%s/\n", http_address(server));
        fflush(stdout);
        if (!http_is_loopback(server))
            log_warn("everybody who reaches this address sees all", " address=%s",
                     http_address(server));
        ev_run(program->loop, 0);
    }
    http_close(server);
    link_free(dashboard.link);
    snapshot_free(dashboard.snapshot);
    cmd_fini(&dashboard.cmd);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct program program = {0};
    ev_signal term, interrupt;
    signal(SIGPIPE, SIG_IGN);
    opt_parse(&spec, argc, argv, &options);
    program.loop = ev_default_loop(EVFLAG_AUTO);
    ev_signal_init(&term, on_signal, SIGTERM);
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_signal_start(program.loop, &term);
    ev_signal_start(program.loop, &interrupt);
    serve(&program, &options);
    ev_loop_destroy(program.loop);
    if (program.fatal.code == LEAT_OK)
        return 0;
    fprintf(stderr, "leat: %s\n", program.fatal.text);
    return err_exit_status(program.fatal.code);
}
