/* SPDX-License-Identifier: MIT */
#include "push_args.h"
#include "base/text.h"
#include "schema/job.h"
#include "schema/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Read to the end, at most as much as a payload may have. */
static int read_all(struct buf *out, int fd, const char *name, struct err *err)
{
    for (;;) {
        if (out->len > LIMIT_PAYLOAD_BYTES)
            return err_set(err, LEAT_EDATA, "%s has more than %d bytes", name,
                           LIMIT_PAYLOAD_BYTES);
        size_t more = LIMIT_PAYLOAD_BYTES + 1 - out->len;
        ssize_t got = read(fd, buf_reserve(out, more), more);
        if (got == 0)
            return LEAT_OK;
        if (got < 0 && errno != EINTR)
            return err_set(err, LEAT_EDATA, "cannot read %s: %s", name, strerror(errno));
        out->len += got > 0 ? (size_t)got : 0;
        out->data[out->len] = '\0';
    }
}

static int read_file(struct buf *out, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, LEAT_EDATA, "cannot open %s: %s", path, strerror(errno));
    int code = read_all(out, fd, path, err);
    close(fd);
    return code;
}

static int add_text(struct buf *out, const char *name, struct bytes text, struct err *err)
{
    if (!text_is_utf8(text))
        return err_set(err, LEAT_EDATA, "%s is not UTF-8", name);
    text_json_string(out, text);
    return LEAT_OK;
}

static int add_file(struct buf *out, const char *name, const char *path, struct err *err)
{
    struct buf text = {0};
    int code = read_file(&text, path, err);
    if (code == LEAT_OK)
        code = add_text(out, name, buf_bytes(&text), err);
    buf_fini(&text);
    return code;
}

static int add_word(struct buf *out, const char *word, struct err *err)
{
    char name[80];
    const char *equals = strchr(word, '=');
    int is_json = equals != NULL && equals > word && equals[-1] == ':';
    struct bytes key = {word, equals != NULL ? (size_t)(equals - word - is_json) : 0};
    if (key.len == 0)
        return err_set(err, LEAT_EUSAGE,
                       "'%.60s' is no argument: key=text, key:=json or key=@file", word);
    snprintf(name, sizeof name, "'%.*s'", key.len < 60 ? (int)key.len : 60, word);
    int code = add_text(out, name, key, err);
    buf_addc(out, ':');
    const char *value = equals + 1;
    if (code != LEAT_OK)
        return code;
    if (is_json)
        return job_add_json(out, name, bytes_of(value), err);
    return *value == '@' ? add_file(out, name, value + 1, err)
                         : add_text(out, name, bytes_of(value), err);
}

int push_args_words(struct buf *out, const char *const *words, size_t count,
                    struct err *err)
{
    buf_addc(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        int code = add_word(out, words[i], err);
        if (code != LEAT_OK)
            return code;
    }
    buf_addc(out, '}');
    return LEAT_OK;
}

int push_args_json(struct buf *out, const char *given, struct err *err)
{
    struct buf input = {0};
    int code = LEAT_OK;
    if (strcmp(given, "-") == 0)
        code = read_all(&input, STDIN_FILENO, "standard input", err);
    else
        buf_adds(&input, given);
    if (code == LEAT_OK)
        code = job_add_json(out, "--args", buf_bytes(&input), err);
    buf_fini(&input);
    return code;
}

int push_args_then(struct buf *out, const char *given, struct err *err)
{
    struct buf input = {0};
    int code = LEAT_OK;
    if (*given == '@')
        code = read_file(&input, given + 1, err);
    else
        buf_adds(&input, given);
    if (code == LEAT_OK)
        code = job_add_json(out, "--then", buf_bytes(&input), err);
    buf_fini(&input);
    return code;
}
