/* SPDX-License-Identifier: MIT */
#include "base/opt.h"
#include "base/mem.h"
#include "suite.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
    int verbose;
    const char *name, *drain;
    int64_t slots, wait_ms;
    struct opt_list queues, words;
};

#define AT(member) offsetof(struct options, member)

static const struct opt rows[] = {
    {"verbose", 'v', OPT_FLAG, AT(verbose), NULL, NULL, 0, 0, "Say more"},
    {"name", 'n', OPT_TEXT, AT(name), "NAME", "anon", 0, 0, "A name"},
    {"slots", 'c', OPT_INT, AT(slots), "N", "8", 1, 100, "Slots"},
    {"queue", 'q', OPT_LIST, AT(queues), "QUEUE", NULL, 0, 0, "A queue"},
    {"drain", 0, OPT_CHOICE, AT(drain), "all", NULL, 0, 0, "Stop when done"},
};

static const struct opt common[] = {
    {"wait", 0, OPT_DURATION, AT(wait_ms), "DUR", "10s", 100, 60000, "How long to wait"},
};

static const struct opt_spec spec = {
    .usage = "TYPE [WORD]",
    .about = "Test the table.",
    .rows = rows,
    .row_count = COUNT(rows),
    .common = common,
    .common_count = COUNT(common),
    .words_offset = AT(words),
    .words_min = 1,
    .words_max = 2,
};

enum { ARGS_MAX = 300 };

/* Split a command line at its blanks. */
static int split(char *line, char **argv)
{
    int argc = 0;
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        ck_assert_int_lt(argc, ARGS_MAX);
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    return argc;
}

static void parse(struct options *options, char *line)
{
    char *argv[ARGS_MAX + 1];
    int argc = split(line, argv);
    ck_assert_int_eq(opt_parse(&spec, argc, argv, options), 0);
}

/* Parse in a child, since a wrong option ends the program; `said` takes what it
 * printed. */
static int exit_status_of(const struct opt_spec *of, void *target, const char *line,
                          char *said, size_t size)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        char *argv[ARGS_MAX + 1];
        int argc = split(xstrdup(line), argv);
        opt_parse(of, argc, argv, target);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t got; (got = read(ends[0], said + len, size - 1 - len)) > 0;)
        len += (size_t)got;
    said[len] = '\0';
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_refused(const char *line, const char *want)
{
    struct options options = {0};
    char said[4096];
    int status = exit_status_of(&spec, &options, line, said, sizeof said);
    ck_assert_msg(status == 64, "%s: exit %d, said: %s", line, status, said);
    ck_assert_msg(strstr(said, want) != NULL, "%s: said: %s", line, said);
}

START_TEST(defaults_stand_where_nothing_is_given)
{
    struct options options = {0};
    char line[] = "leat type";
    parse(&options, line);
    ck_assert_int_eq(options.verbose, 0);
    ck_assert_str_eq(options.name, "anon");
    ck_assert_int_eq(options.slots, 8);
    ck_assert_int_eq(options.wait_ms, 10000);
    ck_assert_ptr_null(options.drain);
    ck_assert_uint_eq(options.queues.count, 0);
    ck_assert_uint_eq(options.words.count, 1);
    ck_assert_str_eq(options.words.at[0], "type");
}
END_TEST

START_TEST(values_are_stored_by_their_type_long_or_short)
{
    struct options options = {0};
    char line[] = "leat -v --name=x -c 100 a --wait 1.5s -q one --queue two b --drain";
    parse(&options, line);
    ck_assert_int_eq(options.verbose, 1);
    ck_assert_str_eq(options.name, "x");
    ck_assert_int_eq(options.slots, 100);
    ck_assert_int_eq(options.wait_ms, 1500);
    ck_assert_str_eq(options.drain, "");
    ck_assert_uint_eq(options.queues.count, 2);
    ck_assert_str_eq(options.queues.at[1], "two");
    ck_assert_uint_eq(options.words.count, 2);
}
END_TEST

START_TEST(a_choice_takes_its_value_after_an_equals_sign_only)
{
    struct options options = {0};
    char line[] = "leat --drain=all a";
    parse(&options, line);
    ck_assert_str_eq(options.drain, "all");
    char apart[] = "leat --drain all";
    options = (struct options){0};
    parse(&options, apart);
    ck_assert_str_eq(options.drain, "");
    ck_assert_str_eq(options.words.at[0], "all");
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
    struct options options = {0};
    char line[] = "leat -- -v --name";
    parse(&options, line);
    ck_assert_int_eq(options.verbose, 0);
    ck_assert_str_eq(options.words.at[1], "--name");
}
END_TEST

START_TEST(the_last_of_a_repeated_option_counts)
{
    struct options options = {0};
    char line[] = "leat a -c 3 -c 4 -n x -n y";
    parse(&options, line);
    ck_assert_int_eq(options.slots, 4);
    ck_assert_str_eq(options.name, "y");
}
END_TEST

START_TEST(bounds_are_kept_at_both_ends)
{
    struct options options = {0};
    char lowest[] = "leat a -c 1 --wait 100ms", highest[] = "leat a -c 100 --wait 1m";
    parse(&options, lowest);
    ck_assert_int_eq(options.slots, 1);
    ck_assert_int_eq(options.wait_ms, 100);
    options = (struct options){0};
    parse(&options, highest);
    ck_assert_int_eq(options.wait_ms, 60000);
    check_refused("leat a -c 0", "--slots is out of bounds: not '0' (1 to 100)");
    check_refused("leat a -c 101", "(1 to 100)");
    check_refused("leat a -c -5", "(1 to 100)");
    check_refused("leat a --wait 99ms", "(100ms to 1m)");
    check_refused("leat a --wait 2d", "out of bounds");
}
END_TEST

