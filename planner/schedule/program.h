/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - from a schedule to a plan's buffers and its program for three queues
 */
#ifndef PLANNER_SCHEDULE_PROGRAM_H
#define PLANNER_SCHEDULE_PROGRAM_H
#include "planner/placement/placement.h"
#include "planner/schedule/schedule.h"
#include "src/documents/plan.h"

/* Fill p's arena_bytes, host_bytes, buffers, host, initial, final and program
 * from s; p->graph is set.  `after` edges that the queues' order or other edges already imply are
 * left out. */
int program_build(struct plan *p, const struct schedule *s, const struct placement *placement,
    struct arena *a, struct err *e) WARN_UNUSED;

/* live as in program_live(), of a schedule that is not placed. */
int program_profile(bytes_t *live, const struct graph *g, const struct schedule *s, struct arena *a, struct err *e) WARN_UNUSED;

/* The same by steps, for those who place one schedule several times, or not at all.  First p's buffers and program, without offsets or
 * edges; NULL: failed. */
struct program *program_new(struct plan *p, const struct schedule *s, struct arena *a, struct err *e) WARN_UNUSED;

/* live[step_count + 1]: the aligned bytes of all buffers alive at each step, which no placement can undercut. */
void program_live(bytes_t *live, const struct program *b);

/* Then offsets.  placement NULL: no two buffers share a byte, nor does a tensor return to its home; that is no plan to
 * run, but no placement makes instructions wait for less. */
int program_place(struct program *b, const struct placement *placement, struct err *e) WARN_UNUSED;

/* Placement uses so many threads; 0, as from the beginning: as OpenMP decides. */
void program_use_threads(struct program *b, uint32_t threads);

/* Then edges, for the offsets as they are. */
void program_connect(struct program *b);
#endif
