/* SPDX-License-Identifier: Apache-2.0 */
/* policy_external.c - a policy that is a program of its own, in any language
 *
 * The program reads a "layrub-schedule-problem" from standard input and writes a "layrub-schedule" to standard output
 * (docs/add-policy.md).  It chooses idle intervals, and whether the tensor is offloaded or dropped over each.  The moments of the copies
 * that it leaves open follow from the link's rates, as for the other policies.  Placement, check and simulation do not know that the
 * choice came from outside.
 */
#include <config.h>
#include "planner/policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "planner/schedule/occupancy.h"
#include "src/base/filter.h"
#include "src/base/json.h"

struct external {
	const struct problem *problem;
	struct occupancy live;
	struct decisions decisions;
	struct timed_interval *intervals;	/* [count] the ids are positions */
	uint32_t count;
	uint32_t *chosen, chosen_count;		/* those to be offloaded, with times that are open */
	bool *seen;				/* [count] */
};

/* ---- the problem ---- */

static void
find_intervals(struct external *x, struct arena *a)
{
	static const enum interval_set sets[] = { INTERVALS_PERSISTENT, INTERVALS_BETWEEN_USES, INTERVALS_OF_RESULTS };
	enum { SETS = sizeof(sets) / sizeof(sets[0]) };
	struct timed_interval *part[SETS];
	uint32_t counts[SETS];

	for (size_t i = 0; i < SETS; i++) {
		part[i] = occupancy_intervals(&x->live, sets[i], &counts[i], a);
		x->count += counts[i];
	}
	x->intervals = ARENA_NEW(a, struct timed_interval, x->count);
	x->chosen = ARENA_NEW(a, uint32_t, x->count);
	x->seen = ARENA_NEW(a, bool, x->count);
	for (size_t i = 0, n = 0; i < SETS; n += counts[i++])
		if (counts[i] > 0)
			memcpy(x->intervals + n, part[i], counts[i] * sizeof(*part[i]));
}

static bool
may_drop(const struct external *x, uint32_t id)
{
	return !kind_is_persistent(x->problem->graph->tensors[x->intervals[id].idle.tensor].kind);
}

static void
write_intervals(const struct external *x, struct json_out *o)
{
	json_out_array(o, "intervals", true);
	for (uint32_t i = 0; i < x->count; i++) {
		const struct timed_interval *j = &x->intervals[i];

		json_out_object(o, NULL, false);
		json_out_uint(o, "id", i);
		json_out_uint(o, "tensor", j->idle.tensor);
		json_out_uint(o, "from", j->idle.from);
		json_out_uint(o, "to", j->idle.to);
		json_out_uint(o, "bytes", j->bytes);
		json_out_real(o, "out_us", j->out_us);
		json_out_real(o, "in_us", j->in_us);
		if (may_drop(x, i))
			json_out_bool(o, "may_drop", true);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
write_problem(const struct external *x, FILE *to)
{
	const struct problem *p = x->problem;
	struct json_out o;

	json_out_begin(&o, to);
	json_out_string(&o, "format", "layrub-schedule-problem");
	json_out_uint(&o, "version", 1);
	json_out_uint(&o, "budget_bytes", p->budget_bytes);
	json_out_array(&o, "live_bytes", false);
	for (uint32_t k = 0; k < p->graph->op_count; k++)
		json_out_uint(&o, NULL, (uint64_t)occupancy_most(&x->live, k, k + 1));
	json_out_end_array(&o);
	write_intervals(x, &o);
	graph_to_json(p->graph, "graph", &o);
	device_to_json(p->device, "device", &o);
	json_out_end(&o);
}

/* Returns the problem's text for the caller to free(). */
static char *
problem_text(const struct external *x, size_t *size, struct err *e)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, size);
	bool failed;

	if (to == NULL) {
		err_set(e, ERR_SYSTEM, "out of memory");
		return NULL;
	}
	write_problem(x, to);
	failed = ferror(to) != 0;
	if (fclose(to) == 0 && !failed)
		return text;
	free(text);
	err_set(e, ERR_SYSTEM, "out of memory");
	return NULL;
}

/* ---- the answer ---- */

/* Refuses an op that is not within from..to. */
static int
check_moment(const char *key, uint32_t op, uint32_t from, uint32_t to, struct err *e)
{
	if (op >= from && op <= to)
		return 0;
	err_set(e, ERR_INPUT, "expected an op from %" PRIu32 " to %" PRIu32 ", got %" PRIu32, from, to, op);
	return err_at(e, "%s", key);
}

