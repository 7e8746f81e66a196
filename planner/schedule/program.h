/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - from a schedule to a plan's buffers and its program for three queues
 *
 * Each live range of a tensor becomes a buffer.  Offsets come from a placement, `after` edges from the accesses (edges.h).
 */
#ifndef PLANNER_SCHEDULE_PROGRAM_H
#define PLANNER_SCHEDULE_PROGRAM_H
#include "planner/placement/placement.h"
#include "planner/schedule/schedule.h"
#include "src/documents/plan.h"

struct homes;

/* Fills p's arena_bytes, host_bytes, buffers, host, initial, final and program from s; p->graph is set.  `after` edges that the
 * queues' order or other edges imply are left out.  homes: NULL, then they are chosen with the offsets, or the places of all persistent
 * tensors (homes.h).  threads: of the placement; 0: as OpenMP decides. */
int program_build(struct plan *p, const struct schedule *s, const struct homes *homes, const struct placement *placement, uint32_t threads,
    struct arena *a, struct err *e) WARN_UNUSED;

/* Fills live as program_live() does, for a schedule without a program. */
int program_profile(bytes_t *live, const struct graph *g, const struct schedule *s, struct arena *a, struct err *e) WARN_UNUSED;

/* The functions below are the steps of program_build(), for callers that place one schedule several times, or not at all.
 *
 * Makes p's buffers and program, without offsets or edges.  NULL: failed. */
struct program *program_new(struct plan *p, const struct schedule *s, const struct homes *homes, struct arena *a, struct err *e) WARN_UNUSED;

/* Fills live[step_count + 1]: the aligned bytes of all buffers alive at each step, and after the last one those of results and of tensors
 * that return there.  No placement needs less. */
void program_live(bytes_t *live, const struct program *b);

/* Fills the offsets.  placement NULL: no two buffers share a byte, and no tensor returns to its home.  Such a plan cannot run.  Its
 * instructions wait for copies out as far as the budget needs their bytes.  With any placement within the budget each instruction waits
 * for at least as much. */
int program_place(struct program *b, const struct placement *placement, uint32_t threads, struct err *e) WARN_UNUSED;

/* Fills the `after` edges, for the offsets at hand. */
void program_connect(struct program *b);
#endif
