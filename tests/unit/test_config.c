/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "config/config.h"
#include "config/options.h"
#include "suite.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- files as cases ---------------------------------------------------------------- */

/* Calls `check` for each file in LEAT_CONFIGS/FOLDER. */
static void for_each(const char *folder, void (*check)(const char *path))
{
    char path[512];
    int count = 0;
    snprintf(path, sizeof path, LEAT_CONFIGS "/%s", folder);
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *it; (it = readdir(dir)) != NULL;) {
        if (it->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, LEAT_CONFIGS "/%s/%s", folder, it->d_name);
        check(path);
        count++;
    }
    closedir(dir);
    ck_assert_int_gt(count, 9);
}

/* Its first line is `# says LINE: TEXT`, and so must the error. */
static void check_invalid(const char *path)
{
    char line[256], want[800];
    struct config config;
    struct err err = {0};
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    ck_assert_int_eq(strncmp(line, "# says ", 7), 0);
    snprintf(want, sizeof want, "%s:%s", path, line + 7);
    ck_assert_int_eq(config_open(&config, path, &err), LEAT_ECONFIG);
    ck_assert_msg(strncmp(err.text, want, strlen(want)) == 0, "wanted '%s', got '%s'",
                  want, err.text);
    ck_assert_ptr_null(strstr(err.text, "secret"));
}

START_TEST(what_is_wrong_is_refused_with_its_line)
{
    for_each("invalid", check_invalid);
}
END_TEST

static void check_valid(const char *path)
{
    struct config config;
    struct err err = {0};
    ck_assert_msg(config_open(&config, path, &err) == LEAT_OK, "%s", err.text);
    config_fini(&config);
}

START_TEST(what_is_right_is_taken)
{
    for_each("valid", check_valid);
}
END_TEST

/* ---- values ------------------------------------------------------------------------ */

static struct config config;
static struct err err;

static int add(const char *file, const char *text)
{
    return config_add(&config, file, bytes_of(text), &err);
}

static void must_add(const char *file, const char *text)
{
    ck_assert_msg(add(file, text) == LEAT_OK, "%s", err.text);
}

static struct worker_options worker_of(uint64_t given)
{
    struct worker_options options = {.lease_ms = 30000, .slots = 64};
    config_fill(&config, &worker_spec, given, &options);
    return options;
}

START_TEST(values_reach_the_fields_of_their_rows)
{
    must_add("f", "worker { concurrency = 7 allow-net = {\"10.0.0.0/8\", \"::1/128\"} }");
    struct worker_options options = worker_of(0);
    ck_assert_int_eq(options.slots, 7);
    ck_assert_int_eq(options.lease_ms, 30000);
    ck_assert_uint_eq(options.allow_net.count, 2);
    ck_assert_str_eq(options.allow_net.at[1], "::1/128");
    config_fini(&config);
}
END_TEST

START_TEST(later_files_win_and_say_a_list_whole)
{
    must_add("a", "worker { concurrency = 7 lease = 5s allow-net = {\"10.0.0.0/8\"} }");
    must_add("b", "\nworker { concurrency = 9 allow-net = {\"127.0.0.1\"} }");
    struct worker_options options = worker_of(0);
    ck_assert_int_eq(options.slots, 9);
    ck_assert_int_eq(options.lease_ms, 5000);
    ck_assert_uint_eq(options.allow_net.count, 1);
    const struct config_entry *entry = config_find(&config, "worker.concurrency", "");
    ck_assert_str_eq(entry->file, "b");
    ck_assert_int_eq(entry->line, 2);
    must_add("c", "replica = {\"redis://a\"} worker { allow-net = {} }");
    must_add("d", "replica = {}");
    ck_assert_ptr_null(config_find(&config, "replica", "")->values);
    ck_assert_uint_eq(worker_of(0).allow_net.count, 0);
    config_fini(&config);
}
END_TEST

START_TEST(what_the_command_line_said_stays)
{
    must_add("f", "worker { concurrency = 7 lease = 5s }");
    for (size_t i = 0; opt_row(&worker_spec, i) != NULL; i++)
        if (strcmp(opt_row(&worker_spec, i)->name, "lease") == 0)
            ck_assert_int_eq(worker_of(UINT64_C(1) << i).lease_ms, 30000);
    ck_assert_int_eq(worker_of(0).lease_ms, 5000);
    config_fini(&config);
}
END_TEST

