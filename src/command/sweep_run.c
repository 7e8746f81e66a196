/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_run.c - groups of points as tasks, and their lines */
#include <config.h>
#include "src/command/sweep_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/report.h"
#include "src/base/clock.h"
#include "src/command/command.h"
#include "src/command/result.h"

enum {
	CHUNK = 16,		/* simulations that one task makes */
	POINT_TODO = 0, POINT_PENDING = 1, POINT_OVER = 2
};

struct sweep_state {
	const struct sweep_grid *grid;
	const struct sweep_options *options;
	const struct sweep_file *file;
	struct sweep_counts counts;
	unsigned char *state;		/* [point_count] */
	char **lines;			/* [point_count] when ordered: lines that wait for earlier ones */
	uint32_t next;			/* when ordered: the first point that is not over */
	double began_s;
	bool broken;			/* the file cannot be written: err says why */
	struct err err;
};

/* One plan, and the points that are simulations of it. */
struct group {
	struct sweep_state *sweep;
	uint32_t first;			/* point */
	struct arena arena;
	struct task task;
	struct planning planning;
	struct plan plan;
	const struct plan *start;	/* NULL, or the plan for a slower link; the plan is no slower than this one on the group's link */
	double plan_time_s;
	struct err err;			/* why there is no plan */
};

/* One point on a thread. */
struct point {
	const struct group *group;
	uint32_t id;
	struct arena arena;
	struct device device;
	struct sim_result sim;
	struct err err;
};

void
sweep_key(char key[GRID_KEY_MAX], const struct sweep_grid *g, const struct sweep_options *o, uint32_t point)
{
	size_t n;

	grid_key(key, g, point);
	n = strlen(key);
	snprintf(key + n, GRID_KEY_MAX - n, "%s", o->key_end);
}

bool
sweep_is_ours(const struct sweep_grid *g, const struct sweep_options *o, uint32_t point)
{
	uint32_t groups = g->point_count / g->link_count;
	uint32_t unit = groups >= o->shards ? point / g->link_count : point;

	return unit % o->shards == o->shard - 1;
}

static bool
is_stopped(const struct sweep_state *s)
{
	const struct plan_request *q = &s->options->request;

	return q->stopped != NULL && q->stopped(q->user);
}

static const char *
text_at(const struct sweep_state *s, uint32_t point, enum axis x)
{
	return grid_value(s->grid, point, x)->text;
}

/* Returns the text of an axis that may be absent; NULL: absent. */
static const char *
text_or_null(const struct sweep_state *s, uint32_t point, enum axis x)
{
	const char *text = text_at(s, point, x);

	return *text == '\0' ? NULL : text;
}

static struct what_if
change_at(const struct sweep_state *s, uint32_t point)
{
	const struct sweep_options *o = s->options;
	double both = grid_value(s->grid, point, AXIS_LINK)->number;
	struct what_if w = o->request.link;

	w.rate[D2H] = both > 0 ? both : grid_value(s->grid, point, AXIS_D2H)->number;
	w.rate[H2D] = both > 0 ? both : grid_value(s->grid, point, AXIS_H2D)->number;
	w.gpus_per_link = (uint32_t)grid_value(s->grid, point, AXIS_GPUS)->number;
	return w;
}

/* ---- lines ---- */

static void
tell(struct sweep_state *s)
{
	const struct sweep_counts *c = &s->counts;
	double rate = c->done / fmax(clock_seconds() - s->began_s, 1e-6);
	uint32_t todo = c->points - c->found;
	char left[32], line[160];

	if (s->options->progress == NULL)
		return;
	snprintf(line, sizeof(line), "%u/%u points, %.3g a second, %s left, %u failed", c->done, todo, rate,
	    units_time(left, rate > 0 ? 1e6 * (todo - c->done) / rate : 0), c->failed);
	s->options->progress(NULL, line);
}

static void
put_line(struct sweep_state *s, const char *line)
{
	if (!s->broken && sweep_file_write(s->file, line, strlen(line), &s->err) < 0)
		s->broken = true;
}

/* Ends the sweep, because there is no memory for a line.  The next sweep runs the point again. */
static void
miss_line(struct sweep_state *s)
{
	#pragma omp critical(sweep_lines)
	if (!s->broken) {
		err_set(&s->err, ERR_SYSTEM, "out of memory");
		s->broken = true;
	}
}

/* Writes the lines that wait for no earlier point any more. */
static void
put_ready_lines(struct sweep_state *s)
{
	for (; s->next < s->grid->point_count && s->state[s->next] != POINT_TODO; s->next++) {
		if (s->state[s->next] != POINT_PENDING)
			continue;
		put_line(s, s->lines[s->next]);
		free(s->lines[s->next]);
		s->lines[s->next] = NULL;
		s->state[s->next] = POINT_OVER;
	}
}

