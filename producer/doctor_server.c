/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "broker/info.h"
#include "doctor.h"
#include "schema/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    VERSION_MIN = 7,
    MEMORY_WARN_PERCENT = 80,
    PINGS = 100,
    PING_SLOW_US = 10000,
    CLOCK_WARN_MS = 1000,
};

struct value {
    char text[64];
};

static struct value info(const struct doctor *doctor, const char *name)
{
    struct value value;
    info_value(doctor->info, name, value.text, sizeof value.text);
    return value;
}

static int64_t info_number(const struct doctor *doctor, const char *name)
{
    return strtoll(info(doctor, name).text, NULL, 10);
}

static int info_is(const struct doctor *doctor, const char *name, const char *text)
{
    return strcmp(info(doctor, name).text, text) == 0;
}

static void check_version(struct doctor *doctor)
{
    struct value version = info(doctor, "redis_version");
    if (strtol(version.text, NULL, 10) < VERSION_MIN)
        doctor_say(doctor, FINDING_CONFIG, "version",
                   "Redis is %s; leat needs %d.0 or later: upgrade it", version.text,
                   VERSION_MIN);
    else
        doctor_say(doctor, FINDING_OK, "version", "Redis is %s", version.text);
}

static void check_role(struct doctor *doctor)
{
    if (info_is(doctor, "role", "master"))
        doctor_say(doctor, FINDING_OK, "role", "it is a master");
    else
        doctor_say(
            doctor, FINDING_CONFIG, "role",
            "it is a replica, which takes no writes; name its master with --redis");
}

static void check_eviction(struct doctor *doctor)
{
    struct value policy = info(doctor, "maxmemory_policy");
    if (strcmp(policy.text, "noeviction") == 0)
        doctor_say(doctor, FINDING_OK, "eviction", "nothing is evicted");
    else
        doctor_say(doctor, FINDING_CONFIG, "eviction",
                   "maxmemory-policy is '%s', so jobs may be thrown away; do CONFIG SET "
                   "maxmemory-policy noeviction, then CONFIG REWRITE",
                   policy.text);
}

static void check_memory(struct doctor *doctor)
{
    int64_t used = info_number(doctor, "used_memory");
    int64_t max = info_number(doctor, "maxmemory");
    int64_t machine = info_number(doctor, "total_system_memory");
    int64_t room = max > 0 ? max : machine;
    const char *what = max > 0 ? "maxmemory" : "the machine's memory";
    if (room == 0)
        doctor_say(doctor, FINDING_OK, "memory", "%.1f MB used", (double)used / 1e6);
    else if (used >= room)
        doctor_say(
            doctor, FINDING_FAIL, "memory",
            "%.1f MB used, all of %s; pushes are refused: drain, or raise maxmemory",
            (double)used / 1e6, what);
    else
        doctor_say(doctor,
                   used >= room / 100 * MEMORY_WARN_PERCENT ? FINDING_WARN : FINDING_OK,
                   "memory", "%.1f MB used, %d %% of %s", (double)used / 1e6,
                   (int)((double)used / (double)room * 100), what);
}

/* ---- what survives ----------------------------------------------------------------- */

/* Copy a setting; "" when it may not be asked for. */
static struct value config(struct doctor *doctor, const char *name)
{
    const struct redisReply *reply;
    struct value value = {""};
    struct err err = {0};
    cmd_set(&doctor->client.cmd, "CONFIG", "GET", name, NULL);
    if (client_call(&doctor->client, &reply, &err) == LEAT_OK) {
        struct bytes text = reply_bytes(reply_at(reply, 1));
        snprintf(value.text, sizeof value.text, "%.*s", (int)text.len, text.at);
    }
    return value;
}

static const struct {
    const char *appendfsync;
    enum finding finding;
    const char *text;
} fsync_rows[] = {
    {"always", FINDING_OK,
     "appendfsync always: a crash loses nothing that was acknowledged"},
    {"everysec", FINDING_OK,
     "appendfsync everysec: a crash loses up to two seconds; 'always' loses nothing"},
    {"no", FINDING_WARN,
     "appendfsync no: a crash of the machine loses what the kernel had not written, "
     "often "
     "30 s; set it to everysec or always"},
    {"", FINDING_WARN,
     "the append-only file is on; how often it is synced may not be asked (CONFIG GET)"},
};

static void check_without_aof(struct doctor *doctor)
{
    struct value save = config(doctor, "save");
    if (save.text[0] != '\0')
        doctor_say(doctor, FINDING_WARN, "persistence",
                   "no append-only file: a crash loses all since the last snapshot (save "
                   "%s); do CONFIG SET appendonly yes, then CONFIG REWRITE",
                   save.text);
    else
        doctor_say(doctor, FINDING_WARN, "persistence",
                   "no append-only file and, as far as may be asked, no snapshots: a "
                   "restart loses everything; do CONFIG SET appendonly yes, then CONFIG "
                   "REWRITE");
}

/* Of Redis 7.0.15: tests/e2e/failures.sh has it. */
static void check_half_steps(struct doctor *doctor)
{
    if (strcmp(config(doctor, "aof-load-truncated").text, "yes") == 0)
        doctor_say(
            doctor, FINDING_WARN, "half steps",
            "aof-load-truncated is yes: a crash in the middle of a write may leave "
            "half a step that is done after the next one; do CONFIG SET "
            "aof-load-truncated no, then CONFIG REWRITE: it will not start on such "
            "a file until redis-check-aof --fix was there");
}

