/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_plan.c - plans: made, read, checked, written, simulated */
#include <config.h>
#include "src/library/layrub_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check/check.h"
#include "src/library/plan_request.h"
#include "src/library/tables.h"
#include "src/library/usage.h"

static void
finish(struct layrub_plan *p)
{
	if (p->problem != NULL)
		p->graph = p->problem->graph;
	else
		p->graph = view_graph(p->plan.graph, &p->arena);
	view_program(&p->program, &p->plan, &p->arena);
}

/* ---- making and reading ---- */

/* A plan that is being made or read. */
struct plan_opening {
	struct layrub_plan *plan;
	const struct layrub_plan_options *options;	/* made: how, as given */
	struct json_source source;		/* read: from here */
	struct err err;
};

/* Returns a new plan that `fill` fills from o; NULL: error.  problem: that of a plan that is made; NULL: the plan is read. */
static struct layrub_plan *
new_plan(struct plan_opening *o, struct layrub_problem *problem, int (*fill)(void *arg), struct layrub_error *error)
{
	o->plan = handle_new(sizeof(*o->plan), error);
	if (o->plan == NULL)
		return NULL;
	if (problem != NULL)
		atomic_fetch_add_explicit(&problem->users, 1, memory_order_relaxed);
	o->plan->problem = problem;
	if (guard(&o->plan->arena, fill, o, &o->err, error) == 0)
		return o->plan;
	layrub_plan_free(o->plan);
	return NULL;
}

/* Returns the public options as a request. */
static struct plan_request
request_of(const struct layrub_plan_options *o)
{
	return (struct plan_request) { .link = WHAT_IF_INIT, .policy = o->policy, .placement = o->placement, .budget_bytes = o->budget_bytes,
	    .budget_percent = o->budget_percent, .slowdown_percent = o->slowdown_percent,
	    .minimise = o->minimise_memory ? table_budget_searches(0, NULL) : NULL, .time_limit_s = o->time_limit_s, .threads = o->threads,
	    .stopped = o->stopped, .progress = o->progress, .user = o->user };
}

static int
make(void *arg)
{
	struct plan_opening *m = arg;
	struct layrub_plan *p = m->plan;
	struct layrub_plan_options options = { .size = 0 };
	struct plan_request q;

	if (options_copy(&options, sizeof(options), m->options, "layrub_plan_options", &m->err) < 0)
		return -1;
	q = request_of(&options);
	if (plan_request_run(&p->plan, &q, &p->problem->task, &p->arena, &m->err) < 0)
		return -1;
	p->sound = true;
	finish(p);
	return 0;
}

struct layrub_plan *
layrub_plan_make(struct layrub_problem *problem, const struct layrub_plan_options *options, struct layrub_error *error)
{
	struct plan_opening m = { .options = options, .err = ERR_INIT };

	return new_plan(&m, problem, make, error);
}

void
layrub_plan_free(struct layrub_plan *plan)
{
	if (plan == NULL)
		return;
	layrub_problem_free(plan->problem);
	arena_free(&plan->arena);
	free(plan);
}

static int
read_plan(void *arg)
{
	struct plan_opening *r = arg;

	if (plan_read_from(&r->plan->plan, &r->source, &r->plan->arena, &r->err) < 0)
		return -1;
	finish(r->plan);
	return 0;
}

struct layrub_plan *
layrub_plan_read(const char *path, struct layrub_error *error)
{
	struct plan_opening r = { .source = { .path = path }, .err = ERR_INIT };

	return new_plan(&r, NULL, read_plan, error);
}

struct layrub_plan *
layrub_plan_parse(const char *text, size_t size, struct layrub_error *error)
{
	struct plan_opening r = { .source = { .text = text, .size = size }, .err = ERR_INIT };

	return new_plan(&r, NULL, read_plan, error);
}

/* ---- calls with memory of their own ---- */

struct call {
	struct arena arena;
	const struct layrub_plan *plan;
	bool *sound;				/* the plan's member; a check that passes sets it */
	const struct layrub_problem *problem;	/* check: the plan must be for its graph; NULL: for any */
	const char *path;			/* write */
	FILE *out;				/* text */
	const struct layrub_change *change;	/* simulate, as given */
	struct layrub_figures *figures;
	struct layrub_span *spans;
	struct err err;
};

static int
call(struct call *c, int (*fn)(void *arg), struct layrub_error *error)
{
	int rc = guard(&c->arena, fn, c, &c->err, error);

	arena_free(&c->arena);
	return rc;
}

static int
unsound(struct err *e)
{
	if (e->code == ERR_NO)
		e->code = ERR_UNSOUND;
	return -1;
}

static int
check(void *arg)
{
	struct call *c = arg;
	const struct layrub_plan *p = c->plan;

	if (c->problem != NULL && check_graph(&p->plan, &c->problem->task.graph, &c->arena, &c->err) < 0)
		return unsound(&c->err);
	if (!p->sound && check_plan(&p->plan, &c->arena, &c->err) < 0)
		return unsound(&c->err);
	*c->sound = true;
	return 0;
}

int
layrub_plan_check(struct layrub_plan *plan, const struct layrub_problem *problem, struct layrub_error *error)
{
	struct call c = { .plan = plan, .sound = &plan->sound, .problem = problem, .err = ERR_INIT };

	return call(&c, check, error);
}

