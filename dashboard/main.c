/* SPDX-License-Identifier: MIT */
/* leat-dashboard: shows over HTTP what waits, runs and fails. */
#include "base/log_opt.h"
#include "dashboard/cache_service.h"
#include "dashboard/dashboard.h"
#include "dashboard/hostcheck.h"
#include "dashboard/http.h"
#include "dashboard/intake.h"
#include "dashboard/look.h"
#include "dashboard/near.h"
#include "dashboard/routes.h"
#include "dashboard/token.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>

struct options {
    const char *listen, *redis, *token_file;
    struct opt_list allow_hosts, words;
    struct log_options log;
};

static const struct opt rows[] = {
    {"listen", 0, OPT_TEXT, offsetof(struct options, listen), "ADDRESS", "127.0.0.1:8740",
     0, 0, "Where to serve: HOST:PORT, [::1]:PORT or unix:PATH; port 0 takes a free one"},
    {"token-file", 0, OPT_TEXT, offsetof(struct options, token_file), "FILE", NULL, 0, 0,
     "Writes need the token in the first line of FILE: Authorization: Bearer TOKEN"},
    {"allow-host", 0, OPT_LIST, offsetof(struct options, allow_hosts), "NAME", NULL, 0, 0,
     "Serve under NAME too, as a proxy in front passes it on; may be repeated"},
    LOG_OPT_ROWS(struct options, log),
    {"redis", 0, OPT_TEXT, offsetof(struct options, redis), "URL", NULL, 0, 0,
     "Where Redis is: redis://[user:password@]host[:port][/db] or unix:///path (default: "
     "$LEAT_REDIS, $REDIS_URL, redis://127.0.0.1:6379)"},
};

static const struct opt_spec spec = {
    .usage = "",
    .about =
        "Serve the status, the JSON API, the metrics and the counters over "
        "HTTP.\vWhoever "
        "reaches the address may read all of it. Writes are taken from this machine, or "
        "with --token-file from whoever has the token; without one, any address but a "
        "loopback one only reads.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .words_offset = offsetof(struct options, words),
};

struct program {
    struct ev_loop *loop;
    struct near *near;
    struct err fatal;
    char token[TOKEN_CHARS_MAX + 1];
};

static void on_fatal(void *arg, const struct err *err)
{
    struct program *program = arg;
    program->fatal = *err;
    ev_break(program->loop, EVBREAK_ALL);
}

static void on_down(void *arg, const char *why)
{
    (void)why;
    struct program *program = arg;
    near_lose(program->near);
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
                                 .on_down = on_down,
                                 .on_fatal = on_fatal};
    dashboard->snapshot = snapshot_new(program->loop, url, on_fatal, program);
    dashboard->intake = intake_new(program->loop, url, on_fatal, program);
    dashboard->link = link_new(program->loop, &config);
    dashboard->near = program->near = near_new(program->loop, dashboard->link, url);
    dashboard->cache = cache_service_new(dashboard);
}

/* Returns the token, or NULL: there is none, or `program->fatal` is set. */
static const char *read_token(struct program *program, const char *path)
{
    int is_public = 0;
    if (path == NULL ||
        token_read(program->token, path, &is_public, &program->fatal) != LEAT_OK)
        return NULL;
    if (is_public)
        log_warn("everybody on this machine can read the token: chmod o-r",
                 log_text("file", path));
    return program->token;
}

static int check_hosts(const struct opt_list *hosts, struct err *err)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (!hostcheck_is_name(hosts->at[i]))
            return err_set(err, LEAT_EUSAGE,
                           "--allow-host '%.60s' is no host name or address (without a "
                           "port)",
                           hosts->at[i]);
    return LEAT_OK;
}

static void warn_of_others(const struct http_server *server, const char *token)
{
    if (http_is_loopback(server))
        return;
    log_warn("everybody who reaches this address sees all",
             log_text("address", http_address(server)),
             log_text("writes", token != NULL ? "token" : "none"));
}

/* Whoever still waits for Redis hears that it is gone, and frees what it holds. */
static void stop_waiting(struct dashboard *dashboard)
{
    link_drop(dashboard->link, "leaving");
    ev_run(dashboard->loop, EVRUN_NOWAIT);
}

static void serve(struct program *program, const struct options *options)
{
    struct redis_url url;
    const char *token = read_token(program, options->token_file);
    if (program->fatal.code != LEAT_OK ||
        check_hosts(&options->allow_hosts, &program->fatal) != LEAT_OK ||
        redis_url_choose(&url, options->redis, &program->fatal) != LEAT_OK)
        return;
    struct dashboard dashboard = {.loop = program->loop};
    open_redis(program, &dashboard, &url);
    struct http_config config = {.listen = options->listen,
                                 .routes = dashboard_routes,
                                 .route_count = dashboard_route_count,
                                 .arg = &dashboard,
                                 .token = token,
                                 .allow_hosts = options->allow_hosts.at,
                                 .allow_host_count = options->allow_hosts.count};
    struct http_server *server = http_listen(program->loop, &config, &program->fatal);
    if (server != NULL) {
        printf("dashboard at http://%s/\n", http_address(server));
        fflush(stdout);
        warn_of_others(server, token);
        ev_run(program->loop, 0);
    }
    http_close(server);
    stop_waiting(&dashboard);
    intake_free(dashboard.intake);
    cache_service_free(dashboard.cache);
    near_free(dashboard.near);
    link_free(dashboard.link);
    look_fini(&dashboard);
    snapshot_free(dashboard.snapshot);
    cmd_fini(&dashboard.cmd);
}

static void use_log(const struct log_options *options, struct err *err)
{
    struct log_settings settings;
    if (log_options_read(options, &settings, err) == LEAT_OK)
        log_settings_use(&settings);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct program program = {0};
    ev_signal term, interrupt;
    signal(SIGPIPE, SIG_IGN);
    opt_parse(&spec, argc, argv, &options);
    use_log(&options.log, &program.fatal);
    program.loop = ev_default_loop(EVFLAG_AUTO);
    ev_signal_init(&term, on_signal, SIGTERM);
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_signal_start(program.loop, &term);
    ev_signal_start(program.loop, &interrupt);
    if (program.fatal.code == LEAT_OK)
        serve(&program, &options);
    ev_loop_destroy(program.loop);
    if (program.fatal.code == LEAT_OK)
        return 0;
    fprintf(stderr, "leat: %s\n", program.fatal.text);
    return err_exit_status(program.fatal.code);
}
