/* SPDX-License-Identifier: Apache-2.0 */
/* math_warning.h - the warning that a device does not calculate in the type that a step asks for */
#ifndef SRC_COMMAND_MATH_WARNING_H
#define SRC_COMMAND_MATH_WARNING_H
#include "src/library/task.h"

/* Warns on stderr, with the step's time, and that in float16 where the device calculates in it. */
void warn_of_math(const struct task *t, struct arena *a);
#endif