static void check_persistence(struct doctor *doctor)
{
    if (!info_is(doctor, "aof_enabled", "1")) {
        check_without_aof(doctor);
        return;
    }
    struct value fsync = config(doctor, "appendfsync");
    for (unsigned i = 0; i < sizeof fsync_rows / sizeof *fsync_rows; i++)
        if (strcmp(fsync_rows[i].appendfsync, fsync.text) == 0)
            doctor_say(doctor, fsync_rows[i].finding, "persistence", "%s",
                       fsync_rows[i].text);
    check_half_steps(doctor);
}

static void check_writing(struct doctor *doctor)
{
    static const struct {
        const char *field, *what;
    } rows[] = {
        {"aof_last_write_status", "the last write of the append-only file"},
        {"aof_last_bgrewrite_status", "the last rewrite of the append-only file"},
        {"rdb_last_bgsave_status", "the last snapshot"},
    };
    int failed = 0;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct value status = info(doctor, rows[i].field);
        if (status.text[0] == '\0' || strcmp(status.text, "ok") == 0)
            continue;
        failed = 1;
        doctor_say(doctor, FINDING_FAIL, "writing",
                   "%s failed; look at Redis' log, its disk and the rights of its folder",
                   rows[i].what);
    }
    if (!failed)
        doctor_say(doctor, FINDING_OK, "writing", "Redis could write its files");
}

/* ---- how fast, how late ------------------------------------------------------------ */

static int64_t mono_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void check_latency(struct doctor *doctor)
{
    const struct redisReply *reply;
    struct err err = {0};
    int64_t took_us[PINGS];
    for (int i = 0; i < PINGS; i++) {
        int64_t began_us = mono_us();
        cmd_set(&doctor->client.cmd, "PING", NULL);
        if (client_call(&doctor->client, &reply, &err) != LEAT_OK) {
            doctor_say(doctor, FINDING_FAIL, "latency", "%s", err.text);
            return;
        }
        took_us[i] = mono_us() - began_us;
    }
    qsort(took_us, PINGS, sizeof *took_us, by_number);
    int64_t best_us = took_us[0], median_us = took_us[PINGS / 2];
    int slow = median_us > PING_SLOW_US;
    doctor_say(doctor, slow ? FINDING_WARN : FINDING_OK, "latency",
               "an answer takes %.3f ms at best, %.3f ms in the median of %d%s",
               (double)best_us / 1000, (double)median_us / 1000, PINGS,
               slow ? "; see SLOWLOG GET, or how far away Redis is" : "");
}

static void check_clock(struct doctor *doctor)
{
    const struct redisReply *reply;
    struct err err = {0};
    int64_t before_ms = clock_wall_ms();
    cmd_set(&doctor->client.cmd, "TIME", NULL);
    if (client_call(&doctor->client, &reply, &err) != LEAT_OK) {
        doctor_say(doctor, FINDING_FAIL, "clock", "%s", err.text);
        return;
    }
    int64_t here_ms = before_ms + (clock_wall_ms() - before_ms) / 2;
    int64_t there_ms =
        reply_int(reply_at(reply, 0), 0) * 1000 + reply_int(reply_at(reply, 1), 0) / 1000;
    int64_t ahead_ms = here_ms - there_ms;
    if (llabs(ahead_ms) > CLOCK_WARN_MS)
        doctor_say(
            doctor, FINDING_WARN, "clock",
            "this machine is %lld ms %s Redis, whose clock decides; run NTP on both",
            llabs(ahead_ms), ahead_ms > 0 ? "ahead of" : "behind");
    else
        doctor_say(doctor, FINDING_OK, "clock", "%lld ms away from Redis'",
                   llabs(ahead_ms));
}

/* Who only pushes or reads meets no worker's protocol; a worker started from here
 * does. */
static void check_protocol(struct doctor *doctor)
{
    const struct redisReply *reply;
    struct err err = {0};
    cmd_set(&doctor->client.cmd, "GET", PROTOCOL_KEY, NULL);
    if (client_call(&doctor->client, &reply, &err) != LEAT_OK) {
        doctor_say(doctor, FINDING_WARN, "protocol", "%s", err.text);
        return;
    }
    int64_t there = reply_int(reply, reply_is_nil(reply) ? 0 : -1);
    if (there < 0)
        doctor_say(doctor, FINDING_CONFIG, "protocol",
                   "'%s' holds no number, so no worker starts; redis-cli DEL it",
                   PROTOCOL_KEY);
    else if (there > LEAT_PROTOCOL)
        doctor_say(doctor, FINDING_WARN, "protocol",
                   "workers of a newer leat are here: protocol %lld, this program speaks "
                   "%d and its workers are refused; install the newer one",
                   (long long)there, LEAT_PROTOCOL);
    else if (there == 0)
        doctor_say(doctor, FINDING_OK, "protocol", "no worker was here yet");
    else
        doctor_say(doctor, FINDING_OK, "protocol", "workers speak %lld, this program %d",
                   (long long)there, LEAT_PROTOCOL);
}

void doctor_server(struct doctor *doctor)
{
    static void (*const checks[])(struct doctor *) = {
        check_version, check_role,    check_eviction, check_memory,   check_persistence,
        check_writing, check_latency, check_clock,    check_protocol,
    };
    for (unsigned i = 0; i < sizeof checks / sizeof *checks; i++)
        checks[i](doctor);
}
