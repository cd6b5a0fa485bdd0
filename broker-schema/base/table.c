/* SPDX-License-Identifier: MIT */
#include "base/table.h"
#include "base/text.h"

#include <stdlib.h>
#include <time.h>

static int is_no_control(unsigned char c)
{
    return c >= 0x20 && c != 0x7f;
}

void table_plain(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_no_control((unsigned char)text.at[i])) {
            text_percent_escape(out, text, is_no_control);
            return;
        }
    }
    buf_add(out, text.at, text.len);
}

/* As RFC 3339 in UTC, with milliseconds. */
static void write_time(struct buf *out, int64_t at_ms)
{
    time_t seconds = at_ms / 1000;
    struct tm parts;
    char text[40];
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        buf_adds(out, "-");
    else
        buf_addf(out, "%s.%03dZ", text, (int)(at_ms % 1000));
}

void table_open(struct table *table, enum table_mode mode,
                const struct table_column *columns, int column_count, struct buf *out)
{
    *table = (struct table){
        .mode = mode, .columns = columns, .column_count = column_count, .out = out};
    for (int i = 0; i < column_count; i++)
        table->shown_count += columns[i].kind != TABLE_MORE;
}

/* Where the next cell's text goes. */
static struct buf *cell_begin(struct table *table)
{
    if (table->mode == TABLE_ALIGNED)
        return &table->cells;
    if (table->mode == TABLE_TABS) {
        if (table->column > 0)
            buf_addc(table->out, '\t');
        return table->out;
    }
    buf_addc(table->out, table->column > 0 ? ',' : '{');
    text_json_string(table->out, bytes_of(table->columns[table->column].key));
    buf_addc(table->out, ':');
    return table->out;
}

static void next_column(struct table *table)
{
    table->column = (table->column + 1) % table->column_count;
    if (table->mode != TABLE_ALIGNED && table->column == 0)
        buf_adds(table->out, table->mode == TABLE_JSON ? "}\n" : "\n");
}

static void cell_end(struct table *table)
{
    if (table->mode == TABLE_ALIGNED) {
        if (table->count == table->size) {
            table->size = table->size > 0 ? 2 * table->size : 64;
            table->ends = xrealloc(table->ends, table->size * sizeof *table->ends);
        }
        table->ends[table->count++] = table->cells.len;
    }
    next_column(table);
}

static int is_left_out(const struct table *table, struct bytes cell)
{
    return table->columns[table->column].kind == TABLE_MORE &&
           (table->mode != TABLE_JSON || cell.len == 0);
}

void table_text(struct table *table, struct bytes cell)
{
    int64_t number;
    enum table_kind kind = table->columns[table->column].kind;
    int numeric =
        kind != TABLE_TEXT && kind != TABLE_MORE && text_to_int(cell, &number) == 0;
    if (is_left_out(table, cell)) {
        next_column(table);
        return;
    }
    struct buf *out = cell_begin(table);
    if (table->mode == TABLE_ALIGNED)
        text_printable(out, cell, cell.len);
    else if (table->mode == TABLE_TABS)
        table_plain(out, cell);
    else if (numeric)
        buf_add_int(out, number);
    else
        text_json_string(out, cell);
    cell_end(table);
}

void table_number(struct table *table, int64_t number)
{
    enum table_kind kind = table->columns[table->column].kind;
    struct buf *out = cell_begin(table);
    if (table->mode == TABLE_JSON || (kind != TABLE_TIME && kind != TABLE_SPAN))
        buf_add_int(out, number);
    else if (number < 0)
        buf_addc(out, '-');
    else if (kind == TABLE_TIME)
        write_time(out, number);
    else
        text_duration(out, number);
    cell_end(table);
}

/* Characters of UTF-8: bytes that continue none. */
static size_t width_of(struct bytes text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++)
        width += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return width;
}

static struct bytes cell_at(const struct table *table, size_t i)
{
    size_t start = i > 0 ? table->ends[i - 1] : 0;
    return (struct bytes){buf_text(&table->cells) + start, table->ends[i] - start};
}

static void pad(struct buf *out, size_t width)
{
    while (width-- > 0)
        buf_addc(out, ' ');
}

static void write_cell(struct table *table, int column, struct bytes cell, size_t width)
{
    int last = column + 1 == table->shown_count;
    int right = table->columns[column].kind == TABLE_INT ||
                table->columns[column].kind == TABLE_SPAN;
    size_t room = width - width_of(cell);
    pad(table->out, right ? room : 0);
    buf_add(table->out, cell.at, cell.len);
    pad(table->out, right || last ? 0 : room);
    buf_adds(table->out, last ? "\n" : "  ");
}

static void write_aligned(struct table *table)
{
    size_t columns = (size_t)table->shown_count;
    size_t *width = xcalloc(columns, sizeof *width);
    for (size_t i = 0; i < columns; i++)
        width[i] = width_of(bytes_of(table->columns[i].title));
    for (size_t i = 0; i < table->count; i++) {
        size_t own = width_of(cell_at(table, i));
        if (own > width[i % columns])
            width[i % columns] = own;
    }
    for (size_t i = 0; i < columns; i++)
        write_cell(table, (int)i, bytes_of(table->columns[i].title), width[i]);
    for (size_t i = 0; i < table->count; i++)
        write_cell(table, (int)(i % columns), cell_at(table, i), width[i % columns]);
    free(width);
}

void table_close(struct table *table)
{
    if (table->mode == TABLE_ALIGNED)
        write_aligned(table);
    buf_fini(&table->cells);
    free(table->ends);
    *table = (struct table){0};
}
