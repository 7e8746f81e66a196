/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/policy.h"

#include <string.h>

#define ROW(name, fn, summary) { name, summary, fn, true },
#define SLOW(name, fn, summary) { name, summary, fn, false },
const struct policy policies[] = { POLICIES(ROW) POLICIES_SLOW(SLOW) { NULL, NULL, NULL, false } };
#undef SLOW
#undef ROW

const struct policy *
policy_find(const char *name)
{
	for (const struct policy *p = policies; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}
