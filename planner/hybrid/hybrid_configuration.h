/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_configuration.h - a configuration of the hybrid search, and the actions by which it chooses fates
 *
 * Three resources make room: the link while it would be idle, recomputing, and the link beyond that.  The idle link costs no time,
 * but its capacity before and after the busiest op is limited.  Recomputing costs the time of the ops that run again.  The link beyond
 * its idle time makes compute wait.  hybrid_evaluation.c calls the actions in this order:
 *
 *  1. Offload.  Persistent tensors are offloaded as chosen (hybrid_homes.h), then transient ones across the op with the largest
 *     excess, by worth.  Their copies must fit the share of the link's capacity that the configuration allows, and the host must be able to pin their bytes.  (All copies end in time if, from
 *     every point of time on, the bytes that become ready after it fit on the link before the deadline.)
 *  2. Drop.  While some op is over the budget, the action drops the idle interval that costs least for each byte freed there.  An op that
 *     runs again already costs nothing more.  Where no interval can be dropped, one is absent for longer, or offloaded,
 *     although compute will wait.
 *     Reruns may start from tensors that only forward reads.  A part of the budget holds the tensors among them that cost most for each byte.
 *  3. Prune.  Drops that are not needed any more are taken back.
 *  4. Time.  The room that is left goes to copies, in the order of the step (hybrid_copies.h).
 *  5. Repair.  The schedule is made.  Its exact occupancy shows where reruns need memory of their own.  If an op is over the budget,
 *     the model gets the excess, and the next round begins with Drop.
 */
#ifndef PLANNER_HYBRID_HYBRID_CONFIGURATION_H
#define PLANNER_HYBRID_HYBRID_CONFIGURATION_H
#include "planner/hybrid/hybrid_model.h"
#include "planner/hybrid/placement_cache.h"
#include "planner/policy/policy.h"
#include "planner/schedule/program.h"

/* The order in which idle intervals are offered to the link. */
enum order { BY_SPAN_AND_COST, CHECKPOINTS_FIRST, BY_SPAN, ORDERS };

struct configuration {
	double share;			/* of the link's capacity */
	enum order order;
	int checkpoints;		/* a checkpoint after every D bytes of forward, D = min(peak, 4 x room) / checkpoints; room: the
					 * budget less persistent bytes; 0: none */
	double homes;			/* the part of what transient tensors could free that persistent ones free (hybrid_homes.h) */
	double hold;			/* the part of the budget for tensors that only forward reads */
	bool gradients;			/* values that backward has made may be dropped, too */
	int look_ahead;			/* how many of the cheapest drops are compared; 0: nothing is dropped */
	double squeeze;			/* the part of the budget that is planned for: some schedules pack only then */
};

/* The configuration that the search starts from. */
extern const struct configuration configuration_default;

/* Returns the parameters of c that differ from the default, as text: "share=0.8 look_ahead=24"; "default" if none does.  Equal
 * configurations have equal texts, to 9 decimals. */
const char *configuration_text(const struct configuration *c, struct arena *a);

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
	struct model_interval **by_worth;		/* [worth_count] transient ones, in the order in which to offload */
	uint32_t worth_count;
	bool *barred;			/* [interval_count] a no-good: the interval must not be dropped again (hybrid_learn()) */
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

/* The action Offload, on a model that was reset. */
void hybrid_offload(struct hybrid *h);

/* The action Drop.  False: memory stays over the budget at op h->stuck. */
bool hybrid_cover(struct hybrid *h);

/* The action Prune: takes back each drop without which every op is still within the budget, the dearest first (reverse delete). */
void hybrid_prune(struct hybrid *h);

/* Learns no-goods from h->stuck, the op that is over the budget.  Some tensors could be absent there, but a rerun for that op or an earlier
 * one reads them.  The tensors that are made again for such an op must not be dropped any more.  False: all of them are barred already. */
bool hybrid_learn(struct hybrid *h);
#endif
