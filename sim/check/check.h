/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - decides whether a plan is sound
 *
 * The two rules of soundness (docs/formats.md: values and space) are decided for every possible timing, in near-linear
 * time.  The program's list order is one legal order, so values are followed along it, byte range by byte range.
 * Vector clocks over the three queues show whether conflicting accesses have the same order in every timing.  A field that
 * follows from others is worked out again and compared.
 */
#ifndef SIM_CHECK_CHECK_H
#define SIM_CHECK_CHECK_H
#include "src/documents/plan.h"

/* Returns 0 for a sound plan.  Otherwise ERR_NO with the place in the plan document; each rule that a plan can break
 * has a message of its own. */
int check_plan(const struct plan *p, struct arena *a, struct err *e) WARN_UNUSED;

/* ERR_NO unless the plan is for g: both graphs have the same digest.  Estimated times do not count: they are the device's. */
int check_graph(const struct plan *p, const struct graph *g, struct arena *a, struct err *e) WARN_UNUSED;

/* Works out the figures that follow from a plan's buffers and program without timing.  The ids in p are in range.
 * bound_bytes and resident_bound_bytes come from the graph alone. */
void check_figures(struct plan_figures *f, const struct plan *p, struct arena *a);

/* Returns [instruction_count + 2] the live bytes at each moment; bytes that an op shares in place count once. */
bytes_t *check_live(const struct plan *p, struct arena *a);

/* Returns the plan's peak_bytes, the most of check_live().  *moment is the first moment that reaches them: 0 is the step's beginning, i + 1
 * instruction i, instruction_count + 1 the step's end. */
bytes_t check_peak(uint32_t *moment, const struct plan *p, struct arena *a);
#endif
