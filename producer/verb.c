/* SPDX-License-Identifier: MIT */
#include "verb.h"
#include "replica.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void list_verbs(FILE *to, const struct verb *verbs, size_t count, const char *name)
{
    fprintf(to, "Usage: %s VERB [OPTION...]\n\n", name);
    for (size_t i = 0; i < count; i++)
        fprintf(to, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
    fprintf(to, "\n'%s VERB --help' tells more.\n", name);
}

int verb_run(const struct verb *verbs, size_t count, int argc, char **argv)
{
    char name[64];
    for (size_t i = 0; i < count && argc > 1; i++) {
        if (strcmp(verbs[i].name, argv[1]) != 0)
            continue;
        snprintf(name, sizeof name, "%s %s", argv[0], argv[1]);
        argv[1] = name;
        return verbs[i].run(argc - 1, argv + 1);
    }
    if (argc == 2 && strcmp(argv[1], "--describe") == 0) {
        for (size_t i = 0; i < count; i++)
            printf("verb\t%s\t%s\n", verbs[i].name, verbs[i].summary);
        return 0;
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        list_verbs(stdout, verbs, count, argv[0]);
        return 0;
    }
    if (argc > 1)
        fprintf(stderr, "%s: there is no '%s'\n", argv[0], argv[1]);
    list_verbs(stderr, verbs, count, argv[0]);
    return err_exit_status(LEAT_EUSAGE);
}

enum table_mode verb_mode(const struct common_options *common)
{
    if (common->json)
        return TABLE_JSON;
    return isatty(STDOUT_FILENO) ? TABLE_ALIGNED : TABLE_TABS;
}

void verb_print(struct buf *out)
{
    fwrite(buf_text(out), 1, out->len, stdout);
    buf_reset(out);
}

int verb_open(struct client *client, const struct opt_spec *spec,
              const struct common_options *common, struct queue *queue,
              const char *queue_name, struct err *err)
{
    if (queue_init(queue, queue_name, err) != LEAT_OK)
        return err->code;
    if (spec->common_count == COMMAND_READING_COUNT)
        return replica_open(client, common, err);
    return command_open(client, common, 0, err);
}

int verb_confirm(int yes, int64_t count, const char *things, struct err *err)
{
    char answer[8] = "";
    if (yes)
        return LEAT_OK;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return err_set(err, LEAT_EUSAGE, "this would remove %lld %s; say --yes to do it",
                       (long long)count, things);
    fprintf(stderr, "Remove %lld %s? [y/N] ", (long long)count, things);
    if (fgets(answer, sizeof answer, stdin) != NULL &&
        (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
        return LEAT_OK;
    return err_set(err, LEAT_ENO, "nothing was removed");
}
