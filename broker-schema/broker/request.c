/* SPDX-License-Identifier: MIT */
#include "broker/request.h"
#include "base/buf.h"
#include "broker/reply.h"
#include "broker/script.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

struct request *request_new(const struct cmd *cmd, unsigned flags, int64_t patience_ms,
                            answer_fn fn, void *arg)
{
    struct request *request = xmalloc(sizeof *request);
    *request = (struct request){.fn = fn,
                                .arg = arg,
                                .script = cmd->script,
                                .flags = flags,
                                .patience_ms = patience_ms};
    long long len =
        redisFormatCommandArgv(&request->wire, cmd->count, cmd->word, cmd->len);
    if (len < 0)
        abort(); /* out of memory: the only way it fails */
    request->wire_len = (size_t)len;
    return request;
}

void request_free(struct request *request)
{
    if (request == NULL)
        return;
    free(request->wire);
    free(request);
}

void request_answer(const struct request *request, struct redisReply *reply)
{
    struct answer answer = {LEAT_OK, "", reply};
    request->fn(request->arg, &answer);
    reply_free(answer.reply);
}

void request_fail(struct request *request, int code, const char *text)
{
    struct answer answer = {code, text, NULL};
    request->fn(request->arg, &answer);
    request_free(request);
}

void request_use_text(struct request *request)
{
    /* *<n>\r\n $7\r\nEVALSHA\r\n $40\r\n<sha>\r\n …: only the two words behind <n>
     * change. */
    static const char head[] = "$7\r\nEVALSHA\r\n$40\r\n";
    char *words = memchr(request->wire, '\n', request->wire_len);
    size_t first_len = (size_t)(words + 1 - request->wire);
    size_t skip = first_len + sizeof head - 1 + 40 + 2;
    struct buf text = {0};
    buf_add(&text, request->wire, first_len);
    buf_addf(&text, "$4\r\nEVAL\r\n$%zu\r\n%s\r\n", strlen(request->script->text),
             request->script->text);
    buf_add(&text, request->wire + skip, request->wire_len - skip);
    free(request->wire);
    request->wire = text.data;
    request->wire_len = text.len;
    request->script = NULL;
}

void request_queue_push(struct request_queue *queue, struct request *request)
{
    request->next = NULL;
    if (queue->last != NULL)
        queue->last->next = request;
    else
        queue->first = request;
    queue->last = request;
}

struct request *request_queue_pop(struct request_queue *queue)
{
    struct request *request = queue->first;
    if (request == NULL)
        return NULL;
    queue->first = request->next;
    if (queue->first == NULL)
        queue->last = NULL;
    request->next = NULL;
    return request;
}

void request_queue_splice(struct request_queue *to, struct request_queue *from)
{
    if (from->first == NULL)
        return;
    if (to->last != NULL)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (struct request_queue){0};
}

void request_queue_fini(struct request_queue *queue)
{
    for (struct request *request; (request = request_queue_pop(queue)) != NULL;)
        request_free(request);
}
