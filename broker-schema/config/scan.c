/* SPDX-License-Identifier: MIT */
#include "config/scan.h"

#include <string.h>

enum { DEPTH_MAX = 2 }; /* a list in a section */

struct scan {
    char *at, *end;
    const char *name;
    int line;
    int opened[DEPTH_MAX]; /* lines of the braces that are open */
    int depth;
    struct err *err;
};

static int refuse(const struct scan *scan, int line, const char *what)
{
    return err_set(scan->err, LEAT_ECONFIG, "%s:%d: %s", scan->name, line, what);
}

/* Behind the end stands a NUL, so looking one further is always right. */
static int starts(const struct scan *scan, const char *word)
{
    return strncmp(scan->at, word, strlen(word)) == 0;
}

static int skip_line_comment(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at != '\n')
        *scan->at++ = ' ';
    return LEAT_OK;
}

static int skip_block_comment(struct scan *scan)
{
    int line = scan->line;
    char *close = strstr(scan->at + 2, "*/");
    if (close == NULL)
        return refuse(scan, line, "this comment is never closed: a */ is missing");
    for (; scan->at < close + 2; scan->at++)
        if (*scan->at == '\n')
            scan->line++;
        else
            *scan->at = ' ';
    return LEAT_OK;
}

/* `${NAME}` or `${NAME:-else}`. */
static int skip_variable(struct scan *scan)
{
    scan->at += strcspn(scan->at, "}\n");
    if (*scan->at != '}')
        return refuse(scan, scan->line, "this ${ has no } on its line");
    scan->at++;
    return LEAT_OK;
}

static int skip_escape(struct scan *scan)
{
    if (scan->at[1] != '"' && scan->at[1] != '\\')
        return refuse(scan, scan->line,
                      "in double quotes a backslash stands only before \" and \\: "
                      "write \\\\ for one, or use single quotes");
    scan->at += 2;
    return LEAT_OK;
}

static int skip_double_quoted(struct scan *scan)
{
    int code = LEAT_OK;
    scan->at++;
    while (code == LEAT_OK && *scan->at != '"') {
        if (*scan->at == '\n' || *scan->at == '\0')
            return refuse(scan, scan->line,
                          "this string is not closed on its line: a \" is missing");
        if (*scan->at == '\\')
            code = skip_escape(scan);
        else if (starts(scan, "${"))
            code = skip_variable(scan);
        else
            scan->at++;
    }
    scan->at++;
    return code;
}

static int skip_single_quoted(struct scan *scan)
{
    for (scan->at++; *scan->at != '\''; scan->at++) {
        if (*scan->at == '\\' && (scan->at[1] == '\\' || scan->at[1] == '\''))
            scan->at++;
        else if (*scan->at == '\n' || *scan->at == '\0')
            return refuse(scan, scan->line,
                          "this string is not closed on its line: a ' is missing");
    }
    scan->at++;
    return LEAT_OK;
}

static int open_brace(struct scan *scan)
{
    if (scan->depth == DEPTH_MAX)
        return refuse(scan, scan->line,
                      "this { is one too many: only a list stands within a section");
    scan->opened[scan->depth++] = scan->line;
    scan->at++;
    return LEAT_OK;
}

static int close_brace(struct scan *scan)
{
    if (scan->depth == 0)
        return refuse(scan, scan->line, "this } closes nothing");
    scan->depth--;
    scan->at++;
    return LEAT_OK;
}

static int refuse_append(struct scan *scan)
{
    return refuse(scan, scan->line, "a list is said whole: write = and all of it");
}

static int refuse_stray(struct scan *scan)
{
    return refuse(scan, scan->line, "a + or * stands alone: write the value in quotes");
}

static int skip_newline(struct scan *scan)
{
    scan->line++;
    scan->at++;
    return LEAT_OK;
}

static int skip_word(struct scan *scan)
{
    size_t len = strcspn(scan->at, " #\"'\t\n\r={}()+,*");
    scan->at += len > 0 ? len : 1;
    if (len > 0 && *scan->at == '{' && scan->at[-1] == '$')
        return refuse(scan, scan->line,
                      "a ${ within a word: write the value in double quotes");
    return LEAT_OK;
}

static int scan_next(struct scan *scan)
{
    static const struct {
        const char *start;
        int (*skip)(struct scan *);
    } kinds[] = {
        {"#", skip_line_comment}, {"//", skip_line_comment},  {"/*", skip_block_comment},
        {"${", skip_variable},    {"\"", skip_double_quoted}, {"'", skip_single_quoted},
        {"{", open_brace},        {"}", close_brace},         {"+=", refuse_append},
        {"+", refuse_stray},      {"*", refuse_stray},        {"\n", skip_newline},
    };
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (starts(scan, kinds[i].start))
            return kinds[i].skip(scan);
    return skip_word(scan);
}

static int refuse_controls(const struct scan *scan)
{
    int line = 1;
    for (const char *at = scan->at; at < scan->end; at++) {
        unsigned char c = (unsigned char)*at;
        if ((c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
            return refuse(scan, line, "a control character: this is no text");
        line += c == '\n';
    }
    return LEAT_OK;
}

/* Some editors begin a file with a byte order mark, which says nothing in UTF-8. */
static void blank_mark(struct scan *scan)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (starts(scan, mark))
        memset(scan->at, ' ', sizeof mark - 1);
}

int scan_text(char *text, size_t len, const char *name, struct err *err)
{
    struct scan scan = {
        .at = text, .end = text + len, .name = name, .line = 1, .err = err};
    int code = refuse_controls(&scan);
    blank_mark(&scan);
    while (code == LEAT_OK && scan.at < scan.end)
        code = scan_next(&scan);
    if (code == LEAT_OK && scan.depth > 0)
        code = refuse(&scan, scan.opened[scan.depth - 1],
                      "this { is never closed: a } is missing");
    return code;
}