/* Takes a point's line, which malloc() allocated, and writes it.  When ordered, a line waits until all earlier points are over. */
static void
take_line(struct sweep_state *s, uint32_t point, char *line, bool failed)
{
	#pragma omp critical(sweep_lines)
	{
		s->counts.done++;
		s->counts.failed += failed;
		if (s->options->ordered) {
			s->lines[point] = line;
			s->state[point] = POINT_PENDING;
			put_ready_lines(s);
		} else {
			put_line(s, line);
			free(line);
			s->state[point] = POINT_OVER;
		}
		tell(s);
	}
}

/* Leaves out the line of a point that the system failed.  The next sweep runs it again. */
static void
miss_point(struct sweep_state *s, const struct point *p)
{
	#pragma omp critical(sweep_lines)
	{
		if (s->counts.missed++ == 0)
			s->counts.missed_why = p->err;
		s->state[p->id] = POINT_OVER;
		if (s->options->ordered)
			put_ready_lines(s);
	}
}

static void
link_to_json(const struct point *p, struct json_out *o)
{
	const struct sweep_state *s = p->group->sweep;

	json_out_uint(o, "gpus_per_link", (uint64_t)grid_value(s->grid, p->id, AXIS_GPUS)->number);
	if (p->err.code != ERR_NONE)
		return;
	json_out_real(o, "d2h_bytes_per_s", p->device.link[D2H].bytes_per_s);
	json_out_real(o, "h2d_bytes_per_s", p->device.link[H2D].bytes_per_s);
	json_out_real(o, "duplex_bytes_per_s", p->device.duplex_bytes_per_s);
}

static void
error_to_json(const struct err *e, struct json_out *o)
{
	char line[ERR_LINE];

	json_out_string(o, "error", err_line(line, e));
}

/* Fills f with the known figures of a point.  A failed point has some, too. */
static void
figures_of_point(struct figures *f, const struct point *p)
{
	const struct group *g = p->group;
	const struct sweep_state *s = g->sweep;
	double batch = grid_value(s->grid, p->id, AXIS_BATCH)->number;
	struct what_if w = change_at(s, p->id);

	if (p->err.code == ERR_NONE) {
		figures_of_plan(f, &g->plan);
		figures_simulate(f, &p->sim, s->options->compute_scale > 0 || (!s->options->replan && what_if_any(&w)));
		if (!s->options->ordered)
			f->plan_time_s = g->plan_time_s;
		return;
	}
	figures_init(f);
	f->graph = g->task.graph.name;
	f->device = g->task.has_device ? g->task.device.name : text_at(s, p->id, AXIS_DEVICE);
	if (g->task.batch > 0 || batch > 0)
		f->batch = g->task.batch > 0 ? g->task.batch : (uint64_t)batch;
	f->policy = text_at(s, p->id, AXIS_POLICY);
	f->placement = text_at(s, p->id, AXIS_PLACEMENT);
	if (g->planning.options.budget_bytes > 0)
		f->budget_bytes = g->planning.options.budget_bytes;
	if (p->err.code == ERR_NO)
		f->status = "infeasible";
}

static void
finish_point(const struct point *p)
{
	struct sweep_state *s = p->group->sweep;
	char key[GRID_KEY_MAX], *line = NULL;
	struct json_out o;
	struct figures f;
	size_t length;
	FILE *out = open_memstream(&line, &length);
	bool whole;

	if (p->err.code == ERR_SYSTEM) {
		if (out != NULL)
			fclose(out);
		free(line);
		miss_point(s, p);
		return;
	}
	if (out == NULL) {
		miss_line(s);
		return;
	}
	figures_of_point(&f, p);
	sweep_key(key, s->grid, s->options, p->id);
	json_out_init(&o, out);
	json_out_object(&o, NULL, false);
	json_out_string(&o, "format", SWEEP_LINE);
	json_out_uint(&o, "version", 1);
	json_out_string(&o, "point", key);
	json_out_string(&o, "network", text_at(s, p->id, AXIS_NETWORK));
	result_to_json(&f, &o);
	if (p->group->task.accumulate > 1)
		json_out_uint(&o, "accumulate", p->group->task.accumulate);
	link_to_json(p, &o);
	if (p->err.code != ERR_NONE)
		error_to_json(&p->err, &o);
	json_out_end(&o);
	whole = !ferror(out);
	whole &= fclose(out) == 0;
	if (whole) {
		take_line(s, p->id, line, p->err.code != ERR_NONE);
	} else {
		free(line);
		miss_line(s);
	}
}

/* ---- points ---- */