START_TEST(queues_keep_the_order_they_were_named_in)
{
    must_add("a", "queue mail { weight = 3 } queue default { }");
    must_add("b", "queue pages { weight = 2 } queue mail { weight = 5 }");
    static const char *const names[] = {"mail", "default", "pages"};
    const struct config_entry *it = NULL;
    for (int i = 0; i < 3; i++) {
        it = config_next_title(&config, "queue", it);
        ck_assert_str_eq(it->title, names[i]);
    }
    ck_assert_ptr_null(config_next_title(&config, "queue", it));
    ck_assert_int_eq(config_weight(&config, "mail"), 5);
    ck_assert_int_eq(config_weight(&config, "default"), 1);
    ck_assert_int_eq(config_weight(&config, "unheard-of"), 1);
    config_fini(&config);
}
END_TEST

START_TEST(a_type_retries_as_its_section_says)
{
    struct backoff policy;
    must_add("a", "retry refresh { max = 3 base = 5s } retry mail { list = {1s, 1m} }");
    must_add("b", "retry refresh { cap = 1h }");
    ck_assert_int_eq(config_retry(&config, "refresh", &policy, &err), LEAT_OK);
    ck_assert_int_eq(policy.kind, BACKOFF_EXPONENTIAL);
    ck_assert_int_eq(policy.retries_max, 3);
    ck_assert_int_eq(policy.base_ms, 5000);
    ck_assert_int_eq(policy.cap_ms, 3600000);
    ck_assert(policy.factor == 2);
    ck_assert_int_eq(config_retry(&config, "mail", &policy, &err), LEAT_OK);
    ck_assert_int_eq(policy.kind, BACKOFF_LIST);
    ck_assert_int_eq(policy.list_count, 2);
    ck_assert_int_eq(policy.list_ms[1], 60000);
    ck_assert_int_eq(policy.retries_max, 25);
    ck_assert_int_eq(config_retry(&config, "other", &policy, &err), LEAT_OK);
    ck_assert_int_eq(policy.base_ms, backoff_default.base_ms);
    config_fini(&config);
}
END_TEST

START_TEST(a_good_text_is_read_after_any_bad_one)
{
    static const char *const bad[] = {"redis = \"",  "redis = '",
                                      "/* ",         "worker { \"",
                                      "x = \"\\8\"", "worker { allow-net = {a"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_int_eq(add("bad", bad[i]), LEAT_ECONFIG);
        config_fini(&config);
        err = (struct err){0};
        must_add("good", "\n\nworker { concurrency = 9 }");
        ck_assert_int_eq(config_find(&config, "worker.concurrency", "")->line, 3);
        config_fini(&config);
    }
}
END_TEST

START_TEST(there_may_be_no_more_queues_than_a_worker_serves)
{
    struct buf text = {0};
    for (int i = 0; i < CONFIG_TITLES_MAX; i++)
        buf_addf(&text, "queue q%d { }\n", i);
    must_add("f", buf_text(&text));
    ck_assert_int_eq(add("g", "\nqueue more { }"), LEAT_ECONFIG);
    ck_assert_str_eq(err.text, "g:2: more than 64 sections 'queue'");
    config_fini(&config);
    buf_fini(&text);
}
END_TEST

START_TEST(a_nul_is_refused)
{
    struct bytes text = {"log {\0 }", 8};
    ck_assert_int_eq(config_add(&config, "f", text, &err), LEAT_ECONFIG);
    ck_assert_str_eq(err.text, "f:1: a control character: this is no text");
    config_fini(&config);
}
END_TEST

