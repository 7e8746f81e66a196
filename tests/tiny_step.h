/* SPDX-License-Identifier: Apache-2.0 */
/* tiny_step.h - random training steps of a few ops with a device and a budget, small enough for an exhaustive search */
#ifndef TESTS_TINY_STEP_H
#define TESTS_TINY_STEP_H
#include "src/documents/device.h"
#include "src/documents/graph.h"

enum { TINY_OPS = 7, TINY_TENSORS = 14, TINY_OPERANDS = 4, TINY_POINTS = 3 };

/* Properties of the random steps of a mix.  Parts are of 8. */
struct tiny_mix {
	const char *name;
	uint32_t ops_least, ops_most;	/* at most TINY_OPS */
	uint32_t persistent_most;	/* tensors */
	uint32_t persistent_units, transient_units, workspace_units;	/* most bytes of a tensor, a workspace, in units of 256 */
	uint32_t persistent_parts;	/* of inputs that are persistent */
	uint32_t update_parts;		/* of ops that write a persistent tensor */
	uint32_t again_parts;		/* of ops that write a transient tensor again, in place or unread */
	uint32_t inplace_parts;		/* of ops with permissions */
	uint32_t alternative_parts;	/* of ops with another algorithm */
	uint32_t latency_parts;		/* of devices with a latency */
	uint32_t curve_parts;		/* of links with a measured curve */
	uint32_t contention_parts;	/* of devices on which copies slow ops down */
};
extern const struct tiny_mix tiny_mixes[];	/* ends with a NULL name */

struct tiny_step {
	struct graph graph;
	struct device device;
	bytes_t budget;
	struct tensor tensors[TINY_TENSORS];
	struct op ops[TINY_OPS];
	uint32_t in[TINY_OPS][TINY_OPERANDS], out[TINY_OPS][TINY_OPERANDS];
	struct inplace takes[TINY_OPS];
	struct alternative other[TINY_OPS];
	struct curve_point points[DIRECTION_COUNT][TINY_POINTS];
};

/* Fills x. */
void tiny_step_init(struct tiny_step *x, const struct tiny_mix *mix, uint64_t seed);

/* Writes its graph and device as FOLDER/SEED.graph.json and FOLDER/SEED.dev.json. */
void tiny_step_write(const struct tiny_step *x, const char *folder, uint64_t seed);
#endif
