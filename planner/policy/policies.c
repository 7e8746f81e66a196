/* SPDX-License-Identifier: Apache-2.0 */
/* policies.c - the table of policies, and lookups in it */
#include <config.h>
#include "planner/policy/policy.h"

#include <string.h>

#include "planner/schedule/homes.h"

#define OURS(id, fn, text) { .name = id, .summary = text, .plan = fn, .quick = true, .moves_persistent = true, .has_floors = true, \
	.begins_on_host = true },
#define ROW(id, fn, text) { .name = id, .summary = text, .plan = fn, .quick = true },
#define SLOW(id, fn, text) { .name = id, .summary = text, .plan = fn, .moves_persistent = true },
const struct policy policies[] = { POLICIES_OURS(OURS) POLICIES(ROW) POLICIES_SLOW(SLOW) { .name = NULL } };
#undef SLOW
#undef ROW
#undef OURS

bytes_t
policy_least_budget(const struct policy *row, const struct lifetimes *l)
{
	return row->moves_persistent ? l->bound_bytes : l->resident_bound_bytes;
}

bool
policy_takes_homes(const struct policy *row, const struct lifetimes *l)
{
	return l->homes == NULL || l->homes->host_bytes == 0 || row->begins_on_host;
}

const struct policy *
policy_find(const char *name)
{
	for (const struct policy *p = policies; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

struct policy
policy_external_row(const char *name)
{
	return (struct policy) { .name = name, .summary = "a program of one's own", .plan = policy_external, .moves_persistent = true,
	    .command = name + strlen(POLICY_EXTERNAL) };
}