START_TEST(values_of_the_wrong_kind_are_refused_with_64)
{
    check_refused("leat a -c many", "--slots needs a whole number: not 'many'");
    check_refused("leat a -c 1.5", "needs a whole number");
    check_refused("leat a -c 99999999999999999999", "needs a whole number");
    check_refused("leat a --slots=", "needs a whole number");
    check_refused("leat a --wait 10", "needs a duration with its unit");
    check_refused("leat a --wait -1s", "needs a duration with its unit");
    check_refused("leat a --wait 1e99d", "needs a duration with its unit");
    check_refused("leat a -v -c", "requires an argument");
    check_refused("leat a --verbose=yes", "doesn't allow an argument");
}
END_TEST

START_TEST(unknown_options_are_refused_with_64)
{
    check_refused("leat a --frobnicate", "frobnicate");
    check_refused("leat a -Z", "Z");
}
END_TEST

START_TEST(too_few_and_too_many_words_are_refused_with_64)
{
    check_refused("leat", "an argument is missing: TYPE [WORD]");
    check_refused("leat a b c", "unexpected argument 'c'");
}
END_TEST

START_TEST(a_list_refuses_what_exceeds_it)
{
    char line[4 * ARGS_MAX + 20] = "leat a";
    for (int i = 0; i < OPT_LIST_MAX; i++)
        strcat(line, " -qx");
    struct options options = {0};
    char full[sizeof line];
    strcpy(full, line);
    parse(&options, full);
    ck_assert_uint_eq(options.queues.count, OPT_LIST_MAX);
    strcat(line, " -qx");
    check_refused(line, "--queue is given too often");
}
END_TEST

START_TEST(a_command_without_words_refuses_one_and_needs_no_room_for_it)
{
    struct small {
        int64_t slots;
    } *small = xcalloc(1, sizeof *small);
    static const struct opt only[] = {
        {"slots", 'c', OPT_INT, 0, "N", NULL, 1, 9, "Slots"}};
    static const struct opt_spec wordless = {
        .usage = "", .about = "None.", .rows = only, .row_count = 1};
    char said[1024];
    ck_assert_int_eq(exit_status_of(&wordless, small, "leat -c 9", said, sizeof said), 0);
    ck_assert_int_eq(exit_status_of(&wordless, small, "leat x", said, sizeof said), 64);
    ck_assert_ptr_nonnull(strstr(said, "unexpected argument 'x'"));
    free(small);
}
END_TEST

START_TEST(help_names_every_row_and_its_default_and_exits_with_0)
{
    static const char *const lines[] = {"leat --help", "leat -h"};
    static const char *const wants[] = {
        "TYPE [WORD]", "--verbose",     "--slots=N",     "(default 8)",
        "--wait=DUR",  "(default 10s)", "--drain[=all]", "Test the table."};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct options options = {0};
        char said[4096];
        ck_assert_int_eq(exit_status_of(&spec, &options, lines[i], said, sizeof said), 0);
        for (size_t k = 0; k < COUNT(wants); k++)
            ck_assert_msg(strstr(said, wants[k]) != NULL, "no %s in: %s", wants[k], said);
    }
}
END_TEST

START_TEST(describe_tells_every_row_and_text_to_programs)
{
    static const struct opt_spec rich = {
        .usage = "ONE\n--two FILE",
        .about = "First.\vBelow.\nLast.",
        .rows = rows,
        .row_count = COUNT(rows),
        .common = common,
        .common_count = COUNT(common),
    };
    struct options options = {0};
    char said[2048];
    int status = exit_status_of(&rich, &options, "leat --describe", said, sizeof said);
    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(said, "usage\tONE\nusage\t--two FILE\n"
                           "about\tFirst.\nnote\tBelow.\nnote\tLast.\n"
                           "option\t--verbose\t-v\t\tSay more\n"
                           "option\t--name\t-n\t=NAME\tA name (default anon)\n"
                           "option\t--slots\t-c\t=N\tSlots (default 8)\n"
                           "option\t--queue\t-q\t=QUEUE\tA queue\n"
                           "option\t--drain\t\t[=all]\tStop when done\n"
                           "shared\t--wait\t\t=DUR\tHow long to wait (default 10s)\n"
                           "shared\t--help\t-?\t\tGive this help list\n"
                           "shared\t--usage\t\t\tGive a short usage message\n");
}
END_TEST

SUITE("opt", defaults_stand_where_nothing_is_given,
      values_are_stored_by_their_type_long_or_short,
      a_choice_takes_its_value_after_an_equals_sign_only, two_dashes_end_the_options,
      the_last_of_a_repeated_option_counts, bounds_are_kept_at_both_ends,
      values_of_the_wrong_kind_are_refused_with_64, unknown_options_are_refused_with_64,
      too_few_and_too_many_words_are_refused_with_64, a_list_refuses_what_exceeds_it,
      a_command_without_words_refuses_one_and_needs_no_room_for_it,
      help_names_every_row_and_its_default_and_exits_with_0,
      describe_tells_every_row_and_text_to_programs)
