/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - is a plan sound, whoever made it?
 *
 * Decides the two soundness rules of docs/formats.md (values and space) for every possible
 * timing, in near-linear time: the program's list order is one legal order, so
 * values are followed along it symbolically, byte range by byte range; vector clocks over the three queues show
 * whether conflicting accesses are ordered in every other one.  Trusts no field that it can derive.
 */
#ifndef SIM_CHECK_CHECK_H
#define SIM_CHECK_CHECK_H
#include "src/documents/plan.h"

/* 0: sound.  Else ERR_NO, with the place in the plan document and a message of its own for
 * each way to be wrong. */
int check_plan(const struct plan *p, struct arena *a, struct err *e) WARN_UNUSED;

/* ERR_NO unless the plan is for g: equal digests, the same deterministic text. */
int check_graph(const struct plan *p, const struct graph *g, struct arena *a, struct err *e) WARN_UNUSED;

/* The figures that follow from a plan's buffers and program without timing; the ids in p are in
 * range.  bound_bytes and resident_bound_bytes come from the graph alone. */
void check_figures(struct plan_figures *f, const struct plan *p, struct arena *a);

/* The plan's peak_bytes, and the first moment that reaches it: 0 is the step's beginning, i + 1 instruction i,
 * instruction_count + 1 the step's end. */
bytes_t check_peak(uint32_t *moment, const struct plan *p, struct arena *a);
#endif