/* Takes interval id out of memory. */
static int
take(struct external *x, uint32_t id, enum fate fate, uint32_t gone, uint32_t back, struct err *e)
{
	const struct timed_interval *j = &x->intervals[id];

	x->decisions.fate[j->idle.slot] = (uint8_t)fate;
	if (fate == FATE_OFFLOAD && gone == PLAN_NONE && back == PLAN_NONE)
		x->chosen[x->chosen_count++] = id;
	if (fate == FATE_OFFLOAD && (gone != PLAN_NONE || back != PLAN_NONE)) {
		gone = gone == PLAN_NONE ? j->idle.from : gone;
		back = back == PLAN_NONE ? j->idle.to : back;
		if (check_moment("gone", gone, j->idle.from, j->idle.to, e) < 0 || check_moment("back", back, gone, j->idle.to, e) < 0)
			return -1;
		x->decisions.gone[j->idle.slot] = gone;
		x->decisions.back[j->idle.slot] = back;
		occupancy_add(&x->live, gone, back, -(int64_t)j->bytes);
		return 0;
	}
	occupancy_add(&x->live, j->idle.from, j->idle.to, -(int64_t)j->bytes);
	return 0;
}

static int
read_choice(struct external *x, json_t *obj, struct err *e)
{
	static const char *const fates[] = { "offload", "drop", NULL };
	uint32_t id, gone = PLAN_NONE, back = PLAN_NONE;
	int fate;
	const struct json_field fields[] = {
		{ "id", JSON_F_ID, &id, .required = true },
		{ "do", JSON_F_CHOICE, &fate, .required = true, .choices = fates },
		{ "gone", JSON_F_ID, &gone, .required = false },
		{ "back", JSON_F_ID, &back, .required = false },
		{ .key = NULL }
	};

	if (json_read_fields(obj, fields, NULL, e) < 0)
		return -1;
	if (id >= x->count) {
		err_set(e, ERR_INPUT, "expected the id of an interval, below %" PRIu32 ", got %" PRIu32, x->count, id);
		return err_at(e, "id");
	}
	if (x->seen[id]) {
		err_set(e, ERR_INPUT, "expected each interval once, got %" PRIu32 " again", id);
		return err_at(e, "id");
	}
	x->seen[id] = true;
	if (fate == 1 && !may_drop(x, id)) {
		err_set(e, ERR_INPUT, "expected 'offload', got 'drop' of a persistent tensor");
		return err_at(e, "do");
	}
	return take(x, id, fate == 1 ? FATE_DROP : FATE_OFFLOAD, gone, back, e);
}

static int
read_answer(void *to, json_t *root, struct arena *a, struct err *e)
{
	struct external *x = to;
	json_t *any, *list;
	uint32_t count;
	const struct json_field fields[] = {
		{ "format", JSON_F_ANY, &any, .required = true },
		{ "version", JSON_F_ANY, &any, .required = true },
		{ "intervals", JSON_F_ARRAY, &list, .required = true },
		{ .key = NULL }
	};

	if (json_check_format(root, "layrub-schedule", 1, NULL, e) < 0 || json_read_fields(root, fields, a, e) < 0)
		return -1;
	if (json_read_size(list, &count, e) < 0)
		return err_at(e, "intervals");
	for (uint32_t i = 0; i < count; i++)
		if (read_choice(x, json_array_get(list, i), e) < 0)
			return err_at(e, "intervals[%" PRIu32 "]", i);
	return 0;
}

/* ---- the policy ---- */

static bool
stopped(void *arg)
{
	return search_stopped(arg);
}

/* Lets the program choose. */
static int
ask(struct external *x, struct arena *a, struct err *e)
{
	const struct problem *p = x->problem;
	struct filter f = { .command = p->command, .most = json_max_input, .stopped = stopped, .arg = p->control };
	char *input, *output, *source = arena_printf(a, "--exec: %s", p->command);
	size_t size;
	int rc;

	input = problem_text(x, &f.input_size, e);
	if (input == NULL)
		return -1;
	f.input = input;
	rc = filter_run(&f, &output, &size, e);
	free(input);
	if (rc < 0)
		return err_in_file(e, source);
	rc = json_read(&(struct json_source) { .path = source, .text = output == NULL ? "" : output, .size = size }, read_answer, x, a, e);
	free(output);
	return rc;
}

int
policy_external(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct external x = { .problem = p };

	search_begin(p->control);
	occupancy_init(&x.live, p, a);
	find_intervals(&x, a);
	decisions_init(&x.decisions, p->life, a);
	if (ask(&x, a, e) < 0)
		return -1;
	occupancy_times(&x.live, &x.decisions, x.intervals, x.chosen, x.chosen_count, true, a);
	return decisions_schedule(s, &x.decisions, a, e);
}
