/* SPDX-License-Identifier: MIT */
/* What is expected was computed elsewhere: with Python's hmac and hashlib. */
#include "worker/signer.h"
#include "suite.h"

#include <string.h>

static const char *sign(struct signer *signer, int64_t unix_s, struct bytes body)
{
    static struct buf line;
    buf_reset(&line);
    signer_add_header(signer, unix_s, body, &line);
    return buf_text(&line);
}

START_TEST(a_header_has_the_time_and_the_hmac_of_time_and_body)
{
    struct signer *signer = signer_new(bytes_of("correct horse battery"));
    ck_assert_str_eq(sign(signer, 1792537200, bytes_of("{\"type\":\"mail\"}")),
                     "Leat-Signature: t=1792537200,v1="
                     "a569562ea66b5ec8952b1be24bb07db0b0ea0dcbd23bdcf77769ece4c9c95774");
    signer_free(signer);
}
END_TEST

START_TEST(each_signature_begins_anew)
{
    struct signer *signer = signer_new(bytes_of("correct horse battery"));
    for (int i = 0; i < 3; i++) {
        sign(signer, 1, bytes_of("something else"));
        ck_assert_str_eq(
            sign(signer, 1792537200, bytes_of("")),
            "Leat-Signature: t=1792537200,v1="
            "8e9c32fd09f751b8b1f0ed3405cefee90c07713c809f48f457b3c222fa11ad5b");
    }
    signer_free(signer);
}
END_TEST

START_TEST(a_long_secret_and_any_bytes_are_fine)
{
    char secret[200];
    memset(secret, 'k', sizeof secret);
    struct signer *signer = signer_new((struct bytes){secret, sizeof secret});
    memset(secret, 0, sizeof secret);
    ck_assert_str_eq(sign(signer, 0, (struct bytes){"a\0b", 3}),
                     "Leat-Signature: t=0,v1="
                     "98616be1ba3ef7e2a696486999ad58382f8eede61d5d2d0201c5e1451762d0c6");
    signer_free(signer);
    signer_free(NULL);
}
END_TEST

SUITE("signer", a_header_has_the_time_and_the_hmac_of_time_and_body,
      each_signature_begins_anew, a_long_secret_and_any_bytes_are_fine)
