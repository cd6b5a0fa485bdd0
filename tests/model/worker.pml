/* SPDX-License-Identifier: MIT */
/* Two workers. Each has one lease in hand at most, one slot for a slow job, and one command
 * (behind a bell, one pipeline) on its way. */

mtype = { idle, reserving, holding, settling, ending, releasing, ringing, clearing };

mtype phase[WORKERS] = idle;
mtype said[WORKERS] = release;        /* the command it waits for */
byte lease[WORKERS], jobs[WORKERS];   /* in hand, or asked for */
short how[WORKERS];                   /* what its settle says */
byte own[WORKERS];                    /* lease of the claim in that settle */
byte flight[WORKERS], flown[WORKERS]; /* the slow job's own lease, and itself */
bool solo[WORKERS];                   /* it asked for a suspect */
byte next_id = 1;                     /* of leases: none comes twice */

byte kills = KILLS, returns = RETURNS;
byte poison_starts;
bool is_troubled;                     /* leases may be without a holder */

#define has_id (next_id < IDS)
#define waiting (queue | staged)
#define is_awaiting(w) (phase[w] != idle && phase[w] != holding && !is_down[w])
#define holds(w, id) (lease[w] == id || own[w] == id || flight[w] == id)

/* With a free slot it takes anything, without one it looks for instant jobs; beside a suspect
 * nothing. */
#ifdef SUSPECTS_IN_COMPANY
#define is_alone(w) 0
#else
#define is_alone(w) solo[w]
#endif
#define may_take(w) \
    (flight[w] == 0 -> waiting != 0 : (waiting & INSTANT) != 0 && !is_alone(w))

/* What kills: an instant job when it is read, a slow one while it runs. One that was delivered
 * too often is not even read. */
#define is_deadly(set) \
    (((set) & POISON) != 0 && deliveries[index_of(POISON)] < DELIVERIES)
#define kills_reader(w) (phase[w] == holding && is_deadly(jobs[w] & INSTANT))
#define kills_runner(w) (flight[w] != 0 && is_deadly(flown[w]))

/* ---- memory ------------------------------------------------------------------------- */

inline say(w, command, about, text, claims, then) {
    wire[w]!command, about, text, claims;
    said[w] = command;
    phase[w] = then
}

inline hear(w) {
    reply[w]?result, verdict
}

inline ask_for_jobs(w, alone) {
    lease[w] = next_id;
    next_id++;
    solo[w] = alone;
    say(w, reserve, lease[w], alone, 0, reserving)
}

inline give_back_lease(w, about) {
    say(w, release, about, 0, 0, releasing)
}

inline forget_hand(w) {
    lease[w] = 0;
    jobs[w] = 0;
    how[w] = 0;
    own[w] = 0;
    said[w] = release;
    phase[w] = idle;
    flown[w] = (flight[w] == 0 -> 0 : flown[w]);
    solo[w] = (flight[w] == 0 -> 0 : solo[w])
}

/* ---- outcomes ----------------------------------------------------------------------- */

inline sort_slow(w, n) {
    if
    :: flight[w] == 0 && own[w] == 0 && has_id ->
        letter = F_CLAIM;
        own[w] = next_id;
        flown[w] = BIT(n);
        next_id++
    :: else -> letter = G_BACK
    fi
}

/* A job that runs beside others: it has ended by now, or it stays in hand. */
inline sort_shared(w, n) {
    if
    :: letter = A_DONE
    :: FAILING & BIT(n) -> letter = (fails[n] < RETRIES -> R_RETRY : D_DEAD)
    :: own[w] == 0 && has_id -> letter = S_STAY; own[w] = next_id; next_id++
    :: staying_of(how[w]) != 0 -> letter = S_STAY
    fi
}

