/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_configuration.h - one way for the hybrid policy to fit a budget
 *
 * Three resources can make room: the link while it would stand idle (free, but it moves only so many bytes before and after the busiest
 * moment), recomputing (each byte costs the time of the ops that make it), and the link beyond that (compute waits).  So, for a
 * share of the link's capacity:
 *
 *  1. Offload.  Where memory is most over the budget, take the idle intervals that are dearest to recompute, as long as all their copies can be out
 *     by then and back in time (earliest deadline first is feasible iff, for every release time, the bytes
 *     released later fit between it and the deadline), and the host may pin what waits there.
 *  2. Drop.  While memory is over the budget somewhere, drop the idle interval across that op that costs least for each byte it
 *     takes away there, counting only ops that do not run again already.  Where nothing can be dropped, offload
 *     although compute will wait.
 *     Chains need not go back to what backward reads: a share of the budget can be for holding what only forward
 *     reads, made at the greatest cost for each byte.
 *  3. Repair.  Make the schedule, take its exact profile, tell the model where it is over (chains of
 *     reruns need room of their own), and go on with 2.
 *  4. Stretch.  Where memory has room, let copies end later and begin earlier.
 */
#ifndef PLANNER_HYBRID_HYBRID_CONFIGURATION_H
#define PLANNER_HYBRID_HYBRID_CONFIGURATION_H
#include "planner/hybrid/hybrid_model.h"
#include "planner/hybrid/placement_cache.h"
#include "planner/policy/policy.h"
#include "planner/schedule/program.h"

/* In which order idle intervals are offered to the link. */
enum order { BY_SPAN_AND_COST, CUTS_FIRST, BY_SPAN, ORDERS };

/* Whether persistent tensors move, but for those that must be at home on the host. */
enum persistents { PERSISTENTS_STAY, PERSISTENTS_LAST, PERSISTENTS_EQUAL, PERSISTENTS };

/* One way to choose. */
struct way {
	double share;			/* of the link's capacity */
	enum order order;
	int cuts;			/* chains are kept short by tensors that are not dropped: one for each 1 / cuts of the
					 * peak, or of four times the room where that is less; 0: none */
	enum persistents persistents;
	double hold;			/* the part of the budget for what only forward reads, to start chains from */
	int look_ahead;			/* how many of the cheapest drops are looked at */
	double lead;			/* copies in may begin, and copies out end, up to so many times their own time
					 * early and late, where there is room */
	double squeeze;			/* the part of the budget that is planned for: some plans pack only so */
};

/* How often a policy is asked for less because its buffers do not pack. */
enum { TIGHTENINGS = 4 };

/* How hard a schedule is placed: by several orders, by these and a short search, as the plan itself. */
enum packing { PACK_QUICKLY, PACK_SHORTLY, PACK_IN_FULL };

/* A drop that brought nothing so often running, and is not looked at again before a turn. */
struct vain { uint32_t times, until; };

/* The state of one way. */
struct hybrid {
	const struct problem *p;
	struct way way;
	const struct model *undecided;	/* of the graph */
	struct placed_list *placed;	/* shared by all ways */
	struct model model;
	struct model_interval **by_worth;		/* [interval_count] the order in which to offload */
	bool *kept;			/* [interval_count] not to be dropped: its chain called back what had to be away */
	uint32_t turn;			/* how often something was dropped */
	struct vain *vain;		/* [interval_count] */
	enum packing packing;
	double beat_us;			/* a schedule is worth packing, or asking for less, only if it is faster than this;
					 * INFINITY: always */
	uint32_t stuck;			/* op at which nothing more could leave, or UINT32_MAX */
	bool host_is_full;		/* what could have left found no room on the host */
	double us_per_byte[DIRECTION_COUNT];
	struct schedule schedule;
	bool fits;			/* it is placed within the budget */
	struct plan plan;
	struct program *program;	/* of schedule, for plan */
	struct arena *arena;
	struct err err;
};

/* Go h->way (p, way, undecided, placed, packing, beat_us and arena are given): fill h->schedule and, if h->fits, *us with its simulated
 * step; else it does not beat h->beat_us, and *us is what it takes at least. */
int hybrid_go(struct hybrid *h, double *us);

/* Make h->program of h->schedule. */
int hybrid_build(struct hybrid *h, struct err *e);

/* Place h->program and time it.  What cannot beat h->beat_us is not placed: *us is what it takes at least.
 * *missing: bytes of the arena over the budget. */
int hybrid_time(struct hybrid *h, bytes_t *missing, double *us);
#endif
