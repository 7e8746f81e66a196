/* SPDX-License-Identifier: Apache-2.0 */
/* parcels.h - a training step as the linear program of bound_lp.h sees it: moments, segments, parcels and units
 *
 * The moments 0 .. J-1 are starts of chosen ops, and the ends of the long ones among them.  Moment J is the step's end.  Interval j
 * ends at moment j.  A parcel is an idle interval
 * (idle_costs.h) between moments.  A unit is all parcels of one persistent tensor, or one parcel of another tensor.  Units that
 * look alike are merged, so that their number hardly grows with that of tensors.
 */
#ifndef PLANNER_BOUND_PARCELS_H
#define PLANNER_BOUND_PARCELS_H
#include "planner/bound/idle_costs.h"

#define PARCELS_MS 1e3	/* us in a ms */
#define PARCELS_MB 1e6	/* bytes in a MB */

/* The first moments at which something has happened are given as moments; the fields are in the order of comparison. */
struct parcel {
	uint32_t from, to;	/* away at moments from <= j < to at most; to == J: to the step's end */
	uint32_t ready;		/* the copy out may begin */
	bool out;		/* a copy out must end before the bytes are gone; shared copies are asked of one parcel only */
	bool in;		/* unless made again, a fetch must end by moment `to` */
	bool initial;		/* the value is that from before the step, which a home on the host has */
	bool last;		/* the value is the one that a home on the host gets */
	bool drops;		/* the value can be made again */
	int32_t grade;		/* of ms_per_mb: parcels of one grade are merged */
	double ms_per_mb;	/* the least time of reruns; of merged parcels the least */
};

struct parcel_unit {
	struct parcel *parcels;	/* [count], rising */
	uint32_t count;
	bool persistent;
	/* Of a persistent tensor: */
	bool read_first;	/* its first use reads it */
	bool written;
	uint32_t first_use, last_write;	/* moments by which the first use begins and the last write has ended */
	double mb;		/* of one of its tensors; merged: of all */
};

struct parcels {
	const struct idle_costs *costs;	/* not owned */
	uint32_t moment_count;		/* J */
	uint32_t *moment;		/* [J] op ids, rising; twice: its start and its end */
	uint32_t *ended;		/* [J] ops that have ended: the op id, or one more */
	double *excess;			/* [J] MB over the budget, less those that are away at no cost */
	uint32_t split_count, *split;	/* [split_count] moments that end segments, rising */
	uint32_t unit_count;
	struct parcel_unit *units;		/* [unit_count] that cross a moment with an excess */
	double mb;			/* of all parcels */
	double rerun_ms;		/* of all parcels */
};

/* Fills p for a budget, but for the splits; `moments` is their most, without the ends of long ops. */
void parcels_init(struct parcels *p, const struct idle_costs *s, const struct lifetimes *l, bytes_t budget, uint32_t moments,
    struct arena *a);

/* Chooses at most `wanted` splits and one more. */
void parcels_split(struct parcels *p, uint32_t wanted, struct arena *a);
#endif
