/* SPDX-License-Identifier: Apache-2.0 */
/* policies.c - the table of policies, and lookups in it */
#include <config.h>
#include "planner/policy/policy.h"

#include <string.h>

#define OURS(name, fn, summary) { name, summary, fn, true, true, true, NULL },
#define ROW(name, fn, summary) { name, summary, fn, true, false, false, NULL },
#define SLOW(name, fn, summary) { name, summary, fn, false, true, false, NULL },
const struct policy policies[] = { POLICIES_OURS(OURS) POLICIES(ROW) POLICIES_SLOW(SLOW) { NULL, NULL, NULL, false, false, false, NULL } };
#undef SLOW
#undef ROW
#undef OURS

bytes_t
policy_least_budget(const struct policy *row, const struct lifetimes *l)
{
	return row->moves_persistent ? l->bound_bytes : l->resident_bound_bytes;
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
