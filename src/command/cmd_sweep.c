/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sweep.c - layrub sweep: every point of a grid planned and simulated, one line of JSON each */
#include <config.h>
#include "src/command/command.h"

#include <string.h>
#include <unistd.h>

#include "sim/report/report.h"
#include "src/base/nearest.h"
#include "src/base/process.h"
#include "src/command/result.h"
#include "src/command/sweep_jobs.h"
#include "src/command/sweep_run.h"
#include "src/documents/lookup.h"
#include "src/library/tables.h"
#include "src/network/network_set.h"

static struct sweep_options sweep;
static const char *output, *shard;
static const char *jobs;
static uint32_t parts;
static bool dry_run;

static const struct option_row options[] = {
	{ "compute-scale", 0, OPTION_FACTOR, "X", &sweep.compute_scale, "time finished plans on compute X times as fast\n(default: 1)", NULL },
	{ "replan", 0, OPTION_FLAG, NULL, &sweep.replan, "plan anew for each link; without it the plan for\n"
	    "the device's own link is timed on the others", NULL },
	{ "shard", 0, OPTION_TEXT, "I/N", &shard, "only part I of N, from 1/N to N/N (default: 1/1)", NULL },
	{ "ordered", 0, OPTION_FLAG, NULL, &sweep.ordered, "lines in the grid's order, without planning times:\nthe same bytes in every run", NULL },
	{ "dry-run", 'n', OPTION_FLAG, NULL, &dry_run, "only print the names of the points", NULL },
	{ "jobs", 0, OPTION_CHOICE, "SYSTEM", &jobs, "only print a job script that runs the grid in parts\nand joins the results in -o FILE (default: run it)", table_jobs },
	{ "parts", 0, OPTION_COUNT, "N", &parts, "of the job script (default: 8, or as many as there\nare points)", NULL },
	{ "output", 'o', OPTION_TEXT, "FILE", &output, "append results to this file; points that are in it\n"
	    "are not run again (default: standard output)", NULL },
	OPTION_END
};

/* ---- the grid ---- */

static const char *set_now[OPTION_TEXTS_MAX];	/* the combination of changes that is being made */
static size_t set_room;

static const char *const defaults[AXIS_COUNT] = {
	[AXIS_MEMORY] = "", [AXIS_HOST_MEMORY] = "", [AXIS_BATCH] = "own", [AXIS_SEQ] = "", [AXIS_IMAGE] = "", [AXIS_BUDGET] = "all", [AXIS_POLICY] = "hybrid", [AXIS_PLACEMENT] = "auto",
	[AXIS_GPUS] = "1", [AXIS_D2H] = "own", [AXIS_H2D] = "own", [AXIS_LINK] = "own",
};

static int
add_all(struct sweep_grid *g, enum axis axis, table_row_fn *rows, struct arena *a, struct err *e)
{
	const char *name;

	for (unsigned i = 0; (name = rows(i, NULL)) != NULL; i++)
		if (grid_add(g, axis, name, 0, a, e) < 0)
			return -1;
	return 0;
}

/* Refuses a name that is in no row before any point runs. */
static int
check_rows(const struct sweep_grid *g, enum axis axis, table_row_fn *rows, struct err *e)
{
	const struct axis_list *l = &g->axes[axis];
	const char *name;
	char q[48], near[NEAREST_TEXT];

	for (size_t k = 0; k < l->count; k++) {
		struct nearest typed;

		nearest_init(&typed, l->values[k].text);
		for (unsigned i = 0; (name = rows(i, NULL)) != NULL && strcmp(name, l->values[k].text) != 0; i++)
			nearest_add(&typed, name);
		if (name == NULL) {
			err_set(e, ERR_INPUT, "unknown %s '%s'%s", axis_names[axis], err_quote(q, l->values[k].text),
			    nearest_in_table(near, &typed, axis == AXIS_POLICY ? "policies" : "placements"));
			return err_at(e, "--%s", axis_names[axis]);
		}
	}
	return 0;
}

/* Returns the end of the value at text: a comma outside of brackets and quotes, or the text's end. */
static const char *
value_end(const char *text)
{
	int depth = 0;
	bool quoted = false;

	for (; *text != '\0' && (depth > 0 || quoted || *text != ','); text++) {
		if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text == '[' || *text == '{'))
			depth++;
		else if (!quoted && (*text == ']' || *text == '}'))
			depth--;
	}
	return text;
}

/* Adds every device that ships. */
static int
add_devices(struct sweep_grid *g, struct arena *a, struct err *e)
{
	uint32_t count;
	const char **names = lookup_list(LOOKUP_DEVICE, &count, a, e);

	if (names == NULL)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		if (grid_add(g, AXIS_DEVICE, names[i], 0, a, e) < 0)
			return -1;
	return 0;
}

