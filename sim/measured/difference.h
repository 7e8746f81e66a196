/* SPDX-License-Identifier: Apache-2.0 */
/* difference.h - where a measured step differs from the simulated one
 *
 * All time of the compute queue belongs to one of five parts, so the differences of the parts add up to that of the step.  An idle
 * stretch before a run is a wait for copies until the last copy that the run needs has ended; the rest of it is a gap.
 */
#ifndef SIM_MEASURED_DIFFERENCE_H
#define SIM_MEASURED_DIFFERENCE_H
#include "sim/time/simulate.h"

enum part { PART_OPS, PART_RERUNS, PART_WAITS, PART_GAPS, PART_END, PART_COUNT };
extern const char *const part_names[PART_COUNT + 1];

struct both_us { double predicted, measured; };

/* All runs of the ops with one name. */
struct op_difference {
	const char *name;
	uint32_t runs;
	struct both_us us;
};

/* A run that waited for a copy, in the simulation or when it was measured. */
struct wait_difference {
	uint32_t waiting;		/* instruction */
	uint32_t cause;			/* the copy that ended last; when it was measured, if the run waited then */
	struct both_us us;
};

struct copy_difference {
	uint32_t count;
	bytes_t bytes;
	struct both_us us;		/* that the direction is busy */
};

struct difference {
	struct both_us step, parts[PART_COUNT];
	uint32_t op_count, wait_count;
	struct op_difference *ops;	/* [op_count] the largest difference first; ties by name */
	struct wait_difference *waits;	/* [wait_count] likewise; ties by instruction */
	struct copy_difference copies[DIRECTION_COUNT];
};

/* Compares two timelines of p; spans rise along each queue. */
void difference_init(struct difference *d, const struct plan *p, const struct sim_result *predicted, const struct sim_result *measured,
    struct arena *a);
#endif
