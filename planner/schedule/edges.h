/* SPDX-License-Identifier: Apache-2.0 */
/* edges.h - which instructions wait for which: a program's `after` edges
 *
 * Instructions are added in list order.  Each says which buffers it reads and writes; what it must wait
 * for follows from who touched those bytes before.  Only edges that the queues' order and the
 * edges already there do not imply are kept: at most one for each other queue.
 */
#ifndef PLANNER_SCHEDULE_EDGES_H
#define PLANNER_SCHEDULE_EDGES_H
#include "src/documents/plan.h"

/* The last instruction of each queue that touched something; EDGES_NONE: none. */
struct touch { uint32_t last[QUEUE_COUNT]; };
#define EDGES_NONE UINT32_MAX

struct edges;

/* p's buffers and host pool have their offsets, and its program the queue of every
 * instruction. */
struct edges *edges_new(struct plan *p, struct arena *a);

/* The next instruction in list order waits for instruction for_id (EDGES_NONE: for none). */
void edges_wait(struct edges *g, uint32_t for_id);

/* It reads or writes a device buffer or, on_host, a host buffer. */
void edges_access(struct edges *g, uint32_t buffer, bool on_host, bool writes);

/* That is all of it: give it its `after`, and go on to the next one. */
void edges_finish(struct edges *g);
#endif
