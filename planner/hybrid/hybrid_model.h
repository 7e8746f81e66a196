/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_model.h - an estimate of the bytes at every op under the decisions so far
 *
 * Policy hybrid decides on idle intervals.  The model keeps the bytes over the budget at every op, and the bytes that wait on the host.
 * The price of a decision is the link's time, or the time of the ops that would have to run again and do not yet.  The model does not know the memory
 * that rerun closures need while they run: that comes back from the schedule's exact profile through model_overflow().
 */
#ifndef PLANNER_HYBRID_HYBRID_MODEL_H
#define PLANNER_HYBRID_HYBRID_MODEL_H
#include "planner/hybrid/stab_index.h"
#include "planner/schedule/decisions.h"
#include "planner/schedule/idle.h"
#include "planner/schedule/rerun.h"
#include "src/base/segment_tree.h"
#include "src/documents/device.h"

/* An idle interval, and the decision on it. */
struct model_interval {
	struct idle_interval idle;
	int64_t bytes;			/* aligned */
	double copy_us[DIRECTION_COUNT];	/* of a copy each way, alone on the link */
	bool out, in;			/* needs a copy out before it is gone, and a copy in before op idle.to */
	uint32_t copied;		/* if not out: op from which the host keeps an earlier copy for this interval */
	enum fate fate;
	uint32_t gone, back;		/* absent at ops gone .. back - 1 when fate is not FATE_KEEP */
	double density;			/* cost of recomputing, us a byte; INFINITY: impossible */
	uint32_t rank;			/* place in by_density */
};

struct model {
	/* Decisions do not change these members, and copies of a model share them.  But model_hold() gives a copy its own `live`,
	 * `by_density` and `all`. */
	const struct graph *graph;
	const struct lifetimes *life;
	const struct device *device;
	bool gradients;			/* values that backward has made may be made again, too */
	uint32_t interval_count;
	uint32_t *by_density;		/* [interval_count] idle intervals, cheapest to recompute first */
	uint32_t droppable_count;	/* of them, those that can be recomputed */
	struct stab_index all;		/* the intervals by rank: present at every op that they cross */
	uint32_t *interval_of;		/* [slots] the slot's interval, or UINT32_MAX */
	uint32_t *carried;		/* [op_count] the only tensor that forward carries past the op, or UINT32_MAX */
	uint32_t *until;		/* [tensor_count] the last op before which reruns may read the tensor, if only forward reads it;
					 * 0: reruns gain nothing by holding it */
	uint32_t *holdable;		/* [holdable_count] the tensors with until > 0, longest to make for each byte first */
	uint32_t holdable_count;
	int64_t *live;			/* [op_count] bytes if every tensor stays, held ones included; inputs that outputs take over
					 * count once */
	const double *start_us;		/* [op_count + 1] the lifetimes' */
	struct versions versions;
	/* The decisions and their effects. */
	struct model_interval *intervals;		/* [interval_count] by idle.from, then tensor */
	bool *held;			/* [tensor_count] chosen by model_hold() */
	bool *is_checkpoint;			/* [tensor_count] chosen by model_choose_checkpoints() */
	bool *on_host;			/* [tensor_count] persistent tensors at home on the host */
	bool *away;			/* [interval_count] chosen with the homes: idle intervals of persistent tensors to offload */
	uint32_t *alternative;		/* [op_count] chosen, or PLAN_NONE */
	struct segment_tree over;		/* live bytes - budget, by op */
	struct segment_tree host;		/* bytes that wait on the host - what it may pin, by op */
	struct stab_index here;		/* the intervals by rank: present at the ops where no decision makes them absent */
	uint32_t *rerun_at;		/* [op_count] op before which it runs again, or UINT32_MAX */
	uint32_t *needed_at;		/* [tensor_count] first op before which a rerun closure reads it, or UINT32_MAX */
	struct rerun rerun;		/* scratch */
	struct arena *arena;
};