static int
simulate_point(void *arg)
{
	struct point *p = arg;
	const struct sweep_state *s = p->group->sweep;
	struct what_if w = change_at(s, p->id);
	struct plan plan = p->group->plan;

	p->device = *plan.device;
	if (!s->options->replan)
		what_if_device(&p->device, &w, &p->arena);
	if (s->options->compute_scale > 0)
		what_if_compute(&plan, s->options->compute_scale, &p->arena);
	return simulate(&p->sim, &plan, &p->device, &p->arena, &p->err);
}

static void
run_points(const struct group *g, uint32_t from, uint32_t to)
{
	struct sweep_state *s = g->sweep;

	for (uint32_t id = from; id < to && !is_stopped(s) && !s->broken; id++) {
		struct point p = { .group = g, .id = id, .arena = ARENA_INIT, .err = g->err };

		if (s->state[id] != POINT_TODO)
			continue;
		if (p.err.code == ERR_NONE && arena_run(&p.arena, simulate_point, &p, &p.err) < 0 && p.err.code == ERR_NONE)
			err_set(&p.err, ERR_SYSTEM, "failed without a reason");
		finish_point(&p);
		arena_free(&p.arena);
	}
}

static int
plan_group(void *arg)
{
	struct group *g = arg;
	const struct sweep_state *s = g->sweep;
	struct plan_request q = s->options->request;
	const char *budget = text_at(s, g->first, AXIS_BUDGET);
	double begin;

	q.task.device = text_at(s, g->first, AXIS_DEVICE);
	q.task.batch = (uint32_t)grid_value(s->grid, g->first, AXIS_BATCH)->number;
	q.task.seq = (uint32_t)grid_value(s->grid, g->first, AXIS_SEQ)->number;
	q.task.image = (uint32_t)grid_value(s->grid, g->first, AXIS_IMAGE)->number;
	q.task.set = s->options->sets[grid_value(s->grid, g->first, AXIS_SET) - s->grid->axes[AXIS_SET].values];
	q.task.memory = text_or_null(s, g->first, AXIS_MEMORY);
	q.task.host_memory = text_or_null(s, g->first, AXIS_HOST_MEMORY);
	q.budget = strcmp(budget, "all") == 0 ? NULL : budget;
	q.policy = text_at(s, g->first, AXIS_POLICY);
	q.placement = text_at(s, g->first, AXIS_PLACEMENT);
	q.link = s->options->replan ? change_at(s, g->first) : (struct what_if) WHAT_IF_INIT;
	q.start_plan = g->start;
	if (plan_request_task(&g->task, text_at(s, g->first, AXIS_NETWORK), NULL, &q, &g->arena, &g->err) < 0 ||
	    planning_begin(&g->planning, &q, &g->task, &g->arena, &g->err) < 0)
		return -1;
	begin = clock_seconds();
	if (planning_run(&g->plan, &g->planning, &g->arena, &g->err) < 0)
		return -1;
	g->plan_time_s = clock_seconds() - begin;
	return 0;
}

static void
run_group(struct sweep_state *s, uint32_t first, uint32_t count)
{
	struct group g = { .sweep = s, .first = first, .arena = ARENA_INIT, .err = ERR_INIT };

	if (is_stopped(s) || s->broken)
		return;
	if (arena_run(&g.arena, plan_group, &g, &g.err) < 0 && g.err.code == ERR_NONE)
		err_set(&g.err, ERR_SYSTEM, "failed without a reason");
	if (count <= CHUNK)
		run_points(&g, first, first + count);
	else {
		for (uint32_t from = first; from < first + count; from += CHUNK) {
			uint32_t to = from + CHUNK < first + count ? from + CHUNK : first + count;

			#pragma omp task shared(g) firstprivate(from, to)
			run_points(&g, from, to);
		}
		#pragma omp taskwait
	}
	arena_free(&g.arena);
}

/* ---- a link after the other ---- */

/* The plan for the last link, in memory of its own. */
struct carried { struct arena arena; const struct group *from; struct plan plan; bool has_plan; };

static int
carry(void *arg)
{
	struct carried *c = arg;

	plan_copy(&c->plan, &c->from->plan, &c->arena);
	c->plan.graph = NULL;		/* those of the group end with it */
	c->plan.device = NULL;
	c->has_plan = true;
	return 0;
}

/* Plans for the link of one point, no slower than the last one's plan would be on it, and runs the point if it has not run. */
static void
run_link(struct sweep_state *s, uint32_t id, struct carried *last)
{
	struct group g = { .sweep = s, .first = id, .arena = ARENA_INIT, .err = ERR_INIT, .start = last->has_plan ? &last->plan : NULL };
	struct carried next = { .arena = ARENA_INIT, .from = &g };
	struct err e = ERR_INIT;

	if (arena_run(&g.arena, plan_group, &g, &g.err) < 0 && g.err.code == ERR_NONE)
		err_set(&g.err, ERR_SYSTEM, "failed without a reason");
	run_points(&g, id, id + 1);
	if (g.err.code == ERR_NONE && arena_run(&next.arena, carry, &next, &e) == 0) {
		arena_free(&last->arena);
		*last = next;
	} else {
		arena_free(&next.arena);
	}
	arena_free(&g.arena);
}

