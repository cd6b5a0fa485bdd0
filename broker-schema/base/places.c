/* SPDX-License-Identifier: MIT */
#include "base/places.h"

#include <fcntl.h>
#include <unistd.h>

/* The lowest free descriptor is the place itself: those below are filled. Not O_PATH,
 * which refuses both ways at once, since epoll takes that for a descriptor that was
 * closed. */
void places_fill(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int place = STDIN_FILENO; place <= STDERR_FILENO; place++)
        if (fcntl(place, F_GETFD) < 0 &&
            open("/dev/null", modes[place] | O_CLOEXEC) != place)
            return; /* no /dev/null: as it was */
}
