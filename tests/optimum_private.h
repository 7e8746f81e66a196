/* SPDX-License-Identifier: Apache-2.0 */
/* optimum_private.h - the graph in values and the state of the search, for the parts of optimum.h */
#ifndef TESTS_OPTIMUM_PRIVATE_H
#define TESTS_OPTIMUM_PRIVATE_H
#include "tests/optimum.h"

enum { TABLE = 1 << 13 };
#define BIT(i) (UINT32_C(1) << (i))

struct optimum_node {
	struct optimum_state s;
	struct optimum_starts starts;	/* that led from the parent to here */
	double f;			/* now + the least time left */
	uint32_t parent, next_same;	/* UINT32_MAX: none */
	bool done;
};

struct optimum_search {
	const struct graph *graph;
	const struct device *device;
	bytes_t budget;
	struct arena *arena;
	uint32_t values, final;		/* final: values that must exist in the end */
	uint32_t persistent;		/* tensors, one bit each */
	uint32_t first[OPTIMUM_TENSORS + 1];	/* value of the version before the step */
	bytes_t bytes[OPTIMUM_VALUES];
	uint8_t tensor[OPTIMUM_VALUES], maker[OPTIMUM_VALUES];	/* maker: op, or OPTIMUM_NONE before the step */
	uint32_t last[OPTIMUM_TENSORS];	/* value in the end */
	uint32_t reads[OPTIMUM_OPS], writes[OPTIMUM_OPS];	/* values */
	uint32_t useful[OPTIMUM_OPS + 1];	/* values that may serve when so many first runs have begun */
	uint32_t read_later[OPTIMUM_OPS + 1];	/* of these, by a run */
	uint32_t needed[OPTIMUM_OPS + 1];	/* of these, by a first run or the caller */
	double least_us[OPTIMUM_OPS + 1];	/* of all first runs from op k on */
	double copy_us[DIRECTION_COUNT][OPTIMUM_VALUES];
	struct optimum_node *nodes;		/* [count] */
	uint32_t *heap;			/* [heap_count] the open list: nodes by f */
	uint32_t *table;		/* [TABLE] the latest node with each hash */
	uint32_t most;
	size_t count, node_capacity, heap_count, heap_capacity;
};

/* Fills what follows from the graph and the device. */
void optimum_values(struct optimum_search *x);
#endif