/* ---- which files ------------------------------------------------------------------- */

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/leat-config.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *status, int kind,
                      struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void remove_folder(void)
{
    ck_assert_int_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(drop_ins_are_read_behind_the_file_in_the_order_of_their_bytes)
{
    make_folder();
    write_file("f", "worker { concurrency = 1 lease = 5s }");
    ck_assert_int_eq(mkdir(path_of("f.d"), 0700), 0);
    write_file("f.d/9.conf", "worker { concurrency = 9 }");
    write_file("f.d/10.conf", "worker { concurrency = 10 }");
    write_file("f.d/z.conf~", "nonsense");
    write_file("f.d/.z.conf", "nonsense");
    ck_assert_int_eq(config_open(&config, path_of("f"), &err), LEAT_OK);
    ck_assert_int_eq(worker_of(0).slots, 9);
    ck_assert_int_eq(worker_of(0).lease_ms, 5000);
    ck_assert_str_eq(config_find(&config, "worker.concurrency", "")->file,
                     path_of("f.d/9.conf"));
    config_fini(&config);
    remove_folder();
}
END_TEST

START_TEST(an_option_outranks_the_environment_and_an_empty_name_reads_nothing)
{
    make_folder();
    write_file("a", "worker { concurrency = 1 }");
    write_file("b", "worker { concurrency = 2 }");
    setenv("LEAT_CONFIG", path_of("a"), 1);
    ck_assert_int_eq(config_open(&config, NULL, &err), LEAT_OK);
    ck_assert_int_eq(worker_of(0).slots, 1);
    config_fini(&config);
    ck_assert_int_eq(config_open(&config, path_of("b"), &err), LEAT_OK);
    ck_assert_int_eq(worker_of(0).slots, 2);
    config_fini(&config);
    ck_assert_int_eq(config_open(&config, "", &err), LEAT_OK);
    ck_assert_int_eq(worker_of(0).slots, 64);
    config_fini(&config);
    remove_folder();
}
END_TEST

START_TEST(a_file_that_was_named_must_be_there)
{
    make_folder();
    ck_assert_int_eq(config_open(&config, path_of("none"), &err), LEAT_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
    err = (struct err){0};
    ck_assert_int_eq(config_open(&config, folder, &err), LEAT_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "Is a directory"));
    remove_folder();
}
END_TEST

START_TEST(a_file_has_a_limit)
{
    char *text = xmalloc(CONFIG_BYTES_MAX + 2);
    make_folder();
    memset(text, ' ', CONFIG_BYTES_MAX + 1);
    text[CONFIG_BYTES_MAX] = '\0';
    write_file("f", text);
    ck_assert_int_eq(config_open(&config, path_of("f"), &err), LEAT_OK);
    config_fini(&config);
    text[CONFIG_BYTES_MAX] = ' ';
    text[CONFIG_BYTES_MAX + 1] = '\0';
    write_file("f", text);
    ck_assert_int_eq(config_open(&config, path_of("f"), &err), LEAT_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "is longer than 65536 bytes"));
    free(text);
    remove_folder();
}
END_TEST

/* ---- Redis ------------------------------------------------------------------------- */

START_TEST(the_address_of_redis_is_the_option_the_environment_or_the_file)
{
    must_add("f", "redis = \"redis://file\"");
    unsetenv("LEAT_REDIS");
    unsetenv("REDIS_URL");
    ck_assert_str_eq(config_redis(&config, NULL), "redis://file");
    ck_assert_str_eq(config_redis(&config, "redis://option"), "redis://option");
    setenv("REDIS_URL", "redis://variable", 1);
    ck_assert_ptr_null(config_redis(&config, NULL));
    config_fini(&config);
}
END_TEST

SUITE("config", what_is_wrong_is_refused_with_its_line, what_is_right_is_taken,
      values_reach_the_fields_of_their_rows, later_files_win_and_say_a_list_whole,
      what_the_command_line_said_stays, queues_keep_the_order_they_were_named_in,
      a_type_retries_as_its_section_says, a_good_text_is_read_after_any_bad_one,
      there_may_be_no_more_queues_than_a_worker_serves, a_nul_is_refused,
      drop_ins_are_read_behind_the_file_in_the_order_of_their_bytes,
      an_option_outranks_the_environment_and_an_empty_name_reads_nothing,
      a_file_that_was_named_must_be_there, a_file_has_a_limit,
      the_address_of_redis_is_the_option_the_environment_or_the_file)
