/* SPDX-License-Identifier: MIT */
#include "worker/signer.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGEST_BYTES = 32 };

struct signer {
    EVP_MAC_CTX *mac; /* has the key: each signature begins it anew */
};

/* OpenSSL's calls fail when memory runs out, or without the algorithm: as x…alloc(). */
static void must(int done)
{
    if (done)
        return;
    fputs("leat: libcrypto: out of memory, or without HMAC-SHA256\n", stderr);
    abort();
}

struct signer *signer_new(struct bytes secret)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                 OSSL_PARAM_construct_end()};
    struct signer *signer = xmalloc(sizeof *signer);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    must(hmac != NULL);
    signer->mac = EVP_MAC_CTX_new(hmac); /* keeps a reference of its own */
    EVP_MAC_free(hmac);
    must(signer->mac != NULL);
    must(EVP_MAC_init(signer->mac, (const unsigned char *)secret.at, secret.len, params));
    return signer;
}

void signer_free(struct signer *signer)
{
    if (signer == NULL)
        return;
    EVP_MAC_CTX_free(signer->mac);
    free(signer);
}

static void update(struct signer *signer, struct bytes bytes)
{
    must(EVP_MAC_update(signer->mac, (const unsigned char *)bytes.at, bytes.len));
}

void signer_add_header(struct signer *signer, int64_t unix_s, struct bytes body,
                       struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[DIGEST_BYTES];
    size_t len;
    buf_adds(out, "Leat-Signature: t=");
    size_t begin = out->len;
    buf_add_int(out, unix_s);
    must(EVP_MAC_init(signer->mac, NULL, 0, NULL));
    update(signer, (struct bytes){out->data + begin, out->len - begin});
    update(signer, bytes_of("."));
    update(signer, body);
    must(EVP_MAC_final(signer->mac, digest, &len, sizeof digest));
    buf_adds(out, ",v1=");
    for (size_t i = 0; i < len; i++) {
        buf_addc(out, digits[digest[i] >> 4]);
        buf_addc(out, digits[digest[i] & 15]);
    }
}