inline sort_job(w, n) {
    if
    :: deliveries[n] >= DELIVERIES -> letter = D_DEAD
    :: deliveries[n] < DELIVERIES && (EXPIRES & BIT(n)) -> letter = X_EXPIRED
    :: deliveries[n] < DELIVERIES && (INSTANT & BIT(n)) -> letter = A_DONE
    :: deliveries[n] < DELIVERIES && (SHARED & BIT(n)) -> sort_shared(w, n)
    :: deliveries[n] < DELIVERIES && !((INSTANT | SHARED) & BIT(n)) -> sort_slow(w, n)
    fi;
    how[w] = how[w] | letter << (3 * n);
    said[w] = (letter == A_DONE && !(SHARED & BIT(n)) -> said[w] : settle)
}

/* The whole lease; without other outcomes than `a` its settle is an ACK. */
inline sort_jobs(w) {
    said[w] = ack;
    for (i : 0 .. JOBS - 1) {
        if
        :: jobs[w] & BIT(i) -> sort_job(w, i)
        :: else
        fi
    }
}

/* What stayed is in hand under its new lease, or gone. */
inline go_on(w) {
    flight[w] =
        (own[w] != 0 && staying_of(how[w]) == 0 && verdict == RUN -> own[w] : flight[w]);
    taken = (verdict == RUN -> staying_of(how[w]) : 0);
    if
    :: taken != 0 ->
        lease[w] = own[w];
        jobs[w] = taken;
        how[w] = 0;
        own[w] = 0;
        said[w] = release;
        phase[w] = holding
    :: else -> forget_hand(w)
    fi
}

inline end_flight(w) {
    i = index_of(flown[w]);
    if
    :: say(w, land, flight[w], flown[w], 0, ending)
    :: FAILING & flown[w] ->
        how[w] = (fails[i] < RETRIES -> R_RETRY : D_DEAD) << (3 * i);
        say(w, settle, flight[w], how[w], 0, ending)
    :: returns > 0 ->
        returns--;
        lease[w] = flight[w];
        flight[w] = 0;
        give_back_lease(w, lease[w])
    fi
}

/* ---- after a lost connection -------------------------------------------------------- */

/* CLIENT KILL ID: what the old connection still holds is never executed. */
inline reconnect(w) {
    is_down[w] = 0;
#ifndef WITHOUT_CLIENT_KILL
#if !CANNOT_KILL
    forget_commands(old_wire[w])
#endif
#endif
    skip
}

/* The same command again, byte for byte. But not a RESERVE: what it may have taken is given
 * back, behind a bell after the ACK that went with it. */
inline send_again(w) {
    if
#ifdef RESERVE_SENT_AGAIN
    :: phase[w] == reserving -> say(w, reserve, lease[w], 0, 0, reserving)
#else
    :: phase[w] == reserving -> give_back_lease(w, lease[w])
#endif
#ifdef SPLIT_SENT_CHANGED
    :: phase[w] == settling && own[w] != 0 && jobs[w] == 3 -> /* the other job claims */
        flown[w] = 3 ^ flown[w];
        how[w] = (how[w] >> 3 & 7) | (how[w] & 7) << 3;
        say(w, settle, lease[w], how[w], own[w], settling)
#endif
#ifdef STAY_SENT_CHANGED
    :: phase[w] == settling && staying_of(how[w]) == 3 -> /* one ended meanwhile */
        how[w] = A_DONE | S_STAY << 3;
        say(w, settle, lease[w], how[w], own[w], settling)
#endif
#ifdef SPLIT_REUSES_IDS
    :: phase[w] == settling && own[w] != 0 -> /* as if nobody had seen the claim's id */
        next_id = own[w];
        say(w, settle, lease[w], how[w], own[w], settling)
#endif
    :: phase[w] == settling -> say(w, said[w], lease[w], how[w], own[w], settling)
    :: phase[w] == releasing -> give_back_lease(w, lease[w])
    :: phase[w] == ending && said[w] == land -> say(w, land, flight[w], flown[w], 0, ending)
    :: phase[w] == ending && said[w] == settle ->
        say(w, settle, flight[w], how[w], 0, ending)
    :: phase[w] == ringing || phase[w] == clearing ->
        wire[w]!ack, lease[w], how[w], 0;
        say(w, release, lease[w], 0, 0, clearing)
    fi
}

