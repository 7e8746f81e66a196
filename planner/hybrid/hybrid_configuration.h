/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_configuration.h - a configuration of the hybrid search, and the steps by which it decides
 *
 * Three resources make room: the link while it would stand idle, recomputing, and the link beyond that.  The idle link costs nothing,
 * but it moves only so many bytes before and after the busiest moment.  Recomputing costs the time of the ops that run again.
 * The link beyond that makes compute wait.  A configuration uses them in four steps:
 *
 *  1. Offload.  At the op that is most over the budget, idle intervals are offloaded, by worth, as long as their copies fit
 *     the share of the link's capacity that the configuration allows, and the host may pin their bytes.  (Copies by earliest deadline
 *     are feasible iff, for every release time, the bytes released later fit between it and the deadline.)
 *  2. Drop.  While memory is over the budget at some op, the idle interval is dropped that costs least for each byte that it frees
 *     there; ops that run again already are not counted.  Where none can be dropped, one is offloaded although compute will wait.
 *     Rerun closures may start from tensors that only forward reads: a part of the budget holds those that cost most for each byte.
 *  3. Repair.  The schedule's exact profile shows where rerun closures need room of their own.  The model learns that, and step 2 goes on.
 *  4. Stretch.  Where memory has room, copies end later and begin earlier.
 */
#ifndef PLANNER_HYBRID_HYBRID_CONFIGURATION_H
#define PLANNER_HYBRID_HYBRID_CONFIGURATION_H
#include "planner/hybrid/hybrid_model.h"
#include "planner/hybrid/placement_cache.h"
#include "planner/policy/policy.h"
#include "planner/schedule/program.h"

/* The order in which idle intervals are offered to the link. */
enum order { BY_SPAN_AND_COST, CHECKPOINTS_FIRST, BY_SPAN, ORDERS };

/* Whether persistent tensors move; those at home on the host always do. */
enum persistents { PERSISTENTS_STAY, PERSISTENTS_LAST, PERSISTENTS_EQUAL, PERSISTENTS };

struct configuration {
	double share;			/* of the link's capacity */
	enum order order;
	int checkpoints;		/* one for each 1 / checkpoints of the peak, or of four times the room where that is
					 * less; 0: none */
	enum persistents persistents;
	double hold;			/* the part of the budget for tensors that only forward reads */
	int look_ahead;			/* how many of the cheapest drops are compared; 0: nothing is dropped */
	double lead;			/* copies may begin earlier, or end later, by this many times their own time at most */
	double squeeze;			/* the part of the budget that is planned for: some schedules pack only so */
};

/* How hard a schedule is placed: by several orders, by these and a short search, or as the plan itself. */
enum packing { PACK_QUICKLY, PACK_SHORTLY, PACK_IN_FULL };

/* Cooldown of an idle interval whose drop freed nothing: failures in a row, and the next turn to try it. */
struct cooldown { uint32_t failures, until; };

/* The state of one evaluation.  The fields up to arena are the caller's. */
struct hybrid {
	const struct problem *p;
	struct configuration configuration;
	const struct model *undecided;	/* of the graph */
	struct placement_cache *placements;	/* shared by all evaluations */
	enum packing packing;
	double beat_us;			/* only a faster schedule is packed, or planned again with a tighter budget; INFINITY: any is */
	struct arena *arena;
	struct model model;
	struct model_interval **by_worth;		/* [interval_count] the order in which to offload */
	bool *barred;			/* [interval_count] a no-good forbids its drop: its rerun closure brought back a tensor that had to be absent */
	uint32_t turn;			/* number of drops so far */
	struct cooldown *cooldown;	/* [interval_count] */
	uint32_t stuck;			/* op at which no more tensors could leave, or UINT32_MAX */
	bool host_is_full;		/* a tensor was not offloaded for lack of room on the host */
	double us_per_byte[DIRECTION_COUNT];
	struct schedule schedule;
	bool fits;			/* the schedule is placed within the budget */
	struct plan plan;
	struct program *program;	/* of schedule, for plan */
	struct err err;
};

/* Fills the state that all attempts of an evaluation share. */
void hybrid_begin(struct hybrid *h);

/* Step 1, on a model that was reset. */
void hybrid_offload(struct hybrid *h);

/* Step 2.  False: memory stays over the budget at op h->stuck. */
bool hybrid_cover(struct hybrid *h);

/* Takes drops back, the dearest first, that are not needed once every op is within the budget (reverse delete). */
void hybrid_prune(struct hybrid *h);

/* Step 4. */
void hybrid_stretch(struct hybrid *h);

/* Learns a no-good from h->stuck: bars the drops whose rerun closures, at h->stuck or earlier, read a tensor that could otherwise be absent
 * at h->stuck.  False: no such drop is left to bar. */
bool hybrid_learn(struct hybrid *h);
#endif
