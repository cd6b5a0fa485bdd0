/* SPDX-License-Identifier: MIT */
/* The door to jansson: the slow, complete judge of what is JSON. The scanner in members.h
 * asks it whenever a text is not of the plain kind it knows. */
#ifndef LEAT_SCHEMA_JSON_H
#define LEAT_SCHEMA_JSON_H

#include "base/buf.h"
#include "base/err.h"

/* Is this one JSON object: UTF-8, no duplicate keys, no NUL, nothing behind it, no deeper
 * than LIMIT_PAYLOAD_DEPTH, integers within int64?
 * Errors: LEAT_EDATA with the place and the reason. */
int json_check_object(struct bytes json, struct err *err);

/* Decode a JSON string, quotes included, with any escape. Returns 0, or -1. */
int json_decode_string(struct bytes raw, struct buf *out);

#endif
