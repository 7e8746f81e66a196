/* SPDX-License-Identifier: Apache-2.0 */
/* reference_check.h - the soundness rules as slow, obvious code for small plans
 *
 * Shares no code with sim/check*.c: happens-before is a matrix closed by brute force, space
 * looks at every pair of buffers and accesses, memory is an array of units that remember
 * which byte of which value they hold.
 */
#ifndef TESTS_REFERENCE_CHECK_H
#define TESTS_REFERENCE_CHECK_H
#include "src/documents/plan.h"

/* The first rule that a plan breaks, in the order in which they are looked at. */
enum verdict { SOUND, BAD_STRUCTURE, BAD_SPACE, BAD_VALUES, BAD_FIGURES, VERDICT_COUNT };
extern const char *const verdict_names[VERDICT_COUNT];

enum verdict reference_check(const struct plan *p, struct arena *a);

/* The untimed figures, for a plan whose ids are in range. */
struct plan_figures reference_figures(const struct plan *p, struct arena *a);
#endif
