/* SPDX-License-Identifier: MIT */
#include "worker/handler_log.h"
#include "base/log.h"

void handler_log_left_out(struct handler_log *log)
{
    if (log->left_out > 0)
        log_warn("handler writes too much", log_text("type", log->type),
                 log_number("lines_left_out", log->left_out));
    log->left_out = 0;
}

static void look_at_window(struct handler_log *log, int64_t now_mono_ms)
{
    if (now_mono_ms - log->window_mono_ms < HANDLER_LOG_WINDOW_MS)
        return;
    handler_log_left_out(log);
    log->window_mono_ms = now_mono_ms;
    log->told = 0;
}

int handler_log_line(struct handler_log *log, int64_t now_mono_ms,
                     const struct handler_writer *writer, enum line_kind kind,
                     struct bytes line)
{
    if (kind == LINE_WHOLE && line.len == 0)
        return 1;
    look_at_window(log, now_mono_ms);
    if (log->told == HANDLER_LOG_LINES) {
        log->left_out++;
        return 0;
    }
    log->told++;
    log_info(
        "handler wrote", log_known("id", writer->id), log_known("iid", writer->iid),
        log_text("type", log->type), log_number("child", writer->child),
        log_bytes("text", kind == LINE_WHOLE ? line : bytes_of("(a line too long)")));
    return 1;
}

enum { CHARACTER_BYTES = 4 };

static int is_amid_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static struct bytes without_begin(struct bytes text)
{
    size_t max = text.len > LIMIT_TAIL_BYTES ? LIMIT_TAIL_BYTES : text.len;
    struct bytes tail = {text.at + text.len - max, max};
    for (int i = 1; i < CHARACTER_BYTES && tail.len > 0 && is_amid_character(*tail.at);
         i++)
        tail.at++, tail.len--;
    return tail;
}

/* The most that the log shows of a value. */
static struct bytes next_piece(struct bytes tail)
{
    size_t len = LOG_VALUE_BYTES;
    if (tail.len <= len)
        return tail;
    while (len > LOG_VALUE_BYTES - CHARACTER_BYTES && is_amid_character(tail.at[len]))
        len--;
    return (struct bytes){tail.at, len};
}

void handler_log_tail(const struct handler_log *log, const struct handler_writer *writer,
                      const char *stream, struct bytes tail)
{
    tail = without_begin(tail);
    while (tail.len > 0) {
        struct bytes piece = next_piece(tail);
        log_warn("handler's last output", log_known("id", writer->id),
                 log_known("iid", writer->iid), log_text("type", log->type),
                 log_number("child", writer->child), log_text("stream", stream),
                 log_bytes("text", piece));
        tail.at += piece.len;
        tail.len -= piece.len;
    }
}
