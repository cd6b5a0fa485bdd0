/* SPDX-License-Identifier: MIT */
/* From one file's text to entries of a config, each checked by its row: the one door to
 * libConfuse. It reads one text at a time in a process: its scanner is global. */
#ifndef LEAT_CONFIG_READER_H
#define LEAT_CONFIG_READER_H

#include "config/config.h"

/* Add what `text` says; what it says again replaces what was there, a list as a whole.
 * `file` lives as long as the config.
 * Errors: LEAT_ECONFIG, `FILE:LINE: …`; a part may have been added. */
int reader_read(struct config *config, const char *file, struct bytes text,
                struct err *err);

#endif
