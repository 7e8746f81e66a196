/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - from a schedule to a plan's buffers and its program for three queues
 */
#ifndef PLANNER_PROGRAM_H
#define PLANNER_PROGRAM_H
#include "planner/placement.h"
#include "planner/schedule.h"
#include "src/plan.h"

/* Fill p's arena_bytes, host_bytes, buffers, host, initial, final and program
 * from s; p->graph is set.  `after` edges that the queues' order or other edges already imply are
 * left out. */
int program_build(struct plan *p, const struct schedule *s, const struct placement *placement,
    struct arena *a, struct err *e) WARN_UNUSED;

/* live[step_count + 1]: the aligned bytes of all buffers alive at each step of s, which no placement
 * can undercut; nothing is placed. */
int program_profile(bytes_t *live, const struct graph *g, const struct schedule *s, struct arena *a, struct err *e) WARN_UNUSED;
#endif
