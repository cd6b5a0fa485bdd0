/* SPDX-License-Identifier: MIT */
/* A file of certificates of authorities, in PEM: who may vouch for a peer. It is read by
 * libcurl; here it is looked at beforehand, so that whoever named a wrong one hears of it
 * at the start and not from the first job. */
#ifndef LEAT_WORKER_CA_FILE_H
#define LEAT_WORKER_CA_FILE_H

#include "base/err.h"

/* Can the file be read, and are there certificates in it that all make sense?
 * Errors: LEAT_ECONFIG, a sentence that begins with `ca-file`. */
int ca_file_check(const char *path, struct err *err);

#endif
