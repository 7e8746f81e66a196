/* SPDX-License-Identifier: Apache-2.0 */
/* problem.c - the end of a search: told to stop, or out of time; and a smaller budget for a plan that did not fit */
#include <config.h>
#include "planner/schedule/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "src/base/clock.h"
#include "src/base/threads.h"

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
	if (c->stopped != NULL && c->stopped(c->user))
		return true;
	return c->time_limit_s > 0 && c->begin_s > 0 && clock_seconds() - c->begin_s >= c->time_limit_s;
}

void
search_tell(const struct search_control *c, const char *fmt, ...)
{
	char line[200];
	va_list ap;

	if (c == NULL || c->progress == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	c->progress(c->user, line);
}

double
search_effort(const struct search_control *c)
{
	return c == NULL || c->effort <= 0 ? 1 : c->effort;
}

int
search_threads(const struct search_control *c)
{
	return threads_for(c == NULL ? 0 : c->threads);
}

bool
problem_tighten(struct problem *p, bytes_t excess, bytes_t least)
{
	if (excess > p->budget_bytes || p->budget_bytes - excess < least)
		return false;
	p->budget_bytes -= excess;
	return true;
}