/* ---- death -------------------------------------------------------------------------- */

#define can_die(w) (len(orphans) + len(old_wire[w]) + len(wire[w]) <= 3)

/* What it sent may still arrive, or not. Another one takes its place and knows nothing. */
inline die(w) {
    if
    :: move_commands(old_wire[w], orphans); move_commands(wire[w], orphans)
    :: forget_commands(old_wire[w]); forget_commands(wire[w])
    fi;
    forget_replies(w);
    is_down[w] = 0;
    flight[w] = 0;
    forget_hand(w);
    is_troubled = 1
}

/* ---- life --------------------------------------------------------------------------- */

proctype worker(byte w) {
end:
    do
    /* reserve */
    :: atomic { phase[w] == idle && has_id && may_take(w) ->
           ask_for_jobs(w, 0);
           tidy() }
    :: atomic { phase[w] == idle && has_id && suspects != 0 && flight[w] == 0 ->
           ask_for_jobs(w, 1);
           tidy() }
    :: atomic { phase[w] == reserving && nempty(reply[w]) ->
           hear(w);
           if
           :: result == NOTHING || result == REFUSED -> forget_hand(w)
           :: else -> jobs[w] = result; phase[w] = holding
           fi;
           tidy() }

    /* settle, or give back */
    :: atomic { phase[w] == holding && !kills_reader(w) ->
           sort_jobs(w);
           say(w, said[w], lease[w], how[w], own[w], settling);
           tidy() }
    :: atomic { phase[w] == holding && returns > 0 ->
           returns--;
           give_back_lease(w, lease[w]);
           tidy() }
    :: atomic { phase[w] == settling && nempty(reply[w]) ->
           hear(w);
           go_on(w);
           tidy() }
    :: atomic { phase[w] == releasing && nempty(reply[w]) ->
           hear(w);
           forget_hand(w);
           tidy() }

    /* a slow job */
    :: atomic { phase[w] == idle && flight[w] != 0 && !kills_runner(w) ->
           end_flight(w);
           tidy() }
    :: atomic { phase[w] == ending && nempty(reply[w]) ->
           hear(w);
           flight[w] = 0;
           forget_hand(w);
           tidy() }

    /* a bell: BLMOVE, and if its answer arrives, at once RESERVE and ACK */
    :: atomic { BELL && phase[w] == idle && has_id && flight[w] == 0 && queue != 0 ->
           select_one(queue);
           queue = queue & ~taken;
           staged = staged | taken;
           if
           :: lease[w] = next_id;
              next_id++;
              jobs[w] = taken;
              sort_jobs(w);
              wire[w]!reserve_rung, lease[w], jobs[w], 0;
              say(w, ack, lease[w], how[w], 0, ringing)
           :: skip
           fi;
           tidy() }
    :: atomic { phase[w] == ringing && nempty(reply[w]) ->
           hear(w);
           phase[w] = settling;
           tidy() }
    :: atomic { phase[w] == clearing && nempty(reply[w]) ->
           hear(w);
           phase[w] = releasing;
           tidy() }

    /* faults */
    :: atomic { is_awaiting(w) && can_lose(w) ->
           lose(w);
           tidy() }
    :: atomic { is_down[w] ->
           reconnect(w);
           send_again(w);
           tidy() }
    :: atomic { kills > 0 && (phase[w] != idle || flight[w] != 0) && can_die(w) ->
           kills--;
           die(w);
           tidy() }
    :: atomic { (kills_reader(w) || kills_runner(w)) && can_die(w) ->
           poison_starts++;
           must_not_go_on;
           must_die_alone(w);
           die(w);
           tidy() }
    od
}
