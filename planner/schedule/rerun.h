/* SPDX-License-Identifier: Apache-2.0 */
/* rerun.h - the rerun closure: the ops that have to run again for a tensor
 *
 * A dropped tensor is made again by the op that wrote it.  That op's inputs may be absent, too, and are made again first.  The
 * walk goes back over writers and their inputs as far as tensors that are present.  The caller says which tensors are present.
 * The ops met on the way are the rerun closure.
 *
 * A question is rerun_begin(), rerun_want() for each tensor wanted, and rerun_close().
 */
#ifndef PLANNER_SCHEDULE_RERUN_H
#define PLANNER_SCHEDULE_RERUN_H
#include "planner/schedule/versions.h"

struct rerun {
	const struct graph *graph;		/* not owned */
	const struct versions *versions;	/* not owned */
	uint32_t *ops;				/* [limit] the closure, in the order in which the walk met its ops */
	uint32_t count, limit;
	uint32_t *seen;				/* [op_count] number of the latest question that met the op */
	uint32_t question;
	uint32_t refused;			/* the op at which RERUN_FORBIDDEN or RERUN_OVERWRITTEN ended the walk */
};

enum rerun_answer {
	RERUN_POSSIBLE,		/* ops holds the whole closure */
	RERUN_STOPPED,		/* visit returned RERUN_STOP */
	RERUN_TOO_LONG,		/* the closure has more than limit ops */
	RERUN_FORBIDDEN,	/* an op of it is not recomputable */
	RERUN_OVERWRITTEN	/* an op of it read a persistent tensor that has been updated since */
};

/* How the walk goes on at an op: back over its inputs, on without its inputs, or not at all. */
enum rerun_step { RERUN_ENTER, RERUN_PASS, RERUN_STOP };

/* Returns true if tensor t is present at the op at hand with version v, its newest one there.  Always true for a persistent tensor
 * with v == 0, which no op makes. */
typedef bool rerun_present(void *arg, uint32_t t, uint32_t v);

/* Called for each op of the closure before its inputs; may call rerun_want(). */
typedef enum rerun_step rerun_visit(void *arg, uint32_t op);

/* Fills r, with room for closures of at most limit ops. */
void rerun_init(struct rerun *r, const struct graph *g, const struct versions *v, uint32_t limit, struct arena *a);

/* Starts a new question with an empty closure. */
void rerun_begin(struct rerun *r);

/* Adds the op that makes version v >= 1 of tensor t.  False: the closure has limit ops already. */
bool rerun_want(struct rerun *r, uint32_t t, uint32_t v);

/* Adds all ops that have to run again just before op k so that the wanted ones find their inputs.  Never allocates. */
enum rerun_answer rerun_close(struct rerun *r, uint32_t k, rerun_present *present, rerun_visit *visit, void *arg);

/* The place at which the walk back over a tensor's own writers ended. */
enum rerun_origin {
	RERUN_FROM_NOTHING,	/* at a writer that does not read the tensor */
	RERUN_FROM_BEFORE,	/* at the first writer, which reads what the tensor held before the step */
	RERUN_FROM_KEPT,	/* before a writer that is not recomputable */
	RERUN_FROM_FAR		/* after `room` writers, with more to come */
};

/* Fills ops with the writers that make version v of tensor t, newest first, back to the first that does not read it.  Returns
 * their number. */
uint32_t rerun_writers(uint32_t *ops, uint32_t room, enum rerun_origin *origin, const struct graph *g,
    const struct versions *versions, uint32_t t, uint32_t v);
#endif
