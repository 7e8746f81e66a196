/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_run.h - plan and simulate the points of a grid over all cores
 *
 * Points that differ only in their link form a group: it is planned once, and each of its points is a simulation of that
 * plan.  A group has an arena of its own, and each chunk of its points has one, too.  So memory does not grow with the grid.
 */
#ifndef SRC_COMMAND_SWEEP_RUN_H
#define SRC_COMMAND_SWEEP_RUN_H
#include "src/command/progress.h"
#include "src/command/sweep_file.h"
#include "src/command/sweep_grid.h"
#include "src/library/plan_request.h"

struct sweep_options {
	struct plan_request request;	/* options that hold for all points, the link's duplex rate and latency among them */
	const char *const **sets;	/* [set_count] by value of AXIS_SET: the changes of the network, [request.task.set_count] */
	size_t set_count;
	double compute_scale;
	bool replan;			/* plan anew for each link instead of timing the one plan on it */
	bool ordered;			/* lines in the grid's order, without planning times */
	progress_fn *progress;		/* NULL: silent */
	uint32_t shard, shards;		/* 1 <= shard <= shards */
	const char *key_end;		/* options that hold for all points, for their keys; "" or " times=scaled" */
};

struct sweep_counts {
	uint32_t points;	/* of this shard */
	uint32_t found;		/* already in the file */
	uint32_t done;		/* run by this sweep */
	uint32_t failed;	/* with an error, among found and done */
	uint32_t missed;	/* without a line, because the system failed them: no memory, no threads */
	struct err missed_why;	/* the first one's error */
};

/* Fills key with a point's name in results. */
void sweep_key(char key[GRID_KEY_MAX], const struct sweep_grid *g, const struct sweep_options *o, uint32_t point);

/* True when the point is the shard's.  Each point belongs to exactly one shard; a group is in one shard if there are enough groups. */
bool sweep_is_ours(const struct sweep_grid *g, const struct sweep_options *o, uint32_t point);

/* Runs the points that are not in f.  A failed point becomes a line with its `error`, except one that the system failed.  After a stop, a plan under way is not used and no
 * other point begins.  Fails only if f cannot be written. */
int sweep_run(struct sweep_counts *counts, const struct sweep_grid *g, const struct sweep_options *o, const struct sweep_file *f,
    struct arena *a, struct err *e) WARN_UNUSED;
#endif
