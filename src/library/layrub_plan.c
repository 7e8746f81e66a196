/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_plan.c - plans: made, read, checked, written */
#include <config.h>
#include "src/library/layrub_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check/check.h"
#include "sim/check/check_homes.h"
#include "src/library/plan_request.h"
#include "src/library/tables.h"
#include "src/library/usage.h"

const struct err plan_sound = ERR_INIT;

static void
finish(struct layrub_plan *p)
{
	const struct layrub_problem *problem = p->problem;
	bool is_problems = problem != NULL && p->plan.graph == &problem->task.graph;	/* else read, or the graph before --reorder */

	p->graph = is_problems ? problem->graph : view_graph(p->plan.graph, &p->arena);
	p->device = problem != NULL ? problem->device : view_device(p->plan.device, &p->arena);
	if (is_problems)
		memcpy(p->graph_digest, problem->graph_digest, sizeof(p->graph_digest));
	else
		graph_digest(p->plan.graph, p->graph_digest, &p->arena);
	device_digest(p->plan.device, p->device_digest, &p->arena);
	view_program(&p->program, &p->plan, &p->arena);
	p->program.graph_digest = p->graph_digest;
	p->program.device_digest = p->device_digest;
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
	    .minimise = o->minimise_memory ? table_budget_searches(0, NULL) : NULL, .effort = o->effort, .time_limit_s = o->time_limit_s, .threads = o->threads,
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
	if (options.homes != NULL && plan_verdict(options.homes, &p->arena, &m->err) < 0)
		return err_at(&m->err, "homes");
	q.homes_plan = options.homes == NULL ? NULL : &options.homes->plan;
	if (plan_request_run(&p->plan, &q, &p->problem->task, &p->arena, &m->err) < 0)
		return -1;
	atomic_init(&p->verdict, &plan_sound);
	finish(p);
	return 0;
}

struct layrub_plan *
layrub_plan_make(const struct layrub_problem *problem, const struct layrub_plan_options *options, struct layrub_error *error)
{
	/* The problem's count of references is the one member that changes. */
	union { const struct layrub_problem *given; struct layrub_problem *counted; } p = { problem };
	struct plan_opening m = { .options = options, .err = ERR_INIT };

	return new_plan(&m, p.counted, make, error);
}

static void
free_fault(const struct err *verdict)
{
	union { const struct err *kept; void *allocated; } v = { verdict };

	if (verdict != &plan_sound)
		free(v.allocated);
}

void
layrub_plan_free(struct layrub_plan *plan)
{
	if (plan == NULL)
		return;
	layrub_problem_free(plan->problem);
	arena_free(&plan->arena);
	free_fault(atomic_load(&plan->verdict));
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
	const struct layrub_plan *homes;		/* check_homes */
	const struct layrub_problem *problem;	/* check: the plan must be for its graph; NULL: for any */
	const char *path;			/* write */
	FILE *out;				/* text */
	struct layrub_figures *figures;
	struct err err;
};

static int
call(struct call *c, int (*fn)(void *arg), struct layrub_error *error)
{
	int rc = guard(&c->arena, fn, c, &c->err, error);

	arena_free(&c->arena);
	return rc;
}

int
unsound(struct err *e)
{
	if (e->code == ERR_NO)
		e->code = ERR_UNSOUND;
	return -1;
}

/* Keeps the first verdict; without memory for it, the next call finds it again. */
static void
keep_verdict(const struct layrub_plan *plan, const struct err *fault)
{
	union { const struct layrub_plan *given; struct layrub_plan *kept; } p = { plan };
	const struct err *none = NULL, *verdict = &plan_sound;
	struct err *copy;

	if (fault != NULL) {
		copy = malloc(sizeof(*copy));
		if (copy == NULL)
			return;
		*copy = *fault;
		verdict = copy;
	}
	if (!atomic_compare_exchange_strong(&p.kept->verdict, &none, verdict))
		free_fault(verdict);
}

int
plan_verdict(const struct layrub_plan *plan, struct arena *a, struct err *e)
{
	const struct err *verdict = atomic_load(&plan->verdict);

	if (verdict == &plan_sound)
		return 0;
	if (verdict != NULL) {
		*e = *verdict;
		return -1;
	}
	if (check_plan(&plan->plan, a, e) == 0) {
		keep_verdict(plan, NULL);
		return 0;
	}
	unsound(e);
	if (e->code == ERR_UNSOUND)
		keep_verdict(plan, e);
	return -1;
}

/* Fails unless the plan is made for the step of the problem: in its order, or in that before --reorder. */
static int
check_step(const struct plan *plan, const struct task *t, struct arena *a, struct err *e)
{
	struct err no = ERR_INIT;

	if (t->own_order != NULL && check_graph(plan, t->own_order, a, &no) == 0)
		return 0;
	return check_graph(plan, &t->graph, a, e);
}

static int
check(void *arg)
{
	struct call *c = arg;
	const struct layrub_plan *p = c->plan;

	if (c->problem != NULL && strcmp(p->graph_digest, c->problem->graph_digest) != 0 &&
	    check_step(&p->plan, &c->problem->task, &c->arena, &c->err) < 0)
		return unsound(&c->err);
	return plan_verdict(p, &c->arena, &c->err);
}

int
layrub_plan_check(const struct layrub_plan *plan, const struct layrub_problem *problem, struct layrub_error *error)
{
	struct call c = { .plan = plan, .problem = problem, .err = ERR_INIT };

	return call(&c, check, error);
}

static int
check_both(void *arg)
{
	struct call *c = arg;
	struct shared_homes s;

	if (plan_verdict(c->plan, &c->arena, &c->err) < 0)
		return -1;
	if (plan_verdict(c->homes, &c->arena, &c->err) < 0)
		return err_at(&c->err, "homes");
	return check_homes(&s, &c->plan->plan, &c->homes->plan, &c->arena, &c->err) < 0 ? unsound(&c->err) : 0;
}

int
layrub_plan_check_homes(const struct layrub_plan *plan, const struct layrub_plan *homes, struct layrub_error *error)
{
	struct call c = { .plan = plan, .homes = homes, .err = ERR_INIT };

	return call(&c, check_both, error);
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

const struct layrub_device *
layrub_plan_device(const struct layrub_plan *plan)
{
	return plan->device;
}

const struct layrub_program *
layrub_plan_program(const struct layrub_plan *plan)
{
	return &plan->program;
}

int
check_figures_size(const struct layrub_figures *figures, struct err *e)
{
	if (figures == NULL || figures->size >= sizeof(figures->size))
		return 0;
	err_set(e, ERR_USAGE, "expected the size of struct layrub_figures, %zu bytes, got %zu", sizeof(*figures), figures->size);
	return err_at(e, "layrub_figures");
}

uint64_t
count_estimated(const struct plan *p)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < p->graph->op_count; i++)
		count += p->graph->ops[i].estimated;
	return count;
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
	view_figures(c->figures, &f, count_estimated(&c->plan->plan), NULL);
	return 0;
}

int
layrub_plan_figures(const struct layrub_plan *plan, struct layrub_figures *figures, struct layrub_error *error)
{
	struct call c = { .plan = plan, .figures = figures, .err = ERR_INIT };

	return call(&c, state, error);
}
