/* SPDX-License-Identifier: Apache-2.0 */
/* math_warning.c - the warning that a device does not calculate in the type that a step asks for */
#include <config.h>
#include "src/command/math_warning.h"

#include "src/base/units.h"
#include "src/command/command.h"
#include "src/library/task_math.h"

void
warn_of_math(const struct task *t, struct arena *a)
{
	struct task_math m;
	char q[48], now[32], other[32];
	const char *more = "";

	if (!task_lacks_math(&m, t, a))
		return;
	if (m.float16_us > 0)
		more = arena_printf(a, "; with --set dtype=float16 it would be %s", units_time(other, m.float16_us));
	warn("'%s' does not calculate in %s: convolutions and products take float32's time, %s a step without copies%s",
	    err_quote(q, t->device.name), math_names[m.wanted], units_time(now, m.time_us), more);
}
