/* SPDX-License-Identifier: MIT */
/* leat-fields NAME…: of each line on stdin, a JSON object, these members with tabs
 * between them; nothing for one that is not there. A line that is no JSON ends it with 1:
 * the parser is not ours. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void print_member(const json_t *member)
{
    if (json_is_string(member))
        fputs(json_string_value(member), stdout);
    else if (json_is_integer(member))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(member));
}

static int print_line(const char *line, int count, char **names)
{
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json_is_object(object)) {
        fprintf(stderr, "no JSON object: %s: %s", error.text, line);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        print_member(json_object_get(object, names[i]));
        putchar(i + 1 < count ? '\t' : '\n');
    }
    json_decref(object);
    return 0;
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t size = 0;
    int status = 0;
    while (status == 0 && getline(&line, &size, stdin) > 0)
        status = print_line(line, argc - 1, argv + 1);
    free(line);
    return status == 0 ? 0 : 1;
}
