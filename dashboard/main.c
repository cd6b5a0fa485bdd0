/* SPDX-License-Identifier: MIT */
/* leat-dashboard: shows over HTTP what waits, runs and fails. */
#include "base/places.h"
#include "base/token.h"
#include "config/config.h"
#include "config/options.h"
#include "dashboard/cache_service.h"
#include "dashboard/dashboard.h"
#include "dashboard/http.h"
#include "dashboard/intake.h"
#include "dashboard/look.h"
#include "dashboard/near.h"
#include "dashboard/routes.h"
#include "dashboard/track_service.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>

struct program {
    struct ev_loop *loop;
    struct near *near;
    struct err fatal;
    char token[TOKEN_CHARS_MAX + 1];
    struct config file; /* owns texts of the options */
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
    dashboard->tracks = track_service_new(dashboard, url);
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

static void serve(struct program *program, const struct dashboard_options *options)
{
    struct redis_url url;
    const char *token = read_token(program, options->token_file);
    if (program->fatal.code != LEAT_OK ||
        redis_url_choose(&url, config_redis(&program->file, options->program.redis),
                         &program->fatal) != LEAT_OK)
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
    track_service_free(dashboard.tracks);
    near_free(dashboard.near);
    link_free(dashboard.link);
    look_fini(&dashboard);
    snapshot_free(dashboard.snapshot);
    cmd_fini(&dashboard.cmd);
}

/* The command line, and what the configuration file says beside it. */
static int read_options(struct program *program, struct dashboard_options *options,
                        int argc, char **argv)
{
    uint64_t given;
    struct log_settings log;
    opt_parse_noting(&dashboard_spec, argc, argv, options, &given);
    int code = config_open(&program->file, options->program.config, &program->fatal);
    if (code != LEAT_OK)
        return code;
    config_fill(&program->file, &dashboard_spec, given, options);
    code = log_options_read(&options->program.log, &log, &program->fatal);
    if (code == LEAT_OK)
        log_settings_use(&log);
    return code;
}

static int end(struct program *program)
{
    config_fini(&program->file);
    if (program->fatal.code == LEAT_OK)
        return 0;
    fprintf(stderr, "leat: %s\n", program->fatal.text);
    return err_exit_status(program->fatal.code);
}

int main(int argc, char **argv)
{
    struct dashboard_options options = {0};
    struct program program = {0};
    ev_signal term, interrupt;
    places_fill();
    signal(SIGPIPE, SIG_IGN);
    if (read_options(&program, &options, argc, argv) != LEAT_OK)
        return end(&program);
    program.loop = ev_default_loop(EVFLAG_AUTO);
    ev_signal_init(&term, on_signal, SIGTERM);
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_signal_start(program.loop, &term);
    ev_signal_start(program.loop, &interrupt);
    serve(&program, &options);
    ev_loop_destroy(program.loop);
    return end(&program);
}
