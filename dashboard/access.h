/* SPDX-License-Identifier: MIT */
/* Who may write. GET and HEAD change nothing and are open to whoever reaches the address;
 * every other method is a write. There are no cookies, so the dangers are two: somebody
 * else's page in a visitor's browser that sends us a request (the browser tells, by
 * Sec-Fetch-Site or Origin), and an address that others reach (there only a token lets
 * write). Pure. */
#ifndef LEAT_DASHBOARD_ACCESS_H
#define LEAT_DASHBOARD_ACCESS_H

struct access {
    const char *token; /* every write needs it; NULL: none is set */
    int is_loopback;   /* the address is reached from this machine only */
};

struct access_request { /* headers, NULL where there is none */
    const char *method;
    const char *host, *origin, *fetch_site, *authorization;
};

struct access_refusal {
    unsigned status; /* 401: to be sent with WWW-Authenticate */
    const char *title, *detail;
};

/* Judge a request. Returns NULL when it may go on, else what to answer, a constant. The
 * token is compared in a time that does not tell how much of it was right.
 * Source: Fetch Metadata (W3C), RFC 6454 for Origin, RFC 6750 for the token. */
const struct access_refusal *access_judge(const struct access *access,
                                          const struct access_request *request);

#endif
