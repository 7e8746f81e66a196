/* SPDX-License-Identifier: Apache-2.0 */
/* task_math.c - number types that a training step asks for and its device does not calculate in */
#include <config.h>
#include "src/library/task_math.h"

#include "src/network/lower.h"

static bool
is_arithmetic(enum op_class c)
{
	return c == CLASS_CONV || c == CLASS_LINEAR || c == CLASS_ATTENTION;
}

/* The type in which op o of t calculates, as far as its time depends on it. */
static enum math
math_of(const struct task *t, const struct op *o)
{
	if (!is_arithmetic(o->class) || (!t->is_network && !o->estimated))
		return MATH_FLOAT32;
	return t->network != NULL ? t->network->math[o->class] : o->math;
}

static double
sum_us(const struct graph *g)
{
	double sum = 0;

	for (uint32_t i = 0; i < g->op_count; i++)
		sum += g->ops[i].time_us;
	return sum;
}

/* The time of t's network with float16 in place of bfloat16; 0: it cannot be lowered. */
static double
float16_us(const struct task *t, struct arena *a)
{
	struct network n = *t->network;
	struct err e = ERR_INIT;
	struct graph g;

	for (int c = 0; c < CLASS_COUNT; c++)
		if (n.math[c] == MATH_BFLOAT16)
			n.math[c] = MATH_FLOAT16;
	return lower(&g, &n, lowering_find(t->lowering), &t->device, a, &e) < 0 ? 0 : sum_us(&g);
}

bool
task_lacks_math(struct task_math *m, const struct task *t, struct arena *a)
{
	const double *flops = t->device.compute.flops;

	*m = (struct task_math) { .wanted = MATH_FLOAT32 };
	for (uint32_t i = 0; t->has_device && i < t->graph.op_count && m->wanted == MATH_FLOAT32; i++) {
		enum math wanted = math_of(t, &t->graph.ops[i]);

		if ((wanted == MATH_BFLOAT16 || wanted == MATH_FLOAT16) && flops[wanted] <= 0 && flops[MATH_FLOAT32] > 0)
			m->wanted = wanted;
	}
	if (m->wanted == MATH_FLOAT32)
		return false;
	m->time_us = sum_us(&t->graph);
	if (m->wanted == MATH_BFLOAT16 && flops[MATH_FLOAT16] > 0 && t->network != NULL)
		m->float16_us = float16_us(t, a);
	return true;
}
