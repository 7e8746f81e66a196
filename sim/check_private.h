/* SPDX-License-Identifier: Apache-2.0 */
/* check_private.h - what the parts of the checker share
 *
 * Time in the checker is a row of moments in list order: 0 is the step's beginning (the
 * virtual write of every initial place), i + 1 is instruction i, and the last is the step's end
 * (the virtual read of every final place).  Moments lie in lanes: the three queues, and one for
 * beginning and end.  In a lane, moments follow each other.
 */
#ifndef SIM_CHECK_PRIVATE_H
#define SIM_CHECK_PRIVATE_H
#include "src/plan.h"

#define NEVER UINT32_MAX	/* no moment */
enum { MOMENT_BEGIN = 0, LANE_STEP = QUEUE_COUNT, LANE_COUNT };

static inline uint32_t
moment_end(const struct plan *p)
{
	return p->instruction_count + 1;
}

/* Vector clocks: done[m][lane] is how many of the lane's moments have ended
 * whenever m begins, in whatever timing. */
struct order {
	uint8_t *lane;			/* [instruction_count + 2] */
	uint32_t *position;		/* [instruction_count + 2] in its lane */
	uint32_t (*done)[LANE_COUNT];	/* [instruction_count + 2] */
};

/* True when x has ended before y begins, in every timing. */
static inline bool
order_before(const struct order *o, uint32_t x, uint32_t y)
{
	return o->done[y][o->lane[x]] > o->position[x];
}

struct checker {
	const struct plan *plan;
	const struct graph *graph;	/* plan's */
	struct order order;
	struct arena *arena;
	struct err *err;
};

enum operand {
	OPERAND_INITIAL, OPERAND_READ, OPERAND_WORKSPACE, OPERAND_WRITE,
	OPERAND_FROM, OPERAND_TO, OPERAND_FINAL
};

/* One use of one buffer. */
struct access {
	uint32_t moment;
	enum operand operand;
	uint32_t index;		/* in initial, reads, writes or final */
	bool host, write;
	uint32_t buffer;	/* id in buffers, or in host */
};

/* Call fn for every access of a plan with sound structure, in list order; in an instruction, what is
 * read comes first.  Stops at the first result that is not 0 and returns it. */
typedef int access_fn(void *arg, const struct access *x);
int check_visit(const struct plan *p, access_fn *fn, void *arg);

static inline const struct buffer *
access_buffer(const struct plan *p, const struct access *x)
{
	return x->host ? &p->host[x->buffer] : &p->buffers[x->buffer];
}

/* Put x's place in the plan document in front of e's path; returns -1. */
int check_at(const struct access *x, struct err *e);

/* Words for messages, in w: "buffer 3 (tensor 7)", "host buffer 3 (tensor 7)", "buffer 4 (workspace)";
 * "program[12] (run of 'conv1')", "the step's end". */
struct words { char text[128]; };
const char *say_buffer(struct words *w, const struct plan *p, bool host, uint32_t id);
const char *say_moment(struct words *w, const struct plan *p, uint32_t moment);

/* The passes, in this order: each relies on those before it. */
int check_structure(const struct checker *c) WARN_UNUSED;
int check_space(const struct checker *c) WARN_UNUSED;
int check_values(const struct checker *c) WARN_UNUSED;
#endif
