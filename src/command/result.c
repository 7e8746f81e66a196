/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/command/result.h"

#include <math.h>
#include <stddef.h>

#include "src/base/json.h"
#include "src/command/command.h"

enum field_type { F_TEXT, F_COUNT, F_BYTES, F_RATIO, F_PERCENT, F_TIME, F_SECONDS };

struct field {
	const char *name, *label;
	enum field_type type;
	size_t at;
};

#define FIELD(type, member, label) { #member, label, type, offsetof(struct result, member) }
static const struct field fields[] = {
	FIELD(F_TEXT, graph, "graph"),
	FIELD(F_TEXT, device, "device"),
	FIELD(F_COUNT, batch, "batch"),
	FIELD(F_TEXT, policy, "policy"),
	FIELD(F_TEXT, found_by, "found by"),
	FIELD(F_TEXT, placement, "placement"),
	FIELD(F_BYTES, budget_bytes, "budget"),
	FIELD(F_BYTES, peak_bytes, "peak"),
	FIELD(F_BYTES, arena_bytes, "arena"),
	FIELD(F_RATIO, fragmentation, "fragmentation"),
	FIELD(F_BYTES, host_bytes, "pinned host memory"),
	FIELD(F_BYTES, occupancy_bytes, "in use, most"),
	FIELD(F_BYTES, host_occupancy_bytes, "pinned in use, most"),
	FIELD(F_TIME, ideal_time_us, "ideal time"),
	FIELD(F_TIME, step_time_us, "step time"),
	FIELD(F_PERCENT, overhead, "overhead"),
	FIELD(F_TIME, stall_time_us, "stalled"),
	FIELD(F_TIME, recompute_time_us, "recomputing"),
	FIELD(F_BYTES, offload_bytes, "offloaded"),
	FIELD(F_BYTES, fetch_bytes, "fetched"),
	FIELD(F_BYTES, bound_bytes, "bound"),
	FIELD(F_BYTES, resident_bound_bytes, "resident bound"),
	FIELD(F_TIME, bound_time_us, "bound on time"),
	FIELD(F_PERCENT, gap, "gap in time"),
	FIELD(F_PERCENT, bytes_gap, "gap in bytes"),
	FIELD(F_SECONDS, plan_time_s, "planned in"),
	FIELD(F_TEXT, status, "status"),
	FIELD(F_TEXT, reason, "reason"),
};
#undef FIELD
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

static const char *
text_of(const struct result *r, const struct field *f)
{
	return *(const char *const *)((const char *)r + f->at);
}

static uint64_t
count_of(const struct result *r, const struct field *f)
{
	return *(const uint64_t *)((const char *)r + f->at);
}

static double
real_of(const struct result *r, const struct field *f)
{
	return *(const double *)((const char *)r + f->at);
}

static bool
is_known(const struct result *r, const struct field *f)
{
	switch (f->type) {
	case F_TEXT:
		return text_of(r, f) != NULL;
	case F_COUNT:
	case F_BYTES:
		return count_of(r, f) != RESULT_UNKNOWN;
	default:
		return !isnan(real_of(r, f));
	}
}

void
result_init(struct result *r)
{
	for (const struct field *f = fields; f < fields + FIELD_COUNT; f++) {
		void *to = (char *)r + f->at;

		switch (f->type) {
		case F_TEXT:
			*(const char **)to = NULL;
			break;
		case F_COUNT:
		case F_BYTES:
			*(uint64_t *)to = RESULT_UNKNOWN;
			break;
		default:
			*(double *)to = NAN;
		}
	}
}

void
result_derive(struct result *r)
{
	if (r->ideal_time_us > 0)
		r->overhead = r->step_time_us / r->ideal_time_us - 1;
	if (r->bound_time_us > 0)
		r->gap = r->step_time_us / r->bound_time_us - 1;
}

void
result_from_plan(struct result *r, const struct plan *p)
{
	result_init(r);
	r->graph = p->graph->name;
	r->device = p->device->name;
	if (p->batch > 0)
		r->batch = p->batch;
	r->policy = p->policy;
	r->found_by = p->found_by;
	r->placement = p->placement;
	r->status = p->status;
	r->budget_bytes = p->budget_bytes;
	r->peak_bytes = p->figures.peak_bytes;
	r->arena_bytes = p->arena_bytes;
	r->host_bytes = p->host_bytes;
	r->offload_bytes = p->figures.offload_bytes;
	r->fetch_bytes = p->figures.fetch_bytes;
	r->bound_bytes = p->figures.bound_bytes;
	r->resident_bound_bytes = p->figures.resident_bound_bytes;
	if (r->peak_bytes > 0)
		r->fragmentation = (double)r->arena_bytes / (double)r->peak_bytes;
	if (r->bound_bytes > 0)
		r->bytes_gap = (double)r->arena_bytes / (double)r->bound_bytes - 1;
	r->ideal_time_us = p->predicted.ideal_time_us;
	r->step_time_us = p->predicted.step_time_us;
	r->stall_time_us = p->predicted.stall_time_us;
	r->recompute_time_us = p->predicted.recompute_time_us;
	if (p->bound_time_us > 0)
		r->bound_time_us = p->bound_time_us;
	result_derive(r);
}

void
result_print(const struct result *r, FILE *out)
{
	char buf[32];

	for (const struct field *f = fields; f < fields + FIELD_COUNT; f++) {
		if (!is_known(r, f))
			continue;
		switch (f->type) {
		case F_TEXT:
			text_row(out, f->label, "%s", text_of(r, f));
			break;
		case F_COUNT:
			text_row(out, f->label, "%" PRIu64, count_of(r, f));
			break;
		case F_BYTES:
			text_row(out, f->label, "%s", units_size(buf, count_of(r, f)));
			break;
		case F_RATIO:
			text_row(out, f->label, "%.3f", real_of(r, f));
			break;
		case F_PERCENT:
			text_row(out, f->label, "%.1f %%", 100 * real_of(r, f));
			break;
		case F_TIME:
			text_row(out, f->label, "%s", units_time(buf, real_of(r, f)));
			break;
		case F_SECONDS:
			text_row(out, f->label, "%s", units_time(buf, 1e6 * real_of(r, f)));
		}
	}
}

void
result_to_json(const struct result *r, struct json_out *o)
{
	for (const struct field *f = fields; f < fields + FIELD_COUNT; f++) {
		if (!is_known(r, f))
			continue;
		switch (f->type) {
		case F_TEXT:
			json_out_string(o, f->name, text_of(r, f));
			break;
		case F_COUNT:
		case F_BYTES:
			json_out_uint(o, f->name, count_of(r, f));
			break;
		default:
			json_out_real(o, f->name, real_of(r, f));
		}
	}
}
