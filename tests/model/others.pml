/* SPDX-License-Identifier: MIT */
/* The producer, the tick and time, an operator; and what is looked at in the end. */

byte late = LATE, operations = OPERATIONS, crashes = CRASHES;

/* ---- the producer ------------------------------------------------------------------- */

byte sent, acknowledged; /* numbers of batches */
byte awaited;            /* answers */
bool is_held;            /* refused: all answers first, then again from what is not taken */
bool knows_of_loss;      /* GAP below what was acknowledged */

#define producer_is_done (acknowledged == BATCHES || knows_of_loss)

inline begin_again() {
    is_held = 0;
    sent = acknowledged
}

/* Two batches on their way, in order. Nobody kills its old connection: the numbers suffice. */
proctype producer() {
end:
    do
    :: atomic { !is_down[P] && !is_held && !knows_of_loss && sent < BATCHES && awaited < 2 ->
           sent++;
           awaited++;
           wire[P]!push, sent, 0, 0 }
    :: atomic { reply[P]?result, verdict ->
           awaited--;
           if
           :: result == OK || result == NOTHING -> acknowledged++
           :: result == REFUSED -> is_held = 1
           :: else ->
               is_held = 1;
               knows_of_loss = result - GAP < acknowledged;
               if
               :: knows_of_loss -> must_have_lost
               :: else
               fi
           fi;
           tidy() }
    :: atomic { is_held && awaited == 0 && !knows_of_loss -> begin_again() }
    :: atomic { awaited > 0 && can_lose(P) ->
           lose(P);
           tidy() }
    :: atomic { is_down[P] ->
           is_down[P] = 0;
           awaited = 0;
           begin_again() }
    od
}

/* ---- the tick, and time ------------------------------------------------------------- */

/* A lease that nobody holds runs out sooner or later; one that is held, as often as LATE says.
 * Deadlines, EXTEND and the grace after a silence are that it need not. */
proctype deadline(byte n) {
end:
    do
    :: atomic { body[n] != 0 && !holds(0, n) && !holds(1, n) ->
           must_be_forsaken;
           d_step { REAP(n) }
           check();
           tidy() }
    :: atomic { late > 0 && body[n] != 0 && (holds(0, n) || holds(1, n)) ->
           late--;
           d_step { REAP(n) }
           check();
           tidy() }
    od
}

proctype tick() {
end:
    do
    :: atomic { due != 0 ->
           d_step { PROMOTE() }
           check();
           tidy() }
    :: atomic { not_due != 0 ->
           select_one(not_due);
           not_due = not_due & ~taken;
           tidy() }
    :: atomic { slot_lease == WAITS && !slot_lapsed -> slot_lapsed = 1 }
    :: atomic { copy_fresh -> copy_fresh = 0 }
    od
}

/* ---- an operator -------------------------------------------------------------------- */

proctype operator() {
end:
    do
    :: atomic { operations > 0 && dead != 0 ->
           operations--;
           select_one(dead);
           if
           :: REQUEUE(index_of(taken))
           :: REMOVE(index_of(taken))
           fi;
           check();
           tidy() }
    :: atomic { operations > 0 && queue != 0 ->
           operations--;
           select_one(queue);
           d_step { PURGE(index_of(taken)) }
           check();
           tidy() }
    od
}

/* ---- at the end --------------------------------------------------------------------- */

/* I6. Nothing can happen any more. Whoever died, whatever reply was lost: no lease is left,
 * and while lease ids are left, neither is anything to do. */
proctype the_end() {
    timeout;
    d_step {
        for (i : 1 .. IDS - 1) {
            must("I6 no lease is left behind\n", body[i] == 0)
        }
        must("I6 what is due is promoted\n", sched == 0);
        must("I6 what waits is worked on\n",
             !has_id || (queue | staged | suspects) == 0);
        must("I6 a flight's end pushes what was asked again\n", !has_id || again == 0);
        must("I12 every batch arrives, or its loss is told\n", producer_is_done)
    }
}
