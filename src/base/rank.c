/* SPDX-License-Identifier: Apache-2.0 */
/* rank.c - the two orders of ranked ids */
#include <config.h>
#include "src/base/rank.h"

#include <stdlib.h>

static int
smaller_first(const void *x, const void *y)
{
	const struct ranked *p = x, *q = y;

	if (p->first != q->first)
		return p->first < q->first ? -1 : 1;
	if (p->second != q->second)
		return p->second < q->second ? -1 : 1;
	return p->id < q->id ? -1 : p->id > q->id;
}

static int
larger_first(const void *x, const void *y)
{
	const struct ranked *p = x, *q = y;

	return p->first != q->first || p->second != q->second ? smaller_first(y, x) : smaller_first(x, y);
}

void
rank_rising(struct ranked *r, size_t count)
{
	qsort(r, count, sizeof(*r), smaller_first);
}

void
rank_falling(struct ranked *r, size_t count)
{
	qsort(r, count, sizeof(*r), larger_first);
}
