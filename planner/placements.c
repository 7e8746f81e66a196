/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/placement.h"

#include <string.h>

#define ROW(name, fn, summary) { name, summary, fn },
const struct placement placements[] = { PLACEMENTS(ROW) { NULL, NULL, NULL } };
#undef ROW

const struct placement *
placement_find(const char *name)
{
	for (const struct placement *p = placements; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

bytes_t
placement_bound(const struct place_problem *p, struct arena *a)
{
	uint32_t end = 0;
	bytes_t *change, sum = 0, most = 0;

	for (uint32_t i = 0; i < p->count; i++)
		end = p->items[i].upper > end ? p->items[i].upper : end;
	change = ARENA_NEW(a, bytes_t, (size_t)end + 1);
	for (uint32_t i = 0; i < p->count; i++) {
		bytes_t bytes = bytes_align(p->items[i].bytes, p->align);

		change[p->items[i].lower] += bytes;
		change[p->items[i].upper] -= bytes;	/* unsigned: the sum comes out right */
	}
	for (uint32_t k = 0; k < end; k++) {
		sum += change[k];
		most = sum > most ? sum : most;
	}
	return most;
}