/* Adds to the axis every combination of values of the changes from number i on.  before: the changes so far, " set=" between them. */
static int
add_sets(struct sweep_grid *g, uint32_t i, const char *before, struct arena *a, struct err *e)
{
	const struct task_options *o = &plan_given.task;
	const char *path_end, *from, *to;
	const char **changes;

	if (i == o->set_count) {
		if (grid_add(g, AXIS_SET, before, 0, a, e) < 0)
			return -1;
		if (g->axes[AXIS_SET].count == sweep.set_count)
			return 0;	/* the combination is there already */
		changes = ARENA_NEW(a, const char *, o->set_count);
		memcpy(changes, set_now, sizeof(*changes) * o->set_count);
		*ARENA_PUSH(a, sweep.sets, sweep.set_count, set_room) = changes;
		return 0;
	}
	path_end = strchr(o->set[i], '=');
	for (from = path_end + 1;; from = to + 1) {
		to = value_end(from);
		set_now[i] = arena_printf(a, "%.*s=%.*s", (int)(path_end - o->set[i]), o->set[i], (int)(to - from), from);
		if (add_sets(g, i + 1, arena_printf(a, "%s%s%s", before, i == 0 ? "" : " set=", set_now[i]), a, e) < 0)
			return -1;
		if (*to == '\0')
			return 0;
	}
}

static int
read_sets(struct sweep_grid *g, struct arena *a, struct err *e)
{
	sweep.sets = NULL;
	sweep.set_count = set_room = 0;
	return add_sets(g, 0, "", a, e);
}

static int
read_lists(struct sweep_grid *g, struct arena *a, struct err *e)
{
	static table_row_fn *const rows[AXIS_COUNT] = { [AXIS_POLICY] = table_policies, [AXIS_PLACEMENT] = table_placements };

	for (int x = AXIS_DEVICE; x < AXIS_COUNT; x++) {
		const char *list = plan_given_lists[x];

		if (x == AXIS_SET) {
			if (read_sets(g, a, e) < 0)
				return -1;
		} else if (list == NULL) {
			if (grid_add(g, (enum axis)x, defaults[x], x == AXIS_GPUS, a, e) < 0)
				return -1;
		} else if (x == AXIS_DEVICE && strcmp(list, "all") == 0) {
			if (add_devices(g, a, e) < 0)
				return -1;
		} else if (rows[x] != NULL && strcmp(list, "all") == 0) {
			if (add_all(g, (enum axis)x, rows[x], a, e) < 0)
				return -1;
		} else if (grid_parse(g, (enum axis)x, list, a, e) < 0)
			return -1;
		if (rows[x] != NULL && check_rows(g, (enum axis)x, rows[x], e) < 0)
			return -1;
	}
	return 0;
}

/* Fails for mistakes that every point would meet, before the first point runs. */
static int
check_documents(const struct sweep_grid *g, struct cli *c, struct err *e)
{
	const struct axis_list *networks = &g->axes[AXIS_NETWORK], *devices = &g->axes[AXIS_DEVICE];
	const struct task_options *o = &plan_given.task;
	struct network_changes changes;
	struct device d;

	for (size_t i = 0; i < devices->count; i++)
		if (task_read_device(&d, devices->values[i].text, NULL, &c->arena, e) < 0)
			return -1;
	for (size_t i = 0; i < networks->count; i++) {
		const char *name = networks->values[i].text, *path, *format;
		bool is_graph;

		if (strcmp(name, "-") == 0)
			return usage_error(e, NULL, "expected a file or a name, got '-': it is read once for each point");
		path = lookup(name, LOOKUP_NETWORK, &c->arena, e);
		if (path == NULL || (c->document = json_read_file(path, e)) == NULL)
			return -1;
		format = json_string_value(json_object_get(c->document, "format"));
		is_graph = format != NULL && strcmp(format, "layrub-graph") == 0;
		/* The first combination of --set: a pattern that matches nothing would fail in all. */
		if (!is_graph && network_set(&changes, c->document, sweep.sets[0], o->set_count, &c->arena, e) < 0)
			return -1;
		json_decref(c->document);
		c->document = NULL;
		if (is_graph && plan_given_lists[AXIS_BATCH] != NULL)
			return usage_error(e, "--batch", "'%s' is a graph, traced at one batch; only a network can change it", name);
		if (is_graph && o->accumulate > 0)
			return usage_error(e, "--accumulate", "'%s' is a graph, traced with its passes; only a network can change them", name);
		if (is_graph && o->set_count > 0)
			return usage_error(e, "--set", "'%s' is a graph and has no layers to change, only a network does", name);
		if (is_graph && (plan_given_lists[AXIS_SEQ] != NULL || plan_given_lists[AXIS_IMAGE] != NULL))
			return usage_error(e, plan_given_lists[AXIS_SEQ] != NULL ? "--seq" : "--image",
			    "'%s' is a graph, traced at one size; only a network can change it", name);
		if (is_graph && o->lowering != NULL)
			return usage_error(e, "--lowering", "'%s' is a graph, already lowered; only a network can be", name);
		if (!is_graph && o->times != NULL)
			return usage_error(e, "--times", "'%s' is a network and has no times of its own, only a graph does", name);
	}
	return 0;
}