static int
write_file(void *arg)
{
	struct call *c = arg;

	return plan_write(&c->plan->plan, c->path, &c->arena, &c->err);
}

int
layrub_plan_write(const struct layrub_plan *plan, const char *path, struct layrub_error *error)
{
	struct call c = { .plan = plan, .path = path, .err = ERR_INIT };

	return call(&c, write_file, error);
}

static int
write_text(void *arg)
{
	struct call *c = arg;

	plan_write_to(&c->plan->plan, c->out, &c->arena);
	return fflush(c->out) == 0 && !ferror(c->out) ? 0 : err_set(&c->err, ERR_SYSTEM, "cannot write: %s", strerror(errno));
}

static int
no_stream(void *arg)
{
	struct call *c = arg;

	return err_set(&c->err, ERR_SYSTEM, "cannot write: %s", strerror(errno));
}

char *
layrub_plan_text(const struct layrub_plan *plan, size_t *size, struct layrub_error *error)
{
	struct call c = { .plan = plan, .err = ERR_INIT };
	char *text = NULL;
	size_t n = 0;
	int rc;

	c.out = open_memstream(&text, &n);
	rc = call(&c, c.out == NULL ? no_stream : write_text, error);
	if (c.out != NULL)
		fclose(c.out);
	if (rc < 0) {
		free(text);
		return NULL;
	}
	*size = n;
	return text;
}

/* ---- the parts of a plan ---- */

const struct layrub_graph *
layrub_plan_graph(const struct layrub_plan *plan)
{
	return plan->graph;
}

const struct layrub_program *
layrub_plan_program(const struct layrub_plan *plan)
{
	return &plan->program;
}

static int
check_figures_size(const struct layrub_figures *figures, struct err *e)
{
	if (figures->size >= sizeof(figures->size))
		return 0;
	err_set(e, ERR_USAGE, "expected the size of struct layrub_figures, %zu bytes, got %zu", sizeof(*figures), figures->size);
	return err_at(e, "layrub_figures");
}

/* The figures that the plan states. */
static int
state(void *arg)
{
	struct call *c = arg;
	struct figures f;

	if (check_figures_size(c->figures, &c->err) < 0)
		return -1;
	figures_of_plan(&f, &c->plan->plan);
	view_figures(c->figures, &f, NULL);
	return 0;
}

int
layrub_plan_figures(const struct layrub_plan *plan, struct layrub_figures *figures, struct layrub_error *error)
{
	struct call c = { .plan = plan, .figures = figures, .err = ERR_INIT };

	return call(&c, state, error);
}

/* ---- simulating ---- */

/* Fills *d with the machine of the change `to`, and gives *p, the plan, that machine's op times.  *changed: the machine is not the plan's
 * own. */
static int
change_machine(struct device *d, struct plan *p, bool *changed, const struct layrub_change *to, struct call *c)
{
	struct arena *a = &c->arena;
	struct err *e = &c->err;
	const struct what_if w = { .rate = { [H2D] = to->h2d_bytes_per_s, [D2H] = to->d2h_bytes_per_s }, .duplex = to->duplex_bytes_per_s,
	    .latency = to->latency_us > 0 ? to->latency_us : -1, .compute_scale = to->compute_scale, .gpus_per_link = to->gpus_per_link };

	if (what_if_check(&w, e) < 0)
		return usage_at(e, NULL);
	if (w.compute_scale != 0 && !(w.compute_scale >= 1e-9 && w.compute_scale <= 1e9))
		return usage_error(e, "--compute-scale", "expected a factor over 0, at most 1e9");
	*d = *c->plan->plan.device;
	*changed = to->device != NULL || to->device_text != NULL;
	if (*changed && task_read_device(d, to->device, to->device_text, a, e) < 0)
		return -1;
	*changed |= what_if_any(&w);
	what_if_device(d, &w, a);
	if (w.compute_scale > 0)
		what_if_compute(p, w.compute_scale, a);
	return what_if_fits(p, d, e);
}

static int
run_step(void *arg)
{
	struct call *c = arg;
	struct figures f;
	struct layrub_change change = { .size = 0 };
	struct sim_result r;
	bool changed = false;
	struct device d;
	struct plan p = c->plan->plan;

	if (options_copy(&change, sizeof(change), c->change, "layrub_change", &c->err) < 0 || check_figures_size(c->figures, &c->err) < 0 ||
	    check(c) < 0 || change_machine(&d, &p, &changed, &change, c) < 0 || simulate(&r, &p, &d, &c->arena, &c->err) < 0)
		return -1;
	figures_of_plan(&f, &c->plan->plan);
	figures_simulate(&f, &r, changed);
	view_figures(c->figures, &f, &r);
	for (uint32_t i = 0; c->spans != NULL && i < p.instruction_count; i++)
		c->spans[i] = (struct layrub_span) { r.spans[i].start_us, r.spans[i].end_us };
	return 0;
}

int
layrub_plan_simulate(struct layrub_plan *plan, const struct layrub_change *change, struct layrub_figures *figures,
    struct layrub_span *spans, struct layrub_error *error)
{
	struct call c = { .plan = plan, .sound = &plan->sound, .change = change, .figures = figures, .spans = spans, .err = ERR_INIT };

	return call(&c, run_step, error);
}