/* A point and the speed of its link: a link that is faster in both directions comes later. */
struct link_speed { double bytes_per_s; uint32_t id; };

static int
by_speed(const void *x, const void *y)
{
	const struct link_speed *a = x, *b = y;

	return a->bytes_per_s < b->bytes_per_s ? -1 : a->bytes_per_s > b->bytes_per_s ? 1 : a->id < b->id ? -1 : a->id > b->id;
}

struct link_order { const struct sweep_state *sweep; uint32_t first, count; struct arena arena; struct link_speed *links; struct err err; };

/* Fills the links of a group in rising order. */
static int
order_links(void *arg)
{
	struct link_order *o = arg;

	o->links = ARENA_NEW(&o->arena, struct link_speed, o->count);
	for (uint32_t i = 0; i < o->count; i++) {
		struct what_if w = change_at(o->sweep, o->first + i);
		struct device d;

		if (task_read_device(&d, text_at(o->sweep, o->first, AXIS_DEVICE), NULL, &o->arena, &o->err) < 0)
			return -1;
		what_if_device(&d, &w, &o->arena);
		o->links[i] = (struct link_speed) { d.link[D2H].bytes_per_s + d.link[H2D].bytes_per_s, o->first + i };
	}
	qsort(o->links, o->count, sizeof(*o->links), by_speed);
	return 0;
}

/* Plans anew for each link of a group.  The links before a point count, whether they have run or not, so that an interrupted sweep goes on
 * with the same answers. */
static void
run_links(struct sweep_state *s, uint32_t first, uint32_t count)
{
	struct link_order o = { .sweep = s, .first = first, .count = count, .arena = ARENA_INIT, .err = ERR_INIT };
	struct carried last = { .arena = ARENA_INIT };
	uint32_t end = 0;

	if (arena_run(&o.arena, order_links, &o, &o.err) < 0) {
		miss_line(s);
		arena_free(&o.arena);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		end = s->state[o.links[i].id] == POINT_TODO ? i + 1 : end;
	for (uint32_t i = 0; i < end && !is_stopped(s) && !s->broken; i++)
		run_link(s, o.links[i].id, &last);
	arena_free(&last.arena);
	arena_free(&o.arena);
}

/* ---- the grid ---- */

/* True: one of these points has not run. */
static bool
has_work(const struct sweep_state *s, uint32_t first, uint32_t count)
{
	for (uint32_t id = first; id < first + count; id++)
		if (s->state[id] == POINT_TODO)
			return true;
	return false;
}

/* Marks the points of other shards and those in the file as over. */
static void
mark(struct sweep_state *s)
{
	char key[GRID_KEY_MAX];

	for (uint32_t id = 0; id < s->grid->point_count; id++) {
		const struct found_point *found;

		if (!sweep_is_ours(s->grid, s->options, id)) {
			s->state[id] = POINT_OVER;
			continue;
		}
		s->counts.points++;
		if (s->file->found_count == 0)
			continue;
		sweep_key(key, s->grid, s->options, id);
		found = sweep_file_find(s->file, key);
		if (found == NULL)
			continue;
		s->state[id] = POINT_OVER;
		s->counts.found++;
		s->counts.failed += found->failed;
	}
}

int
sweep_run(struct sweep_counts *counts, const struct sweep_grid *g, const struct sweep_options *o, const struct sweep_file *f,
    struct arena *a, struct err *e)
{
	struct sweep_state s = { .grid = g, .options = o, .file = f, .began_s = clock_seconds(), .err = ERR_INIT };
	uint32_t step = g->link_count;

	s.state = ARENA_NEW(a, unsigned char, g->point_count);
	if (o->ordered)
		s.lines = ARENA_NEW(a, char *, g->point_count);
	mark(&s);
	/* Tasks begin in the grid's order.  When many wait, the thread that makes them runs some itself. */
	#pragma omp parallel
	#pragma omp single
	for (uint32_t first = 0; first < g->point_count; first += step) {
		if (is_stopped(&s) || s.broken)
			break;
		if (!has_work(&s, first, step))
			continue;
		#pragma omp task shared(s) firstprivate(first)
		if (o->replan)
			run_links(&s, first, step);
		else
			run_group(&s, first, step);
	}
	for (uint32_t id = 0; o->ordered && id < g->point_count; id++)
		free(s.lines[id]);
	*counts = s.counts;
	if (s.broken)
		*e = s.err;
	return s.broken ? -1 : 0;
}
