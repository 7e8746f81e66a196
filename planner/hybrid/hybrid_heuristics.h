/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_heuristics.h - the constants of the hybrid search: value, sensible range, reason (the values of configurations: configuration_list.c)
 *
 * Every value of a range gives sound plans within the budget.  The values trade planning time for step time.
 */
#ifndef PLANNER_HYBRID_HYBRID_HEURISTICS_H
#define PLANNER_HYBRID_HYBRID_HEURISTICS_H

enum {
	/* How much the search does. */
	EVALUATION_OPS = 800000,	/* 10^5 .. 10^8: evaluations x ops; the time of an evaluation grows with the ops */
	FEWEST_EVALUATIONS = 24,	/* 24 .. 100: the first configurations, and the neighbours of one of them */
	USUAL_EVALUATIONS = 60,	/* FEWEST .. 1000: the limit where the ops set none */
	MOST_EVALUATIONS = 400,		/* USUAL .. 1000: the limit for a small graph, whose evaluations take least time */
	SMALL_GRAPH = 150,		/* 0 .. 1000 ops: a few large buffers decide, so each schedule is packed with a search */
	EARLIEST_CONFIGURATIONS = 4,	/* 1 .. 8: evaluated before all others, which then have a step time to beat ... */
	FIRST_CONFIGURATIONS = 8,	/* EARLIEST .. 24: ... and these before the rest */
	SEARCHED_CONFIGURATIONS = 6,	/* 1 .. 24: evaluated again, held or packed with a search, when no configuration fits */
	STARTS_PART = 3,		/* 2 .. 10: a third of the evaluations may be starts; the rest is for neighbours */
	HOMES_PART = 4,			/* 1 .. 20: homes move if persistent tensors take more than this part of the budget.  They return to their
					 * own offsets, so each schedule is packed with a search, too ... */
	MEDIUM_GRAPH = 4000,		/* SMALL .. 10^5 ops: ... unless the graph is larger, where searches take too long */
	TIGHTENINGS = 4,		/* 1 .. 10: budgets tried by an evaluation whose buffers do not pack ... */
	TIGHTEN_SHIFT = 2,		/* 0 .. 4: ... each less by 2^2 times what the one before would be by itself */

	/* Which tensors are decided on. */
	PEAK_SHIFT = 14,		/* 10 .. 20: tensors below peak / 2^14 do not change the peak ... */
	BUDGET_SHIFT = 12,		/* 8 .. 18: ... and tensors below budget / 2^12 hardly count in a tight budget */
	FINER = 2,			/* 0 .. 4: retries with smaller tensors, where the small ones alone fill the budget */
	FINER_PART = 16,		/* 2 .. 64: a retry takes tensors down to 1/16 of the size */
	FLOOR_PART = 16,		/* 4 .. 64: a retry if less than this part of the budget is left for decisions */

	/* One evaluation. */
	REPAIRS = 40,			/* 5 .. 100: schedules made until the occupancy fits; each adds what the model missed */
	MOST_NO_GOODS = 16,		/* 0 .. 50: restarts with more tensors barred from dropping */
	FORCED = 16,			/* 1 .. 64: offloads forced after one look at an op at most ... */
	FORCED_PART = 64,		/* 16 .. 256: ... and one for each 64 candidates: with hundreds, one offload a look takes twice as long */
	PATIENCE = 64,			/* 0 .. 1000: failures in a row before the cooldown of an idle interval grows */
	MOST_DOUBLINGS = 6,		/* 0 .. 31: the longest cooldown is 2^6 turns; memory may change by then */
	SPAN_PART = 4,			/* 1 .. 10: checkpoints divide this many times the room at most: reruns between two must fit into it */
	LEAST_ROOM_PART = 4,		/* 2 .. 16: the room counts as at least this part of the budget */
	SEARCH_WORK = 200000,		/* 10^4 .. 10^7: work of a placement's search in an evaluation; the plan's own placement gets more */
	FEW_BUFFERS = 500,		/* 0 .. 10^5: of so many, few have the right place by luck; the packing decides what a schedule is worth ... */
	MANY_PART = 4,			/* 1 .. 20: ... among more of them, a quarter of the work finds the same best schedules */
	SHORT_PART = 4,			/* 2 .. 16: PACK_SHORTLY searches if at most this part of the budget is missing ... */
	FULL_PART = 16,			/* 4 .. 64: ... and PACK_IN_FULL searches in full at most this part */
	PLACEMENT_CACHE_SIZE = 1024	/* MOST_EVALUATIONS .. 10^5: results kept; a third of the schedules of one search are repeats */
};

#define LESS_WORTH   1e-4	/* 0 .. 0.01: a step time must be better by this share to be worth a placement */
#define ANOMALY      3e-3	/* 0 .. 0.1: by this share a wait more may make a step faster, where copies share the link or its engine */
#define AIM          1.375	/* 1 .. 10: a quick search looks first for a step of at most so many times the ideal, and does not pack slower ones.  Only where
				 * the first configurations are slower, values of backward are made again */
#define SAME_TIME    1e-6	/* 0 .. 1e-4: step times this close are most often one schedule; only one is expanded */
#define DEAR         1e-3	/* us a byte, 1e-4 .. 0.1: no op worth a rerun costs more */
#define LEAST_SHARE  0.01	/* over 0 .. 0.1: share of its bytes that a forced offload counts for if its copy has no time at all */
#define PERSISTENT_GAIN 0.5	/* 0 .. 1: a persistent tensor returns to its own offset, so it packs worse */
#define RATE_BYTES   (UINT64_C(16) << 20)	/* 1 MiB .. 1 GiB: the transfer whose time gives the link's us a byte */
#endif
