/* SPDX-License-Identifier: MIT */
/* Counts the plays of a song: one of them, then a thousand.
 *
 *     cc push.c $(pkg-config --cflags --libs leat) -o push && ./push
 *
 * Redis is where LEAT_REDIS says. `leat worker` does the counting, and `leat counter get
 * song:1` shows it. */
#include <leat.h>
#include <stdio.h>

enum { MANY = 1000, PATIENCE_MS = 10000 };

/* After one of these the handle still has the job, and goes on when it is flushed. */
static int may_go_on(int code)
{
    return code == LEAT_ERROR_TIMEOUT || code == LEAT_ERROR_LINK ||
           code == LEAT_ERROR_BUSY;
}

/* A program that is asked for one thing wants an answer: push and wait. */
static int push_one(struct leat *leat, const struct leat_job *job)
{
    struct leat_ticket ticket;
    int code = leat_push(leat, job, &ticket, PATIENCE_MS);
    /* Time ran out, but the job was taken: pushing it again would make two of it. */
    if (may_go_on(code) && ticket.number != 0)
        code = leat_flush(leat, PATIENCE_MS);
    if (code == 0)
        printf("pushed %s\n", ticket.id);
    return code;
}

/* Many go out in batches; nothing is certain before the flush. */
static int push_many(struct leat *leat, const struct leat_job *job)
{
    int code = 0;
    for (int i = 0; i < MANY && code == 0; i++)
        code = leat_add(leat, job, NULL, PATIENCE_MS);
    if (code == 0)
        code = leat_flush(leat, PATIENCE_MS);
    printf("%lld of %lld acknowledged\n", (long long)leat_acknowledged(leat),
           (long long)leat_taken(leat));
    return code;
}

int main(void)
{
    struct leat *leat;
    struct leat_job play = {
        .size = sizeof play, .type = "increment", .args = "{\"counter\":\"song:1\"}"};
    int code = leat_open(&leat, NULL, NULL);
    if (code == 0)
        code = push_one(leat, &play);
    if (code == 0)
        code = push_many(leat, &play);
    if (code != 0)
        fprintf(stderr, "%s: %s\n", leat_strerror(code), leat_error_text(leat));
    leat_close(leat);
    return code == 0 ? 0 : 1;
}
