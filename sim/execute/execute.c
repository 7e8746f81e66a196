/* SPDX-License-Identifier: Apache-2.0 */
/* execute.c - the loop over a plan's program */
#include <config.h>
#include "sim/execute/execute.h"

bool *
execute_signals(const struct plan *p, struct arena *a)
{
	bool *signals = ARENA_NEW(a, bool, p->instruction_count);

	for (uint32_t i = 0; i < p->instruction_count; i++)
		for (uint32_t k = 0; k < p->program[i].after_count; k++)
			signals[p->program[i].after[k]] = true;
	return signals;
}

static int
issue(const struct plan *p, uint32_t i, bool signals, const struct commands *c, void *executor, struct err *e)
{
	for (uint32_t k = 0; k < p->program[i].after_count; k++)
		if (c->wait(executor, i, p->program[i].after[k], e) < 0)
			return -1;
	if (c->perform(executor, i, e) < 0)
		return -1;
	return signals ? c->record(executor, i, e) : 0;
}

int
execute_step(const struct plan *p, const bool *signals, const struct commands *c, void *executor, struct err *e)
{
	for (uint32_t i = 0; i < p->instruction_count; i++)
		if (issue(p, i, signals[i], c, executor, e) < 0)
			return err_at(e, "program[%" PRIu32 "]", i);
	return 0;
}
