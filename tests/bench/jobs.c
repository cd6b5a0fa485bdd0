/* SPDX-License-Identifier: MIT */
/* Makes the increments of a benchmark: one envelope a line, and what their counters must
 * come to. A job's counter is drawn by weight from a list of lines `WEIGHT NAME`. */
#include "measure.h"
#include "wire.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "schema/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 100000 };

struct name {
    char *text;
    uint64_t up_to; /* the sum of the weights up to this one */
    int64_t count;  /* jobs that drew it */
};

struct names {
    struct name *at;
    size_t count;
};

static struct names read_names(const char *path)
{
    struct names names = {xcalloc(NAMES_MAX, sizeof *names.at), 0};
    struct buf file = wire_read_file(path);
    char *rest = NULL;
    uint64_t sum = 0;
    buf_addc(&file, '\0');
    for (char *line = strtok_r(file.data, "\n", &rest);
         line != NULL && names.count < NAMES_MAX; line = strtok_r(NULL, "\n", &rest)) {
        char *name = line;
        sum += strtoull(line, &name, 10);
        names.at[names.count++] = (struct name){xstrdup(name + (*name == ' ')), sum, 0};
    }
    buf_fini(&file);
    if (sum == 0)
        measure_die("no weights");
    return names;
}

static struct name *draw(const struct names *names)
{
    uint64_t ticket = rnd_below(names->at[names->count - 1].up_to);
    size_t low = 0, high = names->count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (names->at[middle].up_to > ticket)
            high = middle;
        else
            low = middle + 1;
    }
    return &names->at[low];
}

static void write_jobs(const struct names *names, int64_t count, const char *path)
{
    struct uuid_maker ids = {0};
    char id[UUID_CHARS + 1];
    FILE *file = fopen(path, "w");
    if (file == NULL)
        measure_die(path);
    for (int64_t i = 0; i < count; i++) {
        struct name *name = draw(names);
        name->count++;
        uuid_make(&ids, clock_wall_ms(), id);
        fprintf(file,
                "{\"type\":\"increment\",\"id\":\"%s\",\"args\":{\"counter\":\"%s\"}}\n",
                id, name->text);
    }
    if (fclose(file) != 0)
        measure_die(path);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        measure_die("usage: leat-bench-jobs COUNT WEIGHTS JOBS; prints NAME<TAB>COUNT");
    struct names names = read_names(argv[2]);
    write_jobs(&names, strtoll(argv[1], NULL, 10), argv[3]);
    for (size_t i = 0; i < names.count; i++)
        if (names.at[i].count > 0)
            printf("%s\t%lld\n", names.at[i].text, (long long)names.at[i].count);
    return 0;
}