/* Finds the idle intervals of all tensors of at least least_bytes; nothing is decided.  gradients: as the member. */
void model_init(struct model *m, const struct lifetimes *l, const struct device *d, bytes_t least_bytes, bool gradients, struct arena *a);

/* Returns the most bytes at any op when all idle intervals are absent.  Only alternative algorithms need less. */
bytes_t model_floor(const struct model *m);

/* Copies a model, for other decisions; model_reset() comes next.  from outlives the copy. */
void model_copy(struct model *m, const struct model *from, struct arena *a);

/* Chooses a checkpoint whenever forward has made bytes_between since the last one, among the tensors that alone are carried past
 * some forward op.  Rerun closures end at checkpoints, so they stay short (Chen et al. 2016). */
void model_choose_checkpoints(struct model *m, bytes_t bytes_between);

/* Holds tensors that only forward reads, up to `bytes`: first the tensors that take longest to make for each byte.  Rerun closures
 * for tensors that backward reads go back through such tensors, and end at those that are held. */
void model_hold(struct model *m, bytes_t bytes);

/* Takes every decision back, sets the budget, and chooses homes (hybrid_homes.h). */
void model_reset(struct model *m, bytes_t budget, double homes);

/* Cost and gain of a drop. */
struct drop_cost {
	double us;			/* of the ops that would run again and do not yet; INFINITY: impossible */
	int64_t gain;			/* wanted bytes that the drop frees, less the bytes that its rerun closure brings back to ops without
					 * room */
};

/* Returns the cost of dropping interval j for `wanted` bytes.  The walk over the rerun closure ends early where the drop frees nothing, or costs
 * `most` us for each byte or more. */
struct drop_cost model_drop_cost(struct model *m, const struct model_interval *j, int64_t wanted, double most);

/* Drops interval j and marks its rerun closure. */
void model_drop(struct model *m, struct model_interval *j);
/* Offloads interval j, absent at ops gone .. back - 1. */
void model_offload(struct model *m, struct model_interval *j, uint32_t gone, uint32_t back);
/* True: the tensor is absent under all decisions, because the step begins or ends with it on the host. */
static inline bool
model_at_home(const struct model *m, const struct model_interval *j)
{
	return m->on_host[j->idle.tensor] && (j->idle.from == 0 || j->idle.to == m->graph->op_count);
}

/* Returns the bytes that offloading interval j pins on the host; 0 for a tensor at home there, whose bytes are pinned anyway. */
int64_t model_pins(const struct model *m, const struct model_interval *j);
/* True: the host may pin these bytes in addition to those of earlier offloads. */
bool model_host_has_room(const struct model *m, const struct model_interval *j);
/* Takes the decision on interval j back, if there is room for its tensor; false: there is none. */
bool model_keep(struct model *m, struct model_interval *j);
/* Runs op k by an alternative. */
void model_use_alternative(struct model *m, uint32_t k, uint32_t alternative);
/* Makes offloaded interval j absent at ops gone .. back - 1, too. */
void model_widen(struct model *m, struct model_interval *j, uint32_t gone, uint32_t back);
/* Makes interval j, which is absent at ops gone .. back - 1 or more, absent only there, whether there is room or not. */
void model_be_here(struct model *m, struct model_interval *j, uint32_t gone, uint32_t back);
/* Makes offloaded interval j absent at all its ops, but for those from which on a rerun closure needs the tensor. */
void model_be_away(struct model *m, struct model_interval *j);
/* Returns the first idle interval from rank *rank on that may be present at op k, or NULL.  *rank becomes the next rank to ask for. */
struct model_interval *model_next_here(const struct model *m, uint32_t k, uint32_t *rank);

/* Tells the model that the schedule was `bytes` over the budget at op k. */
void model_overflow(struct model *m, uint32_t k, bytes_t bytes);

/* Writes the fates of all idle intervals to d. */
void model_decide(const struct model *m, struct decisions *d);
#endif
