/* SPDX-License-Identifier: Apache-2.0 */
/* result.h - the figures of a plan and its simulation, under the same names everywhere
 *
 * A figure that is not known is left out, both in the table and in the JSON document.
 */
#ifndef SRC_COMMAND_RESULT_H
#define SRC_COMMAND_RESULT_H
#include <stdio.h>

#include "src/documents/plan.h"

#define RESULT_UNKNOWN UINT64_MAX	/* of a count of bytes; a real number: NaN, a string: NULL */

struct result {
	const char *graph, *device, *policy, *found_by, *placement, *status, *reason;
	uint64_t batch;
	bytes_t budget_bytes, peak_bytes, arena_bytes, host_bytes;
	bytes_t offload_bytes, fetch_bytes, bound_bytes, resident_bound_bytes;
	double fragmentation, ideal_time_us, step_time_us, overhead, stall_time_us, recompute_time_us;
	double bound_time_us, gap, bytes_gap, plan_time_s;
	bytes_t occupancy_bytes, host_occupancy_bytes;
};

/* Nothing known. */
void result_init(struct result *r);

/* What plan p says of itself, its prediction included.  Strings are not copied. */
void result_from_plan(struct result *r, const struct plan *p);

/* The figures that follow from others: overhead, gap. */
void result_derive(struct result *r);

/* Known fields as "label   value" lines. */
void result_print(const struct result *r, FILE *out);

/* Known fields as members of the object that is open in o. */
struct json_out;
void result_to_json(const struct result *r, struct json_out *o);
#endif
