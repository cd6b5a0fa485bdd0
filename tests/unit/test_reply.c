/* SPDX-License-Identifier: MIT */
#include "broker/reply.h"
#include "suite.h"

START_TEST(errors_fall_into_classes_by_their_first_word)
{
    static const struct {
        const char *text;
        enum reply_class class;
        int code;
    } rows[] = {
        {"NOSCRIPT No matching script. Please use EVAL.", REPLY_NO_SCRIPT, LEAT_EBUSY},
        {"LOADING Redis is loading the dataset in memory", REPLY_RETRY, LEAT_EBUSY},
        {"BUSY Redis is busy running a script.", REPLY_RETRY, LEAT_EBUSY},
        {"OOM command not allowed when used memory > 'maxmemory'.", REPLY_NO_ROOM,
         LEAT_EBUSY},
        {"MISCONF Redis is configured to save RDB snapshots", REPLY_RETRY, LEAT_EBUSY},
        {"NOREPLICAS Not enough good replicas to write.", REPLY_RETRY, LEAT_EBUSY},
        {"READONLY You can't write against a read only replica.", REPLY_RETRY,
         LEAT_EBUSY},
        {"MASTERDOWN Link with MASTER is down", REPLY_RETRY, LEAT_EBUSY},
        {"CLUSTERDOWN The cluster is down", REPLY_RETRY, LEAT_EBUSY},
        {"TRYAGAIN Multiple keys request during rehashing of slot", REPLY_RETRY,
         LEAT_EBUSY},
        {"UNBLOCKED force unblock from blocking operation", REPLY_RETRY, LEAT_EBUSY},
        {"FULL 10 10", REPLY_NO_ROOM, LEAT_EBUSY},
        {"ERR max number of clients reached", REPLY_RETRY, LEAT_EBUSY},
        {"MOVED 3999 127.0.0.1:6381", REPLY_REDIRECT, LEAT_ECONFIG},
        {"ASK 3999 127.0.0.1:6381", REPLY_REDIRECT, LEAT_ECONFIG},
        {"CROSSSLOT Keys in request don't hash to the same slot", REPLY_FATAL,
         LEAT_ECONFIG},
        {"NOAUTH Authentication required.", REPLY_FATAL, LEAT_EDENIED},
        {"WRONGPASS invalid username-password pair", REPLY_FATAL, LEAT_EDENIED},
        {"NOPERM this user has no permissions", REPLY_FATAL, LEAT_EDENIED},
        {"WRONGTYPE Operation against a key", REPLY_FATAL, LEAT_EFOREIGN},
        {"GAP 7", REPLY_FATAL, LEAT_EGAP},
        {"DUPLEASE L1", REPLY_FATAL, LEAT_EBUG},
        {"BADSETTLE wrong number of arguments", REPLY_FATAL, LEAT_EBUG},
        {"ERR AUTH <password> called without any password configured", REPLY_FATAL,
         LEAT_EDENIED},
        {"ERR unknown command", REPLY_FATAL, LEAT_EBUG},
        {"BUSYKEY Target key name already exists.", REPLY_FATAL, LEAT_EBUG},
        {"BUSY", REPLY_RETRY, LEAT_EBUSY},
        {"", REPLY_FATAL, LEAT_EBUG},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int code = 1;
        ck_assert_msg(reply_classify(bytes_of(rows[i].text), &code) == rows[i].class,
                      "%s", rows[i].text);
        ck_assert_msg(code == rows[i].code, "%s", rows[i].text);
    }
}
END_TEST

START_TEST(a_reply_that_is_not_there_reads_as_nil_and_nothing)
{
    ck_assert(reply_is_nil(NULL));
    ck_assert(!reply_is_int(NULL) && !reply_is_bytes(NULL) && !reply_is_array(NULL));
    ck_assert_int_eq(reply_int(NULL, 7), 7);
    ck_assert_uint_eq(reply_bytes(NULL).len, 0);
    ck_assert_uint_eq(reply_count(NULL), 0);
    ck_assert_ptr_null(reply_at(NULL, 0));
    ck_assert_ptr_null(reply_field(NULL, "x"));
    reply_free(NULL);
}
END_TEST

SUITE("reply", errors_fall_into_classes_by_their_first_word,
      a_reply_that_is_not_there_reads_as_nil_and_nothing)
