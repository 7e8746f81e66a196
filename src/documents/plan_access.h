/* SPDX-License-Identifier: Apache-2.0 */
/* plan_access.h - every access of a plan to its buffers, in one order
 *
 * Moments number the list order: 0 is the step's beginning (a virtual write of every initial place), i + 1 is
 * instruction i, and the last is the step's end (a virtual read of every final place).  In a run, reads come first,
 * then the workspace, then writes.  In a transfer, the source comes before the destination.
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

/* One access to one buffer. */
struct access {
	uint32_t moment;
	uint32_t position;	/* among the moment's accesses */
	enum operand operand;
	uint32_t index;		/* in initial, reads, writes or final */
	bool host, write;
	uint32_t buffer;	/* id in buffers, or in host */
};

/* Fills the access at x->position of x->moment; false past the moment's last.  Ids in p are in range. */
bool access_at(const struct plan *p, struct access *x);

/* Fills x likewise.  Past a moment's last access, x becomes the first access of a later moment.  False past the step's end. */
bool access_from(const struct plan *p, struct access *x);

/* Runs the body for every access x of plan p, or of one of its moments.  Accesses come in the order given above. */
#define FOR_EACH_ACCESS(p, x) \
	for (struct access x = { .moment = MOMENT_BEGIN }; access_from((p), &(x)); (x).position++)
#define FOR_EACH_ACCESS_AT(p, m, x) \
	for (struct access x = { .moment = (m) }; access_at((p), &(x)); (x).position++)

static inline const struct buffer *
access_buffer(const struct plan *p, const struct access *x)
{
	return x->host ? &p->host[x->buffer] : &p->buffers[x->buffer];
}

/* The instruction of a moment; NULL at the step's beginning and end. */
static inline const struct instruction *
moment_instruction(const struct plan *p, uint32_t moment)
{
	return moment == MOMENT_BEGIN || moment == moment_end(p) ? NULL : &p->program[moment - 1];
}

/* The live range of a device buffer: the moments of its first and last access.  Both are PLAN_NONE without any. */
struct moment_range { uint32_t first, last; };

/* [p->buffer_count] */
struct moment_range *plan_live_ranges(const struct plan *p, struct arena *a);
#endif
