/* SPDX-License-Identifier: MIT */
/* What must hold. The numbers are those of section 9 of broker-schema/PROTOCOL.md; run.sh
 * replays what spin finds and reads from these texts which promise is broken. */

#define must(promise, ok) \
    if \
    :: ok \
    :: else -> printf(promise); assert(false) \
    fi

#define is_at_most_one(set) (((set) & ((set) - 1)) == 0)
#define jobs_of(how) \
    ((outcome(how, 0) != 0) | (outcome(how, 1) != 0) << 1 | (outcome(how, 2) != 0) << 2)

#define staying_of(how) \
    ((outcome(how, 0) == S_STAY) | (outcome(how, 1) == S_STAY) << 1 | \
     (outcome(how, 2) == S_STAY) << 2)

/* ---- while a script or a worker is at it -------------------------------------------- */

#define must_be_new(job) \
    must("I12 a batch is added once, in order\n", \
         (pushed & (BIT(BATCHES) - 1)) == BIT(job) - 1)

#define must_be_new_lease(id) \
    must("I4 a lease begins once\n", (used & BIT(id)) == 0)

#define must_hold(jobs, believed) \
    must("I4 a lease holds what its worker was given\n", (jobs) == (believed))

#define must_keep_its_name(job) \
    must("I5 a job keeps its name\n", started_as[job] == 0 || started_as[job] == iid[job])

#define must_be_forsaken \
    must("I6 only a dead worker's lease runs out\n", is_troubled || CANNOT_KILL)

#define must_not_go_on \
    must("I7 a job that kills is started no more often than the limit\n", \
         poison_starts <= DELIVERIES)

#define must_be_alone(jobs, alone) \
    must("I8 a suspect is leased alone\n", \
         ((jobs) & suspected) == 0 || ((alone) && is_at_most_one(jobs)))

#define must_die_alone(w) \
    must("I8 a suspect takes nobody with it\n", \
         deliveries[index_of(POISON)] < 2 || \
         (flight[w] == 0 -> jobs[w] == POISON : phase[w] == idle))

#define must_be_due(jobs) \
    must("I9 nothing starts before its time\n", ((jobs) & not_due) == 0)

#define must_have_lost \
    must("I12 no loss is told where there was none\n", crashes < CRASHES)
