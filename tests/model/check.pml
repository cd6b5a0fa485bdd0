/* SPDX-License-Identifier: MIT */
/* Looked at after each script. */

hidden byte once, twice;
hidden short sum, leases;

inline is_home(set) {
    twice = twice | (once & set);
    once = once | set
}

/* How others fare when one job kills who reads it, and nothing else goes wrong. */
#define POISON_ALONE (POISON && !KILLS && !LATE && !CRASHES)
#define must_spare(n) \
    must("I8 a poison costs others two deliveries at most\n", \
         !POISON_ALONE || (POISON & BIT(n)) || deliveries[n] <= 2)

inline check() {
    d_step {
        once = 0;
        twice = 0;
        leases = 0;
        sum = 0;
        is_home(queue);
        is_home(staged);
        is_home(suspects);
        is_home(sched);
        is_home(again);
        is_home(dead);
        is_home(done);
        is_home(merged);
        is_home(removed);
        for (i : 1 .. IDS - 1) {
            is_home(body[i]);
            leases = (body[i] != 0 -> leases | BIT(i) : leases)
        }
        must("I1 no job is in two places\n", twice == 0);
        must("I1 no job is lost\n", once == pushed);
        must("I2 :lease and :body name the same leases\n", leases == dated);
        must("I13 one flight of a key\n", !ONE_KEY || is_at_most_one(leases & claimed));
        for (i : 0 .. JOBS - 1) {
            sum = sum + ((done & (INSTANT | SHARED) & BIT(i)) != 0 -> by(i) : 0);
            must("I18 a follow-up comes once, with the end of its job\n",
                 (followed >> (2 * i) & 3) == ((done & SHARED & BIT(i)) != 0));
            must("I7 no more failures than retry.max allows\n", fails[i] <= RETRIES);
            must_spare(i)
        }
        must("I3 the counter is the sum of what is done\n", counters == sum)
    }
}
