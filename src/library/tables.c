/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - one function a table: the name and the summary of a row */
#include <config.h>
#include "src/library/tables.h"

#include <stddef.h>

#include "planner/placement/placement.h"
#include "planner/policy/policy.h"
#include "src/documents/reorder.h"
#include "src/library/task.h"
#include "src/network/layer.h"
#include "src/network/lower.h"

static const char *
row(const char *name, const char *its_summary, const char **summary)
{
	if (summary != NULL)
		*summary = its_summary;
	return name;
}

const char *
table_policies(unsigned i, const char **summary)
{
	return row(policies[i].name, policies[i].summary, summary);
}

const char *
table_placements(unsigned i, const char **summary)
{
	return row(placements[i].name, placements[i].summary, summary);
}

const char *
table_lowerings(unsigned i, const char **summary)
{
	return lowerings[i] == NULL ? NULL : row(lowerings[i]->name, lowerings[i]->summary, summary);
}

const char *
table_reorders(unsigned i, const char **summary)
{
	return row(reorders[i].name, reorders[i].summary, summary);
}

const char *
table_budget_searches(unsigned i, const char **summary)
{
	return i == 0 ? row("memory", "the smallest budget for which there is a plan", summary) : NULL;
}

/* Adds the row `repeat`.  It is no layer that computes, so the reader's table lacks it. */
const char *
table_layers(unsigned i, const char **summary)
{
	unsigned n = 0;

	while (n < i && layer_types[n] != NULL)
		n++;
	if (layer_types[n] != NULL)
		return row(layer_types[n]->name, layer_types[n]->summary, summary);
	return n == i ? row("repeat", "a stack of copies of its own layers", summary) : NULL;
}

const char *
table_times(unsigned i, const char **summary)
{
	return row(task_times[i].name, task_times[i].summary, summary);
}
