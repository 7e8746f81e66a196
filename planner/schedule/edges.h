/* SPDX-License-Identifier: Apache-2.0 */
/* edges.h - a program's `after` edges: the instructions that each one waits for
 *
 * Instructions are added in list order, each with the buffers that it reads and writes.  It must wait for earlier accesses to the
 * same bytes.  Edges that the queues' order or other edges imply are left out, so that an instruction has at most one edge
 * to each other queue.
 */
#ifndef PLANNER_SCHEDULE_EDGES_H
#define PLANNER_SCHEDULE_EDGES_H
#include "src/documents/plan.h"

#define EDGES_NONE UINT32_MAX

struct edges;

/* Begins at the first instruction of p.  Its buffers have their offsets, and its instructions their queues. */
struct edges *edges_new(struct plan *p, struct arena *a);

/* Makes the instruction at hand wait for instruction for_id; does nothing for EDGES_NONE. */
void edges_wait(struct edges *g, uint32_t for_id);

/* Adds an access of the instruction at hand, to a device buffer or, on_host, to a host buffer. */
void edges_access(struct edges *g, uint32_t buffer, bool on_host, bool writes);

/* Fills `after` of the instruction at hand, and goes on to the next one. */
void edges_finish(struct edges *g);
#endif
