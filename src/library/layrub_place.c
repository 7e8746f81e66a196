/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_place.c - layrub_place(): an offset for every item of a caller's list */
#include <config.h>
#include "src/library/layrub_private.h"

#include <assert.h>
#include <string.h>

#include "planner/placement/place_check.h"
#include "src/base/threads.h"
#include "src/library/place_list.h"
#include "src/library/usage.h"

static_assert((int)LAYRUB_PLACE_OPTIMAL == PLACE_OPTIMAL && (int)LAYRUB_PLACE_FEASIBLE == PLACE_FEASIBLE &&
    (int)LAYRUB_PLACE_UNKNOWN == PLACE_UNKNOWN && (int)LAYRUB_PLACE_INFEASIBLE == PLACE_INFEASIBLE, "the answers are the same");

/* One call, with memory of its own. */
struct placing {
	struct arena arena;
	const struct layrub_item *items;	/* [count] as given */
	uint32_t count;
	const struct layrub_place_options *options;	/* as given */
	uint64_t *offsets;			/* the caller's */
	struct layrub_place_result *result;
	struct err err;
};

/* ---- the list ---- */

static int
bad_item(const char *member, uint32_t i, struct err *e)
{
	err_at(e, "%s", member);
	return err_at(e, "items[%" PRIu32 "]", i);
}

static int
take_item(struct place_item *to, const struct layrub_item *from, uint32_t i, struct place_sums *sums, struct err *e)
{
	const char *member = NULL;

	if (from->lower >= from->upper) {
		err_set(e, ERR_INPUT, "expected more than lower, %" PRId64 ", got %" PRId64, from->lower, from->upper);
		member = "upper";
	} else if (from->bytes == 0 || from->bytes > BYTES_MAX) {
		err_set(e, ERR_INPUT, "expected a whole number from 1 to 2^62, got %" PRIu64, from->bytes);
		member = "bytes";
	} else if (from->alignment > PLACE_ALIGN_MAX) {
		err_set(e, ERR_INPUT, "expected a whole number from 0 to 2^40, got %" PRIu64, from->alignment);
		member = "alignment";
	} else if (from->fixed ? from->offset_bytes > BYTES_MAX || (from->alignment > 0 && from->offset_bytes % from->alignment != 0) :
	    from->offset_bytes != 0) {
		err_set(e, ERR_INPUT, "expected %s, got %" PRIu64, from->fixed ? "a multiple of the alignment, at most 2^62" :
		    "0 for an item that is not fixed", from->offset_bytes);
		member = "offset_bytes";
	}
	if (member != NULL)
		return bad_item(member, i, e);
	*to = (struct place_item) { .bytes = from->bytes, .align = from->alignment, .fixed = from->fixed ? from->offset_bytes : PLACE_FREE };
	if (place_sums_add(sums, to))
		return 0;
	err_set(e, ERR_INPUT, "expected sizes and offsets that add up to at most 2^62");
	return bad_item("bytes", i, e);
}

static struct place_item *
take_items(struct placing *p)
{
	struct arena *a = &p->arena;
	struct place_item *items = ARENA_NEW(a, struct place_item, p->count);
	int64_t *lowers = ARENA_NEW(a, int64_t, p->count), *uppers = ARENA_NEW(a, int64_t, p->count);
	struct place_sums sums = { .all = 0 };

	for (uint32_t i = 0; i < p->count; i++) {
		if (take_item(&items[i], &p->items[i], i, &sums, &p->err) < 0)
			return NULL;
		lowers[i] = p->items[i].lower;
		uppers[i] = p->items[i].upper;
	}
	place_rank_times(items, lowers, uppers, p->count, a);
	return items;
}

/* Refuses fixed items that share bytes. */
static int
check_fixed(const struct place_problem *problem, struct placing *p)
{
	struct err clash = ERR_INIT;
	struct place_fault fault;

	if (place_check_fixed(problem, &fault, &p->arena, &clash) == 0)
		return 0;
	err_set(&p->err, ERR_INPUT, "shares bytes with items[%" PRIu32 "], which is alive at the same time", fault.other);
	return bad_item("offset_bytes", fault.item, &p->err);
}

/* ---- the call ---- */

static int
check_options(const struct layrub_place_options *o, const struct placement *row, struct err *e)
{
	if (row == NULL)
		return usage_unknown(e, "--placement", o->placement);
	if (!(o->time_limit_s >= 0 && o->time_limit_s <= 1e9))
		return usage_error(e, "--time-limit", "expected from 0 to 1e9 seconds");
	if (o->threads > THREADS_MAX)
		return usage_error(e, "threads", "expected at most %d threads, got %" PRIu32, THREADS_MAX, o->threads);
	if (o->capacity_bytes > BYTES_MAX)
		return usage_error(e, "--capacity", "expected at most %" PRI_BYTES " bytes", BYTES_MAX);
	return 0;
}

static int
place(void *arg)
{
	struct placing *p = arg;
	struct layrub_place_options o = { .size = 0 };
	struct layrub_place_result result = { .size = 0 };
	struct place_problem problem;
	struct place_result r;
	const struct placement *row;

	if (options_copy(&o, sizeof(o), p->options, "layrub_place_options", &p->err) < 0)
		return -1;
	row = placement_find(o.placement == NULL ? placements[0].name : o.placement);
	if (check_options(&o, row, &p->err) < 0)
		return -1;
	if (p->result != NULL && p->result->size < sizeof(p->result->size))
		return usage_error(&p->err, "layrub_place_result", "expected the size of the struct, %zu bytes", sizeof(result));
	if (take_array(p->items, p->count, "items", &p->err) < 0 || take_array(p->offsets, p->count, "offsets", &p->err) < 0)
		return -1;
	problem = (struct place_problem) { .count = p->count, .align = 1, .thorough = true, .capacity = o.capacity_bytes, .time_limit_s = o.time_limit_s,
	    .threads = o.threads, .stopped = o.stopped, .progress = o.progress, .user = o.user };
	problem.items = take_items(p);
	if (problem.items == NULL || check_fixed(&problem, p) < 0)
		return -1;
	r.offsets = ARENA_NEW(&p->arena, bytes_t, p->count);
	if (place_list_run(&r, row, &problem, &p->arena, &p->err) < 0)
		return -1;
	if (p->count > 0)
		memcpy(p->offsets, r.offsets, sizeof(*r.offsets) * p->count);
	result.arena_bytes = r.arena_bytes;
	result.bound_bytes = r.bound_bytes;
	result.status = (uint32_t)place_status_of(&r, o.capacity_bytes);
	if (p->result != NULL)
		result_copy(p->result, &result, sizeof(result));
	return 0;
}

int
layrub_place(const struct layrub_item *items, uint32_t count, const struct layrub_place_options *options, uint64_t *offsets,
    struct layrub_place_result *result, struct layrub_error *error)
{
	struct placing p = { .items = items, .count = count, .options = options, .offsets = offsets, .result = result, .err = ERR_INIT };
	int rc = guard(&p.arena, place, &p, &p.err, error);

	arena_free(&p.arena);
	return rc;
}
