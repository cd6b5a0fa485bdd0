/* SPDX-License-Identifier: MIT */
/* Connections, and Redis at their other end.
 *
 * A command lies on a wire until Redis executes it, however late. Whose connection breaks
 * cannot know which of its commands were executed; those that were not lie on the old wire,
 * and still may be, until the next connection has the old one killed. */

mtype = { push, reserve, reserve_rung, ack, settle, land, release };

/* A command: name; lease, or number of a batch; outcomes, jobs or a flag; lease of a claim. */
chan wire[USERS] = [2] of { mtype, byte, short, byte };
chan old_wire[USERS] = [3] of { mtype, byte, short, byte };
chan orphans = [3] of { mtype, byte, short, byte }; /* of dead workers: nobody stops those */
chan reply[USERS] = [2] of { byte, byte };          /* result, verdict */
bool is_down[USERS];

byte losses = LOSSES, refusals = REFUSALS;

#define NOBODY 255

/* ---- Redis -------------------------------------------------------------------------- */

inline execute() {
    result = NOTHING;
    verdict = NONE;
    if
    :: name == push && refusals > 0 -> refusals--; result = REFUSED
    :: name == push -> d_step { PUSH(id) }
    :: name == reserve -> RESERVE(id, words)
    :: name == reserve_rung -> d_step { RESERVE_RUNG(id, words) }
    :: name == ack -> d_step { ACK(id, words) }
    :: name == settle -> d_step { SETTLE(id, words, new) }
    :: name == land -> d_step { LAND(id, words) }
    :: name == release -> d_step { RELEASE(id) }
    fi;
    check()
}

proctype redis(byte user) {
end:
    do
    :: atomic {
           if
           :: wire[user]?name, id, words, new -> caller = user
           :: old_wire[user]?name, id, words, new -> caller = NOBODY
           :: orphans?name, id, words, new -> caller = NOBODY
           fi;
           execute();
           if
           :: caller != NOBODY -> reply[caller]!result, verdict
           :: else
           fi;
           tidy()
       }
    od
}

/* ---- what befalls a connection ------------------------------------------------------ */

inline move_commands(from, to) {
    do
    :: from?name, id, words, new -> to!name, id, words, new
    :: empty(from) -> break
    od
}

inline forget_commands(channel) {
    do
    :: channel?name, id, words, new
    :: empty(channel) -> break
    od
}

inline forget_replies(user) {
    do
    :: reply[user]?result, verdict
    :: empty(reply[user]) -> break
    od
}

#define can_lose(user) \
    (losses > 0 && !is_down[user] && len(old_wire[user]) + len(wire[user]) <= 3)

inline lose(user) {
    losses--;
    is_down[user] = 1;
    move_commands(wire[user], old_wire[user]);
    forget_replies(user)
}
