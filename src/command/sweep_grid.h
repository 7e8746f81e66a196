/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_grid.h - lists of values, and the grid of points that they span
 *
 * A list is what a person writes: 16,32,64 or 16:128:16 (from:to:step) or 16:1024:x2 (from:to:factor), mixed
 * with commas.  A value is kept as its canonical text, so that 1GiB and 1024MiB are one.  Points are numbered with
 * the first axis slowest; those that differ only in the axes of the link, the last ones, follow each other.
 */
#ifndef SRC_COMMAND_SWEEP_GRID_H
#define SRC_COMMAND_SWEEP_GRID_H
#include "src/base/arena.h"
#include "src/base/units.h"

enum axis {
	AXIS_NETWORK, AXIS_DEVICE, AXIS_MEMORY, AXIS_HOST_MEMORY, AXIS_BATCH, AXIS_SEQ, AXIS_IMAGE, AXIS_SET, AXIS_BUDGET, AXIS_POLICY, AXIS_PLACEMENT,
	AXIS_GPUS, AXIS_D2H, AXIS_H2D, AXIS_LINK, AXIS_COUNT,
	AXIS_FIRST_LINK = AXIS_GPUS
};
extern const char *const axis_names[AXIS_COUNT + 1];	/* "network" ... */

struct axis_value {
	const char *text;	/* canonical; "": not given, and not in the names of points */
	double number;		/* of a count or a rate; 0: the default */
};

struct axis_list {
	struct axis_value *values;	/* [count] */
	size_t count, capacity;
	uint32_t *slots;		/* [slot_count] a hash table: index + 1 of a value, 0 is free */
	size_t slot_count;		/* a power of two, over twice count */
};

enum { GRID_POINTS_MAX = 10000000, GRID_VALUES_MAX = 100000, GRID_KEY_MAX = 4096 };

struct sweep_grid {
	struct axis_list axes[AXIS_COUNT];
	uint32_t point_count;
	uint32_t link_count;	/* number of consecutive points that differ only in their link */
};

/* Appends the values that text lists for the axis, each value once.  Names (networks, devices, policies ...) are split at commas and not
 * checked. */
int grid_parse(struct sweep_grid *g, enum axis axis, const char *text, struct arena *a, struct err *e) WARN_UNUSED;

/* Appends one value, which is not split. */
int grid_add(struct sweep_grid *g, enum axis axis, const char *text, double number, struct arena *a, struct err *e) WARN_UNUSED;

/* Counts the points; every axis must have a value. */
int grid_finish(struct sweep_grid *g, struct err *e) WARN_UNUSED;

/* Returns the point's value on the axis. */
const struct axis_value *grid_value(const struct sweep_grid *g, uint32_t point, enum axis axis);

/* Fills key with the point's name in results, which has every axis: "network=resnet50 device=h200 ...". */
void grid_key(char key[GRID_KEY_MAX], const struct sweep_grid *g, uint32_t point);
#endif
