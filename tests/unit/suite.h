/* SPDX-License-Identifier: MIT */
/* One program is one suite of Check tests; each test runs in a process of its own. */
#ifndef LEAT_TESTS_UNIT_SUITE_H
#define LEAT_TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

static int suite_run(const char *name, void (*set_up)(void), void (*tear_down)(void),
                     const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The program: SUITE("name", first_test, second_test, …) */
#define SUITE(name, ...) SUITE_WITH(name, NULL, NULL, __VA_ARGS__)

/* The same with functions that run before and after each test. */
#define SUITE_WITH(name, set_up, tear_down, ...)                                         \
    int main(void)                                                                       \
    {                                                                                    \
        const TTest *const tests[] = {__VA_ARGS__};                                      \
        return suite_run(name, set_up, tear_down, tests, COUNT(tests));                  \
    }

#endif
