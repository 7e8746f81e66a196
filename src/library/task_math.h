/* SPDX-License-Identifier: Apache-2.0 */
/* task_math.h - number types that a training step asks for and its device does not calculate in: such ops take float32's time */
#ifndef SRC_LIBRARY_TASK_MATH_H
#define SRC_LIBRARY_TASK_MATH_H
#include "src/library/task.h"

struct task_math {
	enum math wanted;	/* the type that the device lacks */
	double time_us;		/* of the step with everything resident */
	double float16_us;	/* of the same step in float16 in place of bfloat16; 0: the device lacks that, too, or the step is a graph */
};

/* Returns true, and fills m, where the device of t lacks a type of 16 bits that t's convolutions, products or attention calculate in. */
bool task_lacks_math(struct task_math *m, const struct task *t, struct arena *a);
#endif
