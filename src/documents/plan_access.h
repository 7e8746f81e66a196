/* SPDX-License-Identifier: Apache-2.0 */
/* plan_access.h - every use of every buffer of a plan, in one order
 *
 * Moments number the list order: 0 is the step's beginning (a virtual write of every initial place), i + 1 is
 * instruction i, and the last is the step's end (a virtual read of every final place).
 */
#ifndef SRC_DOCUMENTS_PLAN_ACCESS_H
#define SRC_DOCUMENTS_PLAN_ACCESS_H
#include "src/documents/plan.h"

enum { MOMENT_BEGIN = 0 };

static inline uint32_t
moment_end(const struct plan *p)
{
	return p->instruction_count + 1;
}

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

/* Calls fn for every access, in list order; within an instruction reads come first, then the workspace, then writes.  The
 * plan's ids are in range.  Stops at the first result that is not 0, and returns it. */
typedef int access_fn(void *arg, const struct access *x);
int plan_visit(const struct plan *p, access_fn *fn, void *arg);

static inline const struct buffer *
access_buffer(const struct plan *p, const struct access *x)
{
	return x->host ? &p->host[x->buffer] : &p->buffers[x->buffer];
}
#endif
