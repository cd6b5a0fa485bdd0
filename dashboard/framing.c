/* SPDX-License-Identifier: MIT */
#include "dashboard/framing.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { CRLF_LEN = 2 };

static void note(struct framing *framing, const char *fault)
{
    if (framing->fault == NULL)
        framing->fault = fault;
}

static void expect_at(struct framing *framing, const char *at)
{
    if (at != framing->next)
        framing->is_scattered = 1;
}

static const char *target_fault(const char *target)
{
    if (target[0] != '/')
        return "the target is no path";
    for (const unsigned char *c = (const unsigned char *)target; *c != '\0'; c++) {
        if (*c <= ' ' || *c == 0x7f)
            return "control character in the target";
        if (*c == '%' && !(isxdigit(c[1]) && isxdigit(c[2])))
            return "broken percent escape in the target";
        if (*c == '%' && c[1] == '0' && c[2] == '0')
            return "%00 in the target";
    }
    return NULL;
}

/* RFC 9110 5.6.2 */
static int is_token(const char *text)
{
    const char *c = text;
    while (isalnum((unsigned char)*c) || (*c != '\0' && strchr("!#$%&'*+-.^_`|~", *c)))
        c++;
    return c > text && *c == '\0';
}

static int has_control(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        if ((*c < ' ' && *c != '\t') || *c == 0x7f)
            return 1;
    return 0;
}

void framing_target(struct framing *framing, const char *target)
{
    const char *fault = target_fault(target);
    if (fault != NULL)
        note(framing, fault);
}

void framing_line(struct framing *framing, const char *method, const char *target,
                  size_t target_len, const char *version)
{
    if (!is_token(method))
        note(framing, "broken method");
    framing->needs_host = strcmp(version, "HTTP/1.0") != 0;
    framing->next = method + strlen(method) + 1;
    expect_at(framing, target);
    framing->next = target + target_len + 1;
    expect_at(framing, version);
    framing->next = version + strlen(version) + CRLF_LEN;
}

void framing_header(struct framing *framing, const char *name, const char *value)
{
    expect_at(framing, name);
    framing->next = value + strlen(value) + CRLF_LEN;
    if (!is_token(name))
        note(framing, "broken header name");
    if (has_control(value))
        note(framing, "control character in a header");
    if (strcasecmp(name, "Host") == 0)
        framing->hosts++;
    if (strcasecmp(name, "Content-Length") == 0) {
        framing->lengths++;
        if (value[0] == '-' || text_to_int(bytes_of(value), &framing->body_bytes) != 0)
            note(framing, "Content-Length is no number");
        framing->has_body |= framing->body_bytes != 0;
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        framing->codings++;
        framing->has_body = 1;
        if (strcasecmp(value, "chunked") != 0)
            note(framing, "Transfer-Encoding other than chunked");
    }
}

const char *framing_verdict(const struct framing *framing, const char *end)
{
    if (framing->fault != NULL)
        return framing->fault;
    if (framing->hosts == 0 && framing->needs_host)
        return "no Host";
    if (framing->hosts > 1)
        return "more than one Host";
    if (framing->lengths > 1)
        return "more than one Content-Length";
    if (framing->codings > 1)
        return "more than one Transfer-Encoding";
    if (framing->lengths > 0 && framing->codings > 0)
        return "Content-Length together with Transfer-Encoding";
    if (end != NULL && (framing->is_scattered || framing->next + CRLF_LEN != end))
        return "folded or broken line in the request";
    return NULL;
}
