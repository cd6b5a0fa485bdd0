/* SPDX-License-Identifier: MIT */
/* The three places of standard input, output and error. A program may be started with
 * some of them closed; the next descriptor it opens would take the place, and its log
 * would be written into its connection to Redis. */
#ifndef LEAT_BASE_PLACES_H
#define LEAT_BASE_PLACES_H

/* Fill the places that are closed. Who reads or writes there gets EBADF all the same.
 * Called first in main(), before anything is opened. */
void places_fill(void);

#endif
