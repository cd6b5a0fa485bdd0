/* SPDX-License-Identifier: MIT */
/* Lists for people and for programs from one description: a row of columns says what a
 * list is headed with, how its JSON keys are called and what its cells hold. Aligned it
 * is for a terminal, with a header and nothing that a terminal obeys; with tabs it is for
 * other programs, bytes as they are; as JSON it is one object a line. */
#ifndef LEAT_BASE_TABLE_H
#define LEAT_BASE_TABLE_H

#include "base/buf.h"

enum table_mode { TABLE_ALIGNED, TABLE_TABS, TABLE_JSON };

enum table_kind {
    TABLE_TEXT,
    TABLE_INT,
    TABLE_TIME, /* milliseconds since the epoch; shown as RFC 3339, below 0 as `-` */
    TABLE_SPAN, /* milliseconds; shown as a duration, below 0 as `-` */
    TABLE_MORE, /* a text of the JSON object alone, where it is not empty; behind the
                   others */
};

struct table_column {
    const char *title;
    const char *key; /* of the JSON object; a time or a span is milliseconds there */
    enum table_kind kind;
};

struct table {
    enum table_mode mode;
    const struct table_column *columns;
    int column_count, column; /* `column` is the next cell's */
    int shown_count;          /* of columns that are not TABLE_MORE */
    struct buf *out;
    struct buf cells; /* aligned: all of them, kept until their widths are known */
    size_t *ends;
    size_t count, size;
};

/* Start a list that is appended to `out`. Rows of tabs and JSON are there as soon as they
 * are complete, so the caller may empty `out` between rows. */
void table_open(struct table *table, enum table_mode mode,
                const struct table_column *columns, int column_count, struct buf *out);

/* Add the next cell, a text. In a column of numbers it is taken for one where it is
 * one. */
void table_text(struct table *table, struct bytes cell);

/* Add the next cell, a number, a time or a span. */
void table_number(struct table *table, int64_t number);

/* Write what is still kept, and free. */
void table_close(struct table *table);

/* Append a text for programs that read lines: as it is, but when it holds a control
 * character, with those and `%` as `%XX`. */
void table_plain(struct buf *out, struct bytes text);

#endif