static int
read_shard(struct sweep_options *o, const char *text, struct cli *c, struct err *e)
{
	const char *slash = text == NULL ? NULL : strchr(text, '/');
	uint64_t i, n;
	char q[48];

	o->shard = o->shards = 1;
	if (text == NULL)
		return 0;
	if (slash == NULL)
		return usage_error(e, "--shard", "expected a part such as 2/8, got '%s'", err_quote(q, text));
	if (units_parse_count(slash + 1, 1, 1000000, &n, e) < 0 ||
	    units_parse_count(arena_printf(&c->arena, "%.*s", (int)(slash - text), text), 1, n, &i, e) < 0)
		return usage_at(e, "--shard");
	o->shard = (uint32_t)i;
	o->shards = (uint32_t)n;
	return 0;
}

/* Returns the end of every point's name: the options of the whole sweep, which tell apart sweeps that share a file. */
static const char *
key_end(const struct sweep_options *o, struct arena *a)
{
	const struct plan_request *q = &o->request;
	const struct { const char *name, *value; } texts[] = {
		{ "lowering", q->task.lowering }, { "reorder", q->task.reorder }, { "times", q->task.times },
		{ "time-limit", q->time_limit },
	};
	const char *s = "";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].value != NULL)
			s = arena_printf(a, "%s %s=%s", s, texts[i].name, texts[i].value);
	if (q->effort > 0)
		s = arena_printf(a, "%s effort=%.10g", s, q->effort);
	if (q->floors > 0)
		s = arena_printf(a, "%s floors=%" PRIu32, s, q->floors);
	if (q->task.accumulate > 0)
		s = arena_printf(a, "%s accumulate=%" PRIu32, s, q->task.accumulate);
	if (q->link.duplex > 0)
		s = arena_printf(a, "%s duplex=%.10gB/s", s, q->link.duplex);
	if (q->link.latency >= 0)
		s = arena_printf(a, "%s latency=%.10gus", s, q->link.latency);
	if (o->compute_scale > 0)
		s = arena_printf(a, "%s compute-scale=%.10g", s, o->compute_scale);
	return o->replan ? arena_printf(a, "%s replan", s) : s;
}

static int
read_grid(struct sweep_grid *g, struct cli *c, struct err *e)
{
	*g = (struct sweep_grid) { .point_count = 0 };
	if (need_device(plan_given_lists[AXIS_DEVICE], e) < 0)
		return -1;
	for (uint32_t i = 0; c->operands[i] != NULL; i++)
		if (grid_add(g, AXIS_NETWORK, c->operands[i], 0, &c->arena, e) < 0)
			return -1;
	if (plan_request_check(&plan_given, e) < 0 || read_lists(g, &c->arena, e) < 0 || grid_finish(g, e) < 0)
		return usage_at(e, NULL);
	return check_documents(g, c, e);
}

/* ---- results ---- */

static void
print_points(const struct sweep_grid *g)
{
	char key[GRID_KEY_MAX];

	for (uint32_t id = 0; id < g->point_count; id++) {
		if (!sweep_is_ours(g, &sweep, id))
			continue;
		sweep_key(key, g, &sweep, id);
		puts(key);
	}
}

static void
print_summary(const struct sweep_counts *n, const struct cli *c)
{
	struct json_out o;

	if (!c->json) {
		text_row(stdout, "points", "%" PRIu32, n->points);
		text_row(stdout, "already in the file", "%" PRIu32, n->found);
		text_row(stdout, "done now", "%" PRIu32, n->done);
		text_row(stdout, "failed", "%" PRIu32, n->failed);
		if (n->missed > 0)
			text_row(stdout, "to be tried again", "%" PRIu32, n->missed);
		return;
	}
	result_begin(&o, cmd_sweep.name, stdout);
	json_out_uint(&o, "points", n->points);
	json_out_uint(&o, "found", n->found);
	json_out_uint(&o, "done", n->done);
	json_out_uint(&o, "failed", n->failed);
	json_out_uint(&o, "missed", n->missed);
	json_out_end(&o);
}

