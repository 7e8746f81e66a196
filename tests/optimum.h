/* SPDX-License-Identifier: Apache-2.0 */
/* optimum.h - the least step time of a tiny graph within a budget, by exhaustive search over programs
 *
 * The search shares no code with planner/, and none with sim/: it counts time by the rules that sim/time/simulate.h states.  A
 * program is where every persistent tensor is at home, and a sequence of starts: runs and reruns (with any algorithm), copies out
 * and copies in, and values that are given up.  Memory is the sum of all values on the device, of the running op's outputs and
 * workspace, and of the copy in that is under way.
 *
 * The programs searched are all that a plan can express, but for three things: copies of parts of tensors; two device buffers or two
 * host buffers with the same value at one time; two outputs that take over the bytes of one input.  No tensor of the graph may be
 * read before it holds a value.
 * The programs searched are more than the plans in two ways, which only make the optimum smaller: no bytes are lost to
 * fragmentation, and a persistent tensor that returns to the device finds its old place free.  optimum_plan() shows for each
 * answer whether it is a plan's.
 *
 * The search is A* (Hart, Nilsson and Raphael 1968) over the moments at which an instruction ends.
 */
#ifndef TESTS_OPTIMUM_H
#define TESTS_OPTIMUM_H
#include "src/documents/plan.h"

enum { OPTIMUM_TENSORS = 16, OPTIMUM_VALUES = 32, OPTIMUM_OPS = 16, OPTIMUM_TAKES = 4, OPTIMUM_NONE = 0xff };

/* Works that begin at one moment.  Values are numbered by tensor, then by version (versions.h). */
struct optimum_starts {
	uint8_t op, alternative;	/* OPTIMUM_NONE: no run; the op's own algorithm */
	uint8_t out, in;		/* the value that a copy moves; OPTIMUM_NONE: no copy */
	uint32_t dropped;		/* values given up for the room */
	uint8_t take_count;
	struct { uint8_t from, to; } takes[OPTIMUM_TAKES];	/* by permission, the value `to` is written over the value `from` */
};

/* The work at one moment, after its starts. */
struct optimum_state {
	uint32_t device, host;		/* values, one bit each */
	uint32_t writing;		/* values that the running op makes */
	uint32_t home;			/* tensors at home on the host, one bit each */
	bytes_t held;			/* bytes of the running op's outputs and workspace */
	uint8_t next;			/* ops whose first run has begun */
	uint8_t op, alternative, out, in;	/* at work, as in optimum_starts */
	bool moving[DIRECTION_COUNT];	/* the copy is past its latency */
	double left[QUEUE_COUNT];	/* us of the present work, alone on an idle machine */
	double now;
};

/* One moment of the answer: the state that ended before it, what begins, and the state until the next end. */
struct optimum_moment {
	struct optimum_starts starts;
	struct optimum_state before, after;	/* before: without the starts; after: at the next end */
};

struct optimum {
	double us;
	uint32_t moment_count;
	struct optimum_moment *moments;	/* [moment_count] */
	uint32_t states;		/* looked at */
};

enum optimum_answer { OPTIMUM_FOUND, OPTIMUM_IMPOSSIBLE, OPTIMUM_UNKNOWN };	/* unknown: more than `most` states */

/* Fills x with the fastest program of at most `budget` bytes.  Sizes are rounded up to DEVICE_ALIGN. */
enum optimum_answer optimum_find(struct optimum *x, const struct graph *g, const struct device *d, bytes_t budget, uint32_t most,
    struct arena *a);

/* Fills p, whose graph and device are set, with the program as a plan.  Its arena may be larger than the budget, because of
 * fragmentation.  ERR_NO: a persistent tensor cannot return to its place. */
int optimum_plan(struct plan *p, const struct optimum *x, struct arena *a, struct err *e) WARN_UNUSED;

/* Returns the first value of tensor t, or the number of values for t == tensor_count. */
uint32_t optimum_value(const struct graph *g, uint32_t t);
#endif
