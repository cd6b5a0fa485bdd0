/* SPDX-License-Identifier: MIT */
/* Redis loses the end of its history: a crash with appendfsync everysec, a replica that takes
 * over. All it holds is kept at some moment between two scripts and comes back at a later
 * one; then every connection breaks, and what was on a wire is gone. */

byte old_queue, old_staged, old_suspects, old_sched, old_dead, old_again, old_done;
byte old_merged, old_removed, old_last_batch, old_slot_job, old_slot_lease, old_named_flight;
byte old_pushed, old_not_due, old_suspected;
byte old_body[IDS], old_deliveries[JOBS], old_fails[JOBS];
short old_dated, old_counters, old_followed, old_used, old_claimed;
bool old_copy_fresh, old_slot_lapsed, is_kept;

#define each_value(move) \
    move(queue, old_queue); move(staged, old_staged); move(suspects, old_suspects); \
    move(sched, old_sched); move(dead, old_dead); move(again, old_again); \
    move(done, old_done); move(merged, old_merged); move(removed, old_removed); \
    move(last_batch, old_last_batch); move(slot_job, old_slot_job); \
    move(slot_lease, old_slot_lease); move(named_flight, old_named_flight); \
    move(pushed, old_pushed); move(not_due, old_not_due); move(suspected, old_suspected); \
    move(dated, old_dated); with_counters(move); move(followed, old_followed); move(used, old_used); \
    move(claimed, old_claimed); move(copy_fresh, old_copy_fresh); \
    move(slot_lapsed, old_slot_lapsed); \
    i = 0; \
    do \
    :: i < IDS -> move(body[i], old_body[i]); i++ \
    :: else -> break \
    od; \
    i = 0; \
    do \
    :: i < JOBS -> move(deliveries[i], old_deliveries[i]); move(fails[i], old_fails[i]); i++ \
    :: else -> break \
    od; \
    i = 0

#define keep(now, old) old = now
#define bring_back(now, old) now = old; old = 0
#ifdef COUNTERS_ELSEWHERE
#define with_counters(move) skip /* in another database, say */
#else
#define with_counters(move) move(counters, old_counters)
#endif

#define answers_due(user) \
    ((user) == P -> awaited : (phase[user] == ringing || phase[user] == clearing -> 2 : 1))

/* Answers that are here already may still be read; the rest never comes. */
inline break_connection(user, is_waiting) {
    forget_commands(wire[user]);
    forget_commands(old_wire[user]);
    if
    :: (is_waiting) && empty(reply[user]) -> is_down[user] = 1
    :: (is_waiting) && nempty(reply[user]) -> forget_replies(user); is_down[user] = 1
    :: !(is_waiting) || len(reply[user]) == answers_due(user) -> skip
    fi
}

proctype crash() {
end:
    do
    :: atomic { crashes > 0 && !is_kept ->
           is_kept = 1;
           each_value(keep);
           tidy() }
    :: atomic { is_kept ->
           is_kept = 0;
           crashes--;
           is_troubled = 1;
           each_value(bring_back);
           forget_commands(orphans);
           break_connection(0, is_awaiting(0));
           break_connection(1, is_awaiting(1));
           break_connection(P, awaited > 0 && !is_down[P]);
           check();
           tidy() }
    od
}
