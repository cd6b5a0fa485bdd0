/* SPDX-License-Identifier: MIT */
#include "worker/program.h"
#include "worker/handler.h"

#include <stdlib.h>
#include <string.h>

/* ---- environment ------------------------------------------------------------------- */

/* Of a handler that names none. */
static const struct opt_list passed_on = {
    {"HOME", "LANG", "PATH", "TMPDIR", "TZ", "USER"}, 6};

/* What a job sets: a second one of that name would hide it, or not. */
static const char *const ours[] = {"LEAT_ID",      "LEAT_TYPE",     "LEAT_QUEUE",
                                   "LEAT_ATTEMPT", "LEAT_DELIVERY", "LEAT_DEADLINE",
                                   "LEAT_TOKEN",   "TRACEPARENT",   "TRACESTATE"};

static int is_named(const char *variable, const char *name)
{
    size_t len = strlen(name);
    return strncmp(variable, name, len) == 0 &&
           (variable[len] == '\0' || variable[len] == '=');
}

static int check_environment(const struct opt_list *named, struct err *err)
{
    for (size_t i = 0; i < named->count; i++)
        for (size_t j = 0; j < sizeof ours / sizeof *ours; j++)
            if (is_named(named->at[i], ours[j]))
                return err_set(err, LEAT_ECONFIG,
                               "environment: %s is set for each job, leave it out",
                               ours[j]);
    return LEAT_OK;
}

/* NAME passes ours on, if there is one; NAME=VALUE sets it. */
static void add_variable(struct program *program, const char *variable)
{
    const char **next = &program->environment[program->environment_count];
    const char *value;
    if (strchr(variable, '=') != NULL)
        *next = arena_dup(&program->arena, bytes_of(variable));
    else if ((value = getenv(variable)) != NULL)
        *next = arena_printf(&program->arena, "%s=%s", variable, value);
    else
        return;
    program->environment_count++;
}

static void read_environment(struct program *program, const struct opt_list *named)
{
    if (named->count == 0)
        named = &passed_on;
    program->environment =
        arena_alloc(&program->arena, (named->count + 1) * sizeof *program->environment);
    for (size_t i = 0; i < named->count; i++)
        add_variable(program, named->at[i]);
    program->environment[program->environment_count] = NULL;
}

static const char *path_of(const struct program *program)
{
    for (size_t i = 0; i < program->environment_count; i++)
        if (is_named(program->environment[i], "PATH"))
            return program->environment[i] + strlen("PATH=");
    return "/usr/local/bin:/usr/bin:/bin";
}

/* ---- life -------------------------------------------------------------------------- */

static int find(struct program *program, const struct handler_keys *keys, struct err *err)
{
    char *file = NULL;
    int code = child_process_find(program->argv[0], keys->directory, path_of(program),
                                  &file, err);
    if (code == LEAT_OK)
        program->file = arena_dup(&program->arena, bytes_of(file));
    free(file);
    return code;
}

static int read_all(struct program *program, const struct handler_keys *keys,
                    struct err *err)
{
    size_t count = keys->command.count;
    *program = (struct program){0};
    program->argv = arena_alloc(&program->arena, (count + 1) * sizeof *program->argv);
    for (size_t i = 0; i < count; i++)
        program->argv[i] = arena_dup(&program->arena, bytes_of(keys->command.at[i]));
    program->argv[count] = NULL;
    program->file = program->argv[0];
    read_environment(program, &keys->environment);
    return find(program, keys, err);
}

int program_check(const struct handler_config *config, struct err *err)
{
    const struct handler_keys *keys = &config->keys;
    struct program program;
    struct err why = {0};
    if (keys->command.count == 0)
        return err_set(err, LEAT_ECONFIG,
                       "command is missing: say which program to run, as in "
                       "command = {\"/opt/resize\", \"--fast\"}");
    int code = check_environment(&keys->environment, err);
    if (code != LEAT_OK)
        return code;
    code = read_all(&program, keys, &why);
    program_fini(&program);
    return code == LEAT_OK ? LEAT_OK : err_set(err, code, "command: %s", why.text);
}

void program_init(struct program *program, const struct handler_keys *keys)
{
    read_all(program, keys, NULL);
}

void program_fini(struct program *program)
{
    arena_fini(&program->arena);
}

struct child_process_spec program_keys_spec(const struct program *program,
                                            const struct handler_keys *keys)
{
    return (struct child_process_spec){
        .file = program->file,
        .argv = program->argv,
        .environment = program->environment,
        .directory = keys->directory,
        .fds = {-1, -1, -1, -1},
        .memory_max_bytes = keys->memory_mb * 1024 * 1024,
    };
}

struct child_process_spec program_child_spec(const struct program *program,
                                             const struct handler *handler)
{
    struct child_process_spec spec = program_keys_spec(program, &handler->config->keys);
    spec.descriptors_max = handler->worker->descriptors_max;
    spec.groups = handler->worker->config->groups;
    return spec;
}
