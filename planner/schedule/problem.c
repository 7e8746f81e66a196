/* SPDX-License-Identifier: Apache-2.0 */
/* problem.c - the end of a search: told to stop, or out of time */
#include <config.h>
#include "planner/schedule/problem.h"

#include "src/base/clock.h"

void
search_begin(struct search_control *c)
{
	if (c != NULL && c->begin_s <= 0)
		c->begin_s = clock_seconds();
}

bool
search_stopped(const struct search_control *c)
{
	if (c == NULL)
		return false;
	if (c->stopped != NULL && c->stopped())
		return true;
	return c->time_limit_s > 0 && c->begin_s > 0 && clock_seconds() - c->begin_s >= c->time_limit_s;
}
