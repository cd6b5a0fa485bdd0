/* SPDX-License-Identifier: MIT */
/* The configuration file: which files are read, what they say, and where it stands. A
 * setting is what the command line says, else the environment, else the last file that
 * says it, else the default of its row (config/options.h). Texts live as long as the
 * config that read them. */
#ifndef LEAT_CONFIG_CONFIG_H
#define LEAT_CONFIG_CONFIG_H

#include "base/mem.h"
#include "base/opt.h"
#include "config/options.h"
#include "schema/backoff.h"

enum {
    CONFIG_BYTES_MAX = 64 * 1024, /* of one file */
    CONFIG_DROP_INS_MAX = 64,
    CONFIG_TITLES_MAX = 64, /* of `queue`, of `retry`, and of `handler` */
};

#define CONFIG_DEFAULT_FILE "/etc/leat/leat.conf"

struct config_value {
    const char *text;
    struct config_value *next;
};

/* A key that a file sets, or with a `row` of NULL only a titled section. */
struct config_entry {
    const struct opt *row;
    const char *section; /* "" outside of all */
    const char *title;   /* "" for a section that has none */
    struct config_value *values, **values_end;
    const char *file; /* where it was said last */
    int line;
    struct config_entry *next;
};

struct config {
    struct arena arena;
    struct config_entry *entries;
    const char *main_file; /* as it was looked for; NULL: none was asked for */
};

/* Read the file that `given` (an option) names, else LEAT_CONFIG, else the default one,
 * if it is there, and then the *.conf of FILE.d in the order of their bytes. An empty
 * name: none.
 * Errors: LEAT_ECONFIG, `FILE:LINE: what is wrong`; the config is then empty. */
int config_open(struct config *config, const char *given, struct err *err);

/* Read one text on top of what is there. `file` is its name in messages and origins.
 * Errors: as config_open(); call config_fini() then. */
int config_add(struct config *config, const char *file, struct bytes text,
               struct err *err);

/* Free all; accepts a zeroed config. */
void config_fini(struct config *config);

/* Store what the files say in the fields of `target` whose rows have no bit in `given`,
 * see opt_parse_noting(). Texts are borrowed from the config. */
void config_fill(const struct config *config, const struct opt_spec *spec, uint64_t given,
                 void *target);

/* The entry of a key such as "worker.lease", in the section of that title ("" for none),
 * or NULL. */
const struct config_entry *config_find(const struct config *config, const char *key,
                                       const char *title);

/* The Redis address to give to redis_url_choose(): `given`, else NULL when the
 * environment has one, else that of the files, or NULL. */
const char *config_redis(const struct config *config, const char *given);

/* The entry that opens the next section `section` with a title, behind `after` (NULL: the
 * first), or NULL. In the order of the files. */
const struct config_entry *config_next_title(const struct config *config,
                                             const char *section,
                                             const struct config_entry *after);

/* How a queue is weighed, 1 if the files do not say. */
int config_weight(const struct config *config, const char *queue);

/* How a type retries: `backoff_default` with what the files say on top.
 * Errors: LEAT_ECONFIG when that is no policy, which config_open() has looked at. */
int config_retry(const struct config *config, const char *type, struct backoff *out,
                 struct err *err);

/* What is said of a type's handler, and the defaults of what is not. Whether that makes a
 * handler its kind decides. */
void config_handler(const struct config *config, const char *type,
                    struct handler_keys *out);

#endif
