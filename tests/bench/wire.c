/* SPDX-License-Identifier: MIT */
#include "wire.h"
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BLOCK_BYTES = 65536 };

/* ---- sockets and files ------------------------------------------------------------- */

static int unix_socket(const char *path, struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (fd < 0 || strlen(path) >= sizeof address->sun_path)
        measure_die(path);
    memcpy(address->sun_path, path, strlen(path) + 1);
    return fd;
}

int wire_dial(const char *path)
{
    struct sockaddr_un address;
    int fd = unix_socket(path, &address);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        measure_die(path);
    return fd;
}

int wire_listen(const char *path)
{
    struct sockaddr_un address;
    int fd = unix_socket(path, &address);
    unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0)
        measure_die(path);
    return fd;
}

void wire_open(struct wire *wire, const char *path)
{
    *wire = (struct wire){.fd = wire_dial(path)};
}

void wire_close(struct wire *wire)
{
    close(wire->fd);
    buf_fini(&wire->in);
    *wire = (struct wire){0};
}

void wire_send(int fd, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = write(fd, bytes.at, bytes.len);
        if (sent < 0 && errno != EINTR)
            measure_die("write");
        if (sent > 0) {
            bytes.at += sent;
            bytes.len -= (size_t)sent;
        }
    }
}

/* Append what is there. Returns 0 at the end. */
static int fill(int fd, struct buf *in)
{
    ssize_t got = read(fd, buf_reserve(in, BLOCK_BYTES), BLOCK_BYTES);
    if (got < 0 && errno != EINTR)
        measure_die("read");
    in->len += got > 0 ? (size_t)got : 0;
    return got != 0;
}

struct buf wire_read_file(const char *path)
{
    struct buf content = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        measure_die(path);
    while (fill(fd, &content))
        ;
    close(fd);
    return content;
}

/* ---- commands ---------------------------------------------------------------------- */

static void add_word(struct buf *out, const char *word, size_t len)
{
    buf_addc(out, '$');
    buf_add_int(out, (int64_t)len);
    buf_adds(out, "\r\n");
    buf_add(out, word, len);
    buf_adds(out, "\r\n");
}

void wire_format(struct buf *out, ...)
{
    va_list words, again;
    int count = 0;
    va_start(words, out);
    va_copy(again, words);
    while (va_arg(words, const char *) != NULL)
        count++;
    va_end(words);
    buf_addf(out, "*%d\r\n", count);
    for (const char *word; (word = va_arg(again, const char *)) != NULL;)
        add_word(out, word, strlen(word));
    va_end(again);
}

struct bytes wire_format_push(struct buf *out, const char *key, struct bytes lines,
                              int64_t count)
{
    buf_addf(out, "*%lld\r\n$5\r\nLPUSH\r\n", (long long)count + 2);
    add_word(out, key, strlen(key));
    for (; count > 0; count--) {
        const char *end = memchr(lines.at, '\n', lines.len);
        if (end == NULL)
            measure_die("fewer lines than asked for");
        add_word(out, lines.at, (size_t)(end - lines.at));
        lines.len -= (size_t)(end + 1 - lines.at);
        lines.at = end + 1;
    }
    return lines;
}

/* ---- replies ----------------------------------------------------------------------- */

/* Make sure that `len` bytes are there to consume. */
static void want(struct wire *wire, size_t len)
{
    if (wire->at == wire->in.len) {
        buf_reset(&wire->in);
        wire->at = 0;
    }
    while (wire->in.len - wire->at < len)
        if (!fill(wire->fd, &wire->in))
            measure_die("Redis hung up");
}

/* Consume a line; it is terminated in place. */
static const char *take_line(struct wire *wire)
{
    char *end = NULL;
    for (size_t len = 1; end == NULL; len = wire->in.len - wire->at + 1) {
        want(wire, len);
        end = memchr(wire->in.data + wire->at, '\n', wire->in.len - wire->at);
    }
    const char *text = wire->in.data + wire->at;
    end[-1] = '\0';
    wire->at = (size_t)(end + 1 - wire->in.data);
    return text;
}

int64_t wire_reply(struct wire *wire)
{
    const char *head = take_line(wire);
    int64_t number = strtoll(head + 1, NULL, 10);
    if (*head == '-' || *head == '*')
        measure_die(head);
    if (*head == '$' && number >= 0) {
        want(wire, (size_t)number + 2);
        wire->text = wire->in.data + wire->at;
        wire->in.data[wire->at + (size_t)number] = '\0';
        wire->at += (size_t)number + 2;
    }
    return *head == '+' ? 0 : number;
}

int64_t wire_ask(struct wire *wire, const struct buf *command)
{
    wire_send(wire->fd, buf_bytes(command));
    return wire_reply(wire);
}
