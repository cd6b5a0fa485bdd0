/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "suite.h"

#include <stdint.h>
#include <string.h>

START_TEST(asking_for_nothing_gives_memory_that_can_be_freed)
{
    free(xmalloc(0));
    free(xcalloc(0, 8));
    free(xcalloc(8, 0));
    void *memory = xrealloc(NULL, 0);
    ck_assert_ptr_nonnull(memory);
    free(memory);
}
END_TEST

START_TEST(copies_are_terminated_where_they_were_cut)
{
    char *copy = xstrndup("abcdef", 3);
    ck_assert_str_eq(copy, "abc");
    free(copy);
    copy = xstrndup(NULL, 0);
    ck_assert_str_eq(copy, "");
    free(copy);
    copy = xstrdup("whole");
    ck_assert_str_eq(copy, "whole");
    free(copy);
}
END_TEST

START_TEST(bytes_are_equal_by_length_and_content)
{
    ck_assert(bytes_equal((struct bytes){NULL, 0}, bytes_of("")));
    ck_assert(bytes_equal((struct bytes){"a\0b", 3}, (struct bytes){"a\0b", 3}));
    ck_assert(!bytes_equal((struct bytes){"a\0b", 3}, (struct bytes){"a\0c", 3}));
    ck_assert(!bytes_equal(bytes_of("a"), bytes_of("ab")));
    ck_assert(bytes_is((struct bytes){"type\"", 4}, "type"));
    ck_assert(!bytes_is((struct bytes){"type\0", 5}, "type"));
}
END_TEST

START_TEST(pieces_of_an_arena_are_aligned_and_do_not_overlap)
{
    struct arena arena = {0};
    unsigned char *pieces[500];
    for (size_t i = 0; i < COUNT(pieces); i++) {
        pieces[i] = arena_alloc(&arena, i);
        ck_assert_uint_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < COUNT(pieces); i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_eq(pieces[i][k], i & 0xff);
    arena_fini(&arena);
}
END_TEST

START_TEST(an_arena_gives_pieces_larger_than_its_chunks)
{
    struct arena arena = {0};
    char *small = arena_dup(&arena, bytes_of("small"));
    char *large = arena_alloc(&arena, 1 << 20);
    memset(large, 'x', 1 << 20);
    ck_assert_str_eq(small, "small");
    ck_assert_str_eq(arena_dup(&arena, bytes_of("after")), "after");
    arena_fini(&arena);
}
END_TEST

START_TEST(copies_in_an_arena_are_terminated)
{
    struct arena arena = {0};
    ck_assert_str_eq(arena_dup(&arena, (struct bytes){"abcdef", 2}), "ab");
    ck_assert_str_eq(arena_dup(&arena, (struct bytes){NULL, 0}), "");
    ck_assert_str_eq(arena_printf(&arena, "%s-%d", "n", 5), "n-5");
    ck_assert_uint_eq(strlen(arena_printf(&arena, "%9000d", 1)), 9000);
    arena_fini(&arena);
}
END_TEST

START_TEST(an_arena_can_be_used_again_after_reset_and_fini)
{
    struct arena arena = {0};
    arena_reset(&arena);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            memset(arena_alloc(&arena, 200), i, 200);
        arena_reset(&arena);
        ck_assert_ptr_nonnull(arena.chunk);
        ck_assert_str_eq(arena_dup(&arena, bytes_of("again")), "again");
    }
    arena_fini(&arena);
    ck_assert_ptr_null(arena.chunk);
    arena_fini(&arena);
    ck_assert_str_eq(arena_dup(&arena, bytes_of("once more")), "once more");
    arena_fini(&arena);
}
END_TEST

SUITE("mem", asking_for_nothing_gives_memory_that_can_be_freed,
      copies_are_terminated_where_they_were_cut, bytes_are_equal_by_length_and_content,
      pieces_of_an_arena_are_aligned_and_do_not_overlap,
      an_arena_gives_pieces_larger_than_its_chunks, copies_in_an_arena_are_terminated,
      an_arena_can_be_used_again_after_reset_and_fini)
