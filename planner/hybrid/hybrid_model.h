/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_model.h - a quick picture of what decisions do to memory and link
 *
 * The hybrid policy decides on gaps: stretches of ops between two uses of a tensor; of a persistent one also before its first and
 * after its last.  The model keeps, for every op, the bytes over
 * the budget under the gaps decided so far, and says what another one would cost: the link's time, or the
 * ops that would have to run again and do not yet.  It is near enough to choose by; what it misses (what chains
 * of reruns need while they run) is fed back from the real schedule's profile through model_overflow().
 */
#ifndef PLANNER_HYBRID_HYBRID_MODEL_H
#define PLANNER_HYBRID_HYBRID_MODEL_H
#include "planner/hybrid/stab_index.h"
#include "planner/schedule/decisions.h"
#include "planner/schedule/versions.h"
#include "src/base/segment_tree.h"
#include "src/documents/device.h"

struct gap {
	uint32_t tensor, slot;		/* decisions.h */
	uint32_t a, b;			/* not used by ops a .. b - 1; b is op_count at the end of the step */
	int64_t bytes;			/* aligned */
	double copy_us[DIRECTION_COUNT];	/* what a copy each way takes */
	bool out, in;			/* has to be copied out before it is gone, and in before op b */
	uint32_t copied;		/* if not out: op from which the copy that the host has waits for this gap */
	enum fate fate;
	uint32_t gone, back;		/* absent at ops gone .. back - 1 when fate is not FATE_KEEP */
	double density;			/* what recomputing it costs, us a byte; INFINITY: impossible */
	uint32_t rank;			/* its place in by_density */
};

struct model {
	/* What no decision changes: copies share it (model_hold() gives its copy live, ranks and all of its own). */
	const struct graph *graph;
	const struct lifetimes *life;
	const struct device *device;
	uint32_t gap_count;
	uint32_t *by_density;		/* [gap_count] gaps, cheapest to recompute first */
	struct stab_index all;		/* of the gaps by rank, at every op a .. b - 1 */
	uint32_t *gap_of;		/* [slots] its gap, or UINT32_MAX */
	uint32_t *carried;		/* [op_count] the one tensor that forward carries past the op, or UINT32_MAX */
	uint32_t *until;		/* [tensor_count] op up to which chains may read a tensor that only forward reads; 0: it is
					 * not to be held */
	uint32_t *holdable;		/* [holdable_count] such tensors, those that take longest to make for each byte first */
	uint32_t holdable_count;
	int64_t *live;			/* [op_count] bytes if nothing moves, what outputs may take over counted once, what is held
					 * included */
	const double *start_us;		/* [op_count + 1] the lifetimes' */
	struct versions versions;
	/* What is decided. */
	struct gap *gaps;		/* [gap_count] by a, then tensor */
	bool *held;			/* [tensor_count] chosen by model_hold() */
	bool *is_cut;			/* [tensor_count] chosen by model_choose_cuts() */
	bool *on_host;			/* [tensor_count] persistent tensors at home on the host */
	uint32_t *alternative;		/* [op_count] chosen, or PLAN_NONE */
	struct segment_tree over;		/* live bytes - budget, by op */
	struct segment_tree host;		/* bytes that wait on the host - what it may pin, by op */
	struct stab_index here;		/* of the gaps by rank, where they are not absent */
	uint32_t *rerun_at;		/* [op_count] op before which it runs again, or UINT32_MAX */
	uint32_t *needed_at;		/* [tensor_count] first op whose chain reads it, or UINT32_MAX */
	uint32_t *stack;		/* scratch: [op_count] ops of a chain */
	uint32_t *seen;			/* [op_count] scratch stamps */
	uint32_t stamp;
	struct arena *arena;
};

/* All gaps of tensors of at least least_bytes; nothing is decided. */
void model_init(struct model *m, const struct lifetimes *l, const struct device *d, bytes_t least_bytes, struct arena *a);

/* What stays at the op where most does if all gaps across it are absent: no decision does with less, but by another algorithm. */
bytes_t model_floor(const struct model *m);

/* Another model of the same, for decisions of its own: model_reset() comes next.  from is to outlive it. */
void model_copy(struct model *m, const struct model *from, struct arena *a);

/* Of the tensors that alone are carried past some forward op, choose one whenever forward has
 * made so many bytes since the last: recomputing from cut to cut, chains stay short (Chen et al. 2016). */
void model_choose_cuts(struct model *m, bytes_t bytes_between);

/* Chains that remake what backward reads run back through tensors that only forward reads.  Of these, hold the ones that
 * take longest to make for each byte, up to so many bytes: chains start from them. */
void model_hold(struct model *m, bytes_t bytes);

/* Decide nothing, for this budget, but what must be at home on the host: what the first or the last op has no room for. */
void model_reset(struct model *m, bytes_t budget);

/* What dropping gap j would cost and bring. */
struct drop_cost {
	double us;			/* of ops that would run again and do not yet; INFINITY: impossible */
	int64_t gain;			/* of the bytes asked for, less what its chain would call back where there is no room */
};

/* The walk along its chain ends where it brings nothing any more of `wanted` bytes, or costs as much as `most` us for
 * each of them. */
struct drop_cost model_drop_cost(struct model *m, const struct gap *j, int64_t wanted, double most);

void model_drop(struct model *m, struct gap *j);
void model_offload(struct model *m, struct gap *j, uint32_t gone, uint32_t back);
/* Bytes that offloading gap j takes of the host; what is at home there has its place. */
int64_t model_pins(const struct model *m, const struct gap *j);
/* The host may pin them beside what is offloaded already. */
bool model_host_has_room(const struct model *m, const struct gap *j);
/* Gap j's tensor stays after all, if there is room for it. */
bool model_keep(struct model *m, struct gap *j);
/* Run op k by another of its algorithms. */
void model_use_alternative(struct model *m, uint32_t k, uint32_t alternative);
/* An offloaded gap is away from gone or before, until back or after. */
void model_widen(struct model *m, struct gap *j, uint32_t gone, uint32_t back);
/* It is away from gone or after, until back or before, if there is room for that. */
bool model_narrow(struct model *m, struct gap *j, uint32_t gone, uint32_t back);
/* The gap of the next rank from *rank on that may be here at op k, or NULL; *rank is the one after. */
struct gap *model_next_here(const struct model *m, uint32_t k, uint32_t *rank);

/* The real schedule had so many bytes over the budget at op k. */
void model_overflow(struct model *m, uint32_t k, bytes_t bytes);

/* Write the gaps' fates down. */
void model_decide(const struct model *m, struct decisions *d);
#endif
