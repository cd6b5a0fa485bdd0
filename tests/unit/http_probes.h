/* SPDX-License-Identifier: MIT */
/* Requests that two parsers could read differently, or that are none, and what each
 * gets. */
#ifndef LEAT_TESTS_UNIT_HTTP_PROBES_H
#define LEAT_TESTS_UNIT_HTTP_PROBES_H

#include <stddef.h>

#define OPEN    "GET / HTTP/1.1\r\nHost: localhost\r\n"
#define POST    "POST /body HTTP/1.1\r\nHost: localhost\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define NEXT    "GET /echo/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define PROBE(name, status, raw)                                                         \
    {                                                                                    \
        name, status, raw, sizeof(raw) - 1                                               \
    }

/* Status 0: closed without an answer. All but 200, 404 and 405 must close the connection,
 * so that nothing which follows is taken for a request. */
static const struct probe {
    const char *name;
    int status;
    const char *raw;
    size_t len;
} probes[] = {
    PROBE("plain", 200, OPEN "\r\n"),
    PROBE("blank line before", 200, "\r\n" OPEN "\r\n"),
    PROBE("http 1.0 without host", 200, "GET / HTTP/1.0\r\n\r\n"),
    PROBE("no blank behind colon", 200, "GET / HTTP/1.1\r\nHost:localhost\r\n\r\n"),
    PROBE("blanks around value", 200, OPEN "X-A: \t b \t\r\n\r\n"),
    PROBE("empty value", 200, OPEN "X-A:\r\nX-B: \r\n\r\n"),
    PROBE("cookies", 200, OPEN "Cookie: a=b; c=\"d\"\r\nX-A: b\r\n\r\n"),
    PROBE("length zero", 200, OPEN "Content-Length: 0\r\n\r\n"),
    PROBE("expect without body", 200, OPEN "Expect: nothing\r\n\r\n"),
    PROBE("unknown method", 405, "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    /* whom it is for */
    PROBE("no host", 400, "GET / HTTP/1.1\r\n\r\n" NEXT),
    PROBE("two hosts", 400, OPEN "Host: localhost\r\n\r\n" NEXT),
    PROBE("two hosts, other case", 400, OPEN "hOST: evil.example\r\n\r\n" NEXT),
    PROBE("foreign host", 421, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n" NEXT),
    PROBE("empty host", 421, "GET / HTTP/1.1\r\nHost:\r\n\r\n" NEXT),
    PROBE("absolute target", 400,
          "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    PROBE("asterisk", 400, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("connect", 400, "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    /* where it ends */
    PROBE("two lengths", 400, OPEN "Content-Length: 0\r\nContent-Length: 9\r\n\r\n" NEXT),
    PROBE("same length twice", 400,
          OPEN "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"),
    PROBE("length list", 400, OPEN "Content-Length: 0, 0\r\n\r\n" NEXT),
    PROBE("length plus", 400, OPEN "Content-Length: +3\r\n\r\nabc" NEXT),
    PROBE("length minus", 400, OPEN "Content-Length: -1\r\n\r\n" NEXT),
    PROBE("length hex", 400, OPEN "Content-Length: 0x3\r\n\r\nabc" NEXT),
    PROBE("length huge", 413,
          OPEN "Content-Length: 99999999999999999999999\r\n\r\n" NEXT),
    PROBE("length empty", 400, OPEN "Content-Length:\r\n\r\n" NEXT),
    PROBE("length and coding", 400,
          OPEN "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT),
    PROBE("coding and length", 400,
          OPEN "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n" NEXT),
    PROBE("two codings", 400,
          OPEN
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    PROBE("coding identity", 400, OPEN "Transfer-Encoding: identity\r\n\r\n" NEXT),
    PROBE("coding list", 400,
          OPEN "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" NEXT),
    PROBE("coding xchunked", 400, OPEN "Transfer-Encoding: xchunked\r\n\r\n" NEXT),
    PROBE("coding with tab", 400, OPEN "Transfer-Encoding: chunked\t\r\n\r\n" NEXT),
    PROBE("body on get", 413, OPEN "Content-Length: 3\r\n\r\nabc"),
    PROBE("request as body", 413, OPEN "Content-Length: 52\r\n\r\n" NEXT),
    PROBE("chunked body on get", 413,
          OPEN "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" NEXT),
    PROBE("expected body on get", 413,
          OPEN "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
    /* lines */
    PROBE("bare LF in headers", 400, "GET / HTTP/1.1\r\nHost: localhost\nX-A: b\r\n\r\n"),
    PROBE("bare LF after request line", 400,
          "GET / HTTP/1.1\nHost: localhost\r\n\r\n" NEXT),
    PROBE("bare LF at the end", 400, OPEN "\n" NEXT),
    PROBE("bare CR in value", 400, OPEN "X-A: b\rX-B: c\r\n\r\n" NEXT),
    PROBE("bare CR in request line", 400, "GET / HTTP/1.1\rHost: localhost\r\n\r\n" NEXT),
    PROBE("folded value", 400, OPEN "X-A: b\r\n c\r\n\r\n" NEXT),
    PROBE("folded with tab", 400, OPEN "X-A: b\r\n\tc\r\nX-B: d\r\n\r\n" NEXT),
    PROBE("folded twice", 400, OPEN "X-A: b\r\n c\r\n d\r\nX-B: e\r\n\r\n" NEXT),
    PROBE("folded into a name", 400, OPEN "Content: 52\r\n -Length\r\n\r\n" NEXT),
    PROBE("folded host", 400, "GET / HTTP/1.1\r\nHost:\r\n localhost\r\n\r\n" NEXT),
    PROBE("first line folded", 400, "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n" NEXT),
    PROBE("blank before colon", 400, OPEN "Content-Length : 5\r\n\r\nabcde" NEXT),
    PROBE("tab before colon", 400, OPEN "Transfer-Encoding\t: chunked\r\n\r\n" NEXT),
    PROBE("line without colon", 400, OPEN "nonsense\r\n\r\n" NEXT),
    PROBE("empty name", 400, OPEN ": b\r\n\r\n" NEXT),
    PROBE("NUL in value", 400, OPEN "X-A: b\0c\r\n\r\n" NEXT),
    PROBE("NUL in last value", 400, OPEN "X-A: b\0\r\n\r\n" NEXT),
    PROBE("NUL in name", 400, OPEN "X\0-A: b\r\n\r\n" NEXT),
    PROBE("control in value", 400, OPEN "X-A: b\x01\r\n\r\n" NEXT),
    PROBE("delete in value", 400, OPEN "X-A: b\x7f\r\n\r\n" NEXT),
    /* bodies */
    PROBE("body", 200, POST "Content-Length: 3\r\n\r\nabc"),
    PROBE("no body", 200, POST "\r\n"),
    PROBE("chunked body", 200, CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
    PROBE("chunk with extension", 200, CHUNKED "3;a=b\r\nabc\r\n0\r\n\r\n"),
    PROBE("chunked with trailer", 200, CHUNKED "3\r\nabc\r\n0\r\nX-A: b\r\n\r\n"),
    PROBE("body too long", 413, POST "Content-Length: 21\r\n\r\n"),
    PROBE("chunks too long", 413, CHUNKED "15\r\naaaaaaaaaaaaaaaaaaaaa\r\n"),
    PROBE("post, two lengths", 400,
          POST "Content-Length: 3\r\nContent-Length: 9\r\n\r\nabc" NEXT),
    PROBE("post, same length twice", 400,
          POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc" NEXT),
    PROBE("post, length list", 400, POST "Content-Length: 3, 3\r\n\r\nabc" NEXT),
    PROBE("post, length plus", 400, POST "Content-Length: +3\r\n\r\nabc" NEXT),
    PROBE("post, length minus", 400, POST "Content-Length: -3\r\n\r\nabc" NEXT),
    PROBE("post, length minus zero", 400, POST "Content-Length: -0\r\n\r\n" NEXT),
    PROBE("post, length hex", 400, POST "Content-Length: 0x3\r\n\r\nabc" NEXT),
    PROBE("post, length with tail", 400, POST "Content-Length: 3 3\r\n\r\nabc" NEXT),
    PROBE("post, length huge", 413,
          POST "Content-Length: 99999999999999999999999\r\n\r\nabc"),
    PROBE("post, length and coding", 400,
          POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT),
    PROBE("post, coding and length", 400,
          POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" NEXT),
    PROBE("post, two codings", 400,
          POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"
               "0\r\n\r\n" NEXT),
    PROBE("post, coding gzip", 400, POST "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n" NEXT),
    PROBE("post, coding list", 400,
          POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" NEXT),
    PROBE("post, coding with blank", 400,
          POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" NEXT),
    PROBE("post, two hosts", 400,
          POST "Host: evil.example\r\nContent-Length: 3\r\n\r\nabc" NEXT),
    PROBE("post, foreign host", 421,
          "POST /body HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 52\r\n\r\n" NEXT),
    PROBE("post, folded length", 400, POST "Content-Length:\r\n 3\r\n\r\nabc" NEXT),
    PROBE("post, bare LF", 400, POST "Content-Length: 3\nX-A: b\r\n\r\nabc" NEXT),
    PROBE("post, bare LF at the end", 400, POST "Content-Length: 3\r\n\nabc" NEXT),
    PROBE("post, NUL in length", 400, POST "Content-Length: 3\0\r\n\r\nabc" NEXT),
    PROBE("chunk of no size", 400, CHUNKED "\r\nabc\r\n0\r\n\r\n" NEXT),
    PROBE("chunk size in words", 400, CHUNKED "three\r\nabc\r\n0\r\n\r\n" NEXT),
    PROBE("chunk size plus", 400, CHUNKED "+3\r\nabc\r\n0\r\n\r\n" NEXT),
    PROBE("chunk size minus", 400, CHUNKED "-3\r\nabc\r\n0\r\n\r\n" NEXT),
    PROBE("chunk size 0x", 400, CHUNKED "0x3\r\nabc\r\n0\r\n\r\n" NEXT),
    PROBE("chunk size too large", 413, CHUNKED "ffffffffffffffffff\r\nabc\r\n" NEXT),
    PROBE("chunk longer than said", 400, CHUNKED "3\r\nabcdef\r\n0\r\n\r\n" NEXT),
    PROBE("body on get with length plus", 400, OPEN "Content-Length: +0\r\n\r\n" NEXT),
    /* target and request line */
    PROBE("NUL in target", 400, "GET /\0x HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("NUL like a version", 400,
          "GET /\0HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    PROBE("NUL in method", 400, "G\0ET / HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("%00 in target", 400, "GET /echo/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("%00 in query", 400, "GET /?q=a%00 HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("broken escape", 400, "GET /echo/%4 HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("control in target", 400, "GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("CR in target", 400, "GET /\r HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("tab in target", 400, "GET /\tx HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("blank in target", 400, "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("two blanks", 400, "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("broken method", 400, "GE(T / HTTP/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("no version", 400, "GET /\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("version 0.9", 505, "GET / HTTP/0.9\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("version 2.0", 505, "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("version with tail", 400, "GET / HTTP/1.1x\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("version in small letters", 400,
          "GET / http/1.1\r\nHost: localhost\r\n\r\n" NEXT),
    PROBE("TLS hello", 0, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n"),
};

#endif
