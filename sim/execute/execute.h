/* SPDX-License-Identifier: Apache-2.0 */
/* execute.h - the loop over a plan's program, for every executor that runs a plan for real
 *
 * The loop queues the instructions of one step in list order.  Queues and `after` alone order instructions: a command may
 * return before its work is done.
 */
#ifndef SIM_EXECUTE_EXECUTE_H
#define SIM_EXECUTE_EXECUTE_H
#include "src/documents/plan.h"

/* Commands of an executor, for the loop.  Each command goes to the end of the instruction's queue; -1 ends the step. */
struct commands {
	int (*wait)(void *executor, uint32_t instruction, uint32_t after, struct err *e);
	int (*perform)(void *executor, uint32_t instruction, struct err *e);
	int (*record)(void *executor, uint32_t instruction, struct err *e);
};

/* Returns for each instruction whether another queue waits for it: [p->instruction_count], in a. */
bool *execute_signals(const struct plan *p, struct arena *a);

/* Queues one step.  For each instruction: waits for its `after`, performs it, and records its end where signals says so.  An
 * error has the instruction's place. */
int execute_step(const struct plan *p, const bool *signals, const struct commands *c, void *executor, struct err *e) WARN_UNUSED;
#endif
