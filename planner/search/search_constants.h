/* SPDX-License-Identifier: Apache-2.0 */
/* search_constants.h - the constants of the local search: value, sensible range, reason
 *
 * Every value of a range gives sound plans within the budget.  The values trade planning time for step time.
 */
#ifndef PLANNER_SEARCH_SEARCH_CONSTANTS_H
#define PLANNER_SEARCH_SEARCH_CONSTANTS_H

enum {
	/* How much the search does. */
	SEARCH_OPS = 2000000,		/* 10^5 .. 10^9: trials x ops; the time of a trial grows with the ops */
	MOST_TRIALS = 10000,		/* 10^3 .. 10^6: for small graphs, which are soon at their best */
	LIMITED = 16,			/* 1 .. 1000: times as many trials where a time limit ends the search */
	IDLE_PART = 3,			/* 1 .. 20: the search ends when a third of its trials in a row have brought nothing */
	STOP_TRIALS = 32,		/* 1 .. 1000: between two looks at the clock */

	/* One change. */
	MOST_DRAWN = 3,			/* 1 .. 6: intervals that a change draws */
	MOST_REPAIRS = 4,		/* 0 .. 10: more intervals sent away from the fullest op while the change is over the budget */
	NOTES = 3 * (MOST_DRAWN + MOST_REPAIRS),	/* a new home changes two intervals and the home */
	DRAWS = 60,			/* 10 .. 1000: intervals looked at for one that is away, or is not */
	HOMEWARD = 8,			/* 1 .. 100: one in 8 changes of a tensor at home on the host moves its home back */
	FARTHEST = 16,			/* 1 .. 100: ops by which a copy is moved at most */
	BUCKETS = 64,			/* 8 .. 1024: of ops; each lists the intervals across it */

	/* The evaluator. */
	STATES = 48,			/* 8 .. 256: kept of the walk over the ops; each holds every tensor's */
	CLOCK_EVENTS = 8,		/* 1 .. 64: of the clock between two states of it */

	/* The packing. */
	MOST_PLACED = 32,		/* 8 .. 1000: ranges placed before a packing is given up */
	MOST_EJECTIONS = 3		/* 1 .. 20: of one range; each makes its bytes count more */
};

#define SEARCH_LEAST_BYTES_PEAK   14	/* 10 .. 20: tensors below peak / 2^14 do not change the peak ... */
#define SEARCH_LEAST_BYTES_BUDGET 12	/* 8 .. 18: ... and tensors below budget / 2^12 hardly count in a tight budget */
#define USUAL_OVERHEAD 0.05		/* 0.01 .. 1: of the step time over the ideal: trials as counted above.  With more overhead there are more ... */
#define LEAST_EFFORT   0.25		/* 0 .. 1: ... but at least this part of them ... */
#define MOST_EFFORT    3.0		/* 1 .. 100: ... and at most this many times as many */
#define BETTER 1e-6			/* 0 .. 1e-3: the part by which a step must be faster to be kept */
#define SLACK  1e-9			/* 1e-12 .. 1e-6: rounding must not end the timing of a trial that is faster */
#endif