/* Prints the results of the file. */
static int
print_table(const struct sweep_file *f, struct arena *a, struct err *e)
{
	struct sweep s;

	if (sweep_read(&s, f->path, a, e) < 0)
		return -1;
	if (s.count + s.failure_count > 0)
		putchar('\n');
	sweep_table(stdout, &s, isatty(STDOUT_FILENO), a);
	return 0;
}

/* Ends the watch for interrupts.  After one, the program ends by the signal unless all points are in the results. */
static void
end_search(const struct sweep_counts *n)
{
	bool all = n->found + n->done == n->points;

	if (interrupt_came() && !all)
		fprintf(stderr, "layrub: interrupted with %" PRIu32 " of %" PRIu32 " points in the results; the same command goes on from there\n",
		    n->found + n->done, n->points);
	interrupt_end(all);
}

static size_t
longest_set(const struct sweep_grid *g)
{
	size_t most = 0;

	for (size_t i = 0; i < g->axes[AXIS_SET].count; i++)
		most = strlen(g->axes[AXIS_SET].values[i].text) > most ? strlen(g->axes[AXIS_SET].values[i].text) : most;
	return most;
}

/* The error of points that the system failed. */
static int
missed_points(const struct sweep_counts *n, struct err *e)
{
	char line[ERR_LINE];

	return err_set(e, ERR_SYSTEM, "%" PRIu32 " of %" PRIu32 " points could not be run; the same command tries them again: %s", n->missed, n->points,
	    err_line(line, &n->missed_why));
}

static int
print_jobs(const struct sweep_grid *g, struct cli *c, struct err *e)
{
	enum { PARTS = 8 };
	uint32_t wanted = parts > 0 ? parts : PARTS;

	if (shard != NULL)
		return usage_error(e, "--shard", "expected no part: the script gives each task its own");
	if (output != NULL && strcmp(output, "-") == 0)
		return usage_error(e, "--output", "expected a file for the joined results, got '-'");
	sweep_jobs_print(jobs, sweep_jobs_arguments(c->argc, c->argv, &c->arena), wanted < g->point_count ? wanted : g->point_count,
	    output == NULL ? "results.jsonl" : output, &c->arena);
	return 0;
}

static int
run(struct cli *c, struct err *e)
{
	bool to_file = output != NULL && strcmp(output, "-") != 0;
	struct sweep_counts n;
	struct sweep_grid g;
	struct sweep_file f;
	int rc;

	if (read_shard(&sweep, shard, c, e) < 0 || read_grid(&g, c, e) < 0)
		return -1;
	if (c->json && !to_file)
		return usage_error(e, "--json", "sums up what -o FILE got; lines on standard output are JSON as they are");
	sweep.request = plan_given;
	sweep.request.stopped = interrupted;
	sweep.key_end = key_end(&sweep, &c->arena);
	if (strlen(sweep.key_end) + longest_set(&g) > GRID_KEY_MAX / 2)
		return usage_error(e, "--set", "expected changes of at most %d bytes, which stand in every point's name, got more", GRID_KEY_MAX / 2);
	if (jobs != NULL)
		return print_jobs(&g, c, e);
	if (parts > 0)
		return usage_error(e, "--parts", "expected --jobs, whose script has parts");
	if (dry_run) {
		print_points(&g);
		return 0;
	}
	if (sweep_file_open(&f, output, &c->arena, e) < 0)
		return -1;
	if (f.dropped_bytes > 0)
		warn("%s: the last line was half written: %zu bytes dropped, its point runs again", f.path, f.dropped_bytes);
	interrupt_watch();
	sweep.progress = progress_begin();
	rc = sweep_run(&n, &g, &sweep, &f, &c->arena, e);
	progress_end();
	if (rc < 0 || sweep_file_close(&f, e) < 0)
		return -1;
	if (to_file)
		print_summary(&n, c);
	if (to_file && !c->json && print_table(&f, &c->arena, e) < 0)
		return -1;
	end_search(&n);
	if (n.missed > 0)
		return missed_points(&n, e);
	return n.failed == 0 ? 0 : err_set(e, ERR_NO, "%" PRIu32 " of %" PRIu32 " points failed: their lines have an 'error'", n.failed, n.points);
}

const struct command cmd_sweep = {
	"sweep", "NETWORK|GRAPH...", 1, 1000, "Plan and simulate every point of a grid", options, run, FOR_SWEEP
};
