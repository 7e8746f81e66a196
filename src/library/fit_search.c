/* SPDX-License-Identifier: Apache-2.0 */
/* fit_search.c - evaluations of batches, the bisection over resident ones, and the scan for plans */
#include <config.h>
#include "src/library/fit_search.h"

#include <string.h>

#include "planner/bound/bound_time.h"
#include "src/base/threads.h"
#include "src/network/roofline.h"

enum {
	GRAIN = 64,		/* 16 .. 1024: the scan ends when it knows a large batch to one part in GRAIN */
	CLIMB = 16,		/* 2 .. 64: then the batch rises in steps of one part in CLIMB ... */
	CLIMB_SHORTER = 4,	/* 2 .. 64: ... which become shorter by so much, down to one part in GRAIN ... */
	ABOVE = 4,		/* 0 .. 64: ... of which so many above the answer are looked at, ... */
	CLIMB_OPS = 1000,	/* 0 .. 10^5: ... for a graph of so many ops at most */
	LOOK_OPS = 4000,	/* CLIMB_OPS .. 10^5: of a graph of so many, those sizes get quick plans ... */
	LOOKS = 6,		/* 0 .. 64: ... but so many in all */
	BOUND_STEP = 8		/* 2 .. 64: the time bound is looked at in steps of one part in so many, then exactly */
};
#define DRAFT 0.1		/* 0.01 .. 1: effort of a quick plan */
#define TRIAL 0.4		/* DRAFT .. 1: of a plan that is made again, or of a climb: half the time of EFFORT_NO_FLOORS, hardly slower steps */
#define FALL 0.05	/* 0 .. 1: ... if the next larger size took longer than the best by so much of the ideal time, and so may have had bad luck */
#define NEAR 1.1		/* 1 .. 2: a quick plan that takes so many times the allowed overhead at most is made again with that effort */

struct fit_job {
	struct fit_evaluation *evaluation;
	const struct fit_problem *problem;
	enum fit_mode mode;
	struct arena arena;
	struct err err;
	bool planning;		/* planning has begun: ERR_NO now means "no plan", not "bad input" */
};

bool
fit_stopped(const struct fit_problem *p)
{
	return p->request.stopped != NULL && p->request.stopped(p->request.user);
}

/* Returns the bytes of the gradients that updates read.  keep: these gradients live over the whole step, as over all micro-steps. */
static bytes_t
read_by_updates(struct graph *g, bool keep, struct arena *a)
{
	bool *seen = ARENA_NEW(a, bool, g->tensor_count);
	bytes_t sum = 0;

	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		for (uint32_t i = 0; o->phase == PHASE_UPDATE && i < o->input_count; i++) {
			uint32_t t = o->inputs[i];

			if (g->tensors[t].kind != KIND_GRADIENT || seen[t])
				continue;
			sum += g->tensors[t].bytes;
			seen[t] = true;
			if (keep)
				g->tensors[t].kind = KIND_STATE;
		}
	}
	return sum;
}

/* Returns the effort of a search, where the request has none of its own. */
static double
effort_of(const struct plan_request *q, enum fit_mode mode)
{
	if (q->effort > 0 || q->policy != NULL || q->exec_count > 0)
		return q->effort;
	return mode == FIT_DRAFT ? DRAFT : mode == FIT_TRIAL ? TRIAL : mode == FIT_PLANNED ? EFFORT_NO_FLOORS : 0;
}

const char *const fit_axis_names[] = { [FIT_BATCH] = "batch", [FIT_SEQ] = "seq", [FIT_IMAGE] = "image", NULL };

/* Reads the problem's step at a size, with that many passes (0: as it is).  A micro-step is one pass. */
static int
task_at_size(struct task *t, const struct fit_problem *p, uint32_t size, uint32_t passes, struct arena *a, struct err *e)
{
	struct plan_request q = p->request;

	if (p->axis == FIT_BATCH)
		return task_at_batch(t, p->task, size, passes, a, e);
	*(p->axis == FIT_SEQ ? &q.task.seq : &q.task.image) = size * p->unit;
	q.task.batch = p->task->batch;
	if (passes > 0)
		q.task.accumulate = passes;
	return plan_request_task(t, p->document, p->text, &q, a, e);
}

static int
run_job(void *arg)
{
	struct fit_job *j = arg;
	struct fit_evaluation *v = j->evaluation;
	struct plan_request q = j->problem->request;
	struct arena *a = &j->arena;
	struct task task;
	struct plan p;

	q.no_time_bound = true;		/* the bound costs more than the plan, and fit does not show it */
	q.progress = NULL;		/* one line for each plan is enough */
	if (j->mode == FIT_RESIDENT || j->mode == FIT_MICRO) {
		q.policy = "keep";
		q.exec_count = 0;
	}
	if (task_at_size(&task, j->problem, v->size, j->mode == FIT_MICRO ? 1 : v->passes, a, &j->err) < 0)
		return -1;
	v->batch = task.batch;
	v->effort = effort_of(&q, j->mode);
	/* Resident tensors must fit, and no more: policy keep searches for a smaller arena at the usual effort. */
	q.effort = j->mode == FIT_RESIDENT || j->mode == FIT_MICRO ? EFFORT_NO_FLOORS : v->effort;
	v->gradient_bytes = read_by_updates(&task.graph, j->mode == FIT_MICRO, a);
	v->peak_time_us = task.graph.peak_time_us;
	for (uint32_t k = 0; k < task.graph.op_count; k++) {
		v->ideal_time_us += task.graph.ops[k].time_us;
		if (task.graph.ops[k].phase == PHASE_UPDATE)
			v->update_time_us += task.graph.ops[k].time_us;
	}
	if (j->mode == FIT_TRIAL || j->mode == FIT_DRAFT)
		q.most_us = v->ideal_time_us * (1 + NEAR * j->problem->most_overhead);
	j->planning = true;
	if (plan_request_run(&p, &q, &task, a, &j->err) < 0)
		return -1;
	v->has_plan = true;
	figures_of_plan(&v->figures, &p);
	v->figures.graph = v->figures.device = v->figures.configuration = NULL;	/* gone with the arena */
	v->overhead = plan_overhead(&p);
	return 0;
}

/* Tells which size is planned next. */
static void
tell(const struct fit_problem *p, enum fit_mode mode, uint32_t size)
{
	static const char *const modes[] = { [FIT_RESIDENT] = "all resident", [FIT_PLANNED] = "planned", [FIT_TRIAL] = "planned", [FIT_DRAFT] = "planned quickly",
	    [FIT_MICRO] = "a micro-step" };
	char line[64];

	if (p->request.progress == NULL)
		return;
	if (size > 0)
		snprintf(line, sizeof(line), "%s %" PRIu32 ", %s", fit_axis_names[p->axis], fit_size(p, size), modes[mode]);
	else
		snprintf(line, sizeof(line), "the step, %s", modes[mode]);
	p->request.progress(p->request.user, line);
}

const char *
fit_longer(char text[32], double overhead)
{
	if (isfinite(overhead))
		snprintf(text, 32, "%.1f %% longer", 100 * overhead);
	else
		snprintf(text, 32, "infinitely longer");
	return text;
}

int
fit_evaluate(struct fit_evaluation *v, const struct fit_problem *p, enum fit_mode mode, uint32_t size, struct err *e)
{
	struct fit_job j = { .evaluation = v, .problem = p, .mode = mode, .arena = ARENA_INIT, .err = ERR_INIT };
	char longer[32];
	int rc;

	*v = (struct fit_evaluation) { .size = size, .passes = p->passes };
	figures_init(&v->figures);
	tell(p, mode, size);
	rc = arena_run(&j.arena, run_job, &j, &j.err);
	arena_free(&j.arena);
	if (rc < 0 && !(j.planning && j.err.code == ERR_NO)) {
		*e = j.err;
		return -1;
	}
	snprintf(v->why, sizeof(v->why), "%s", j.err.text);
	/* Where no op takes time, memory alone counts. */
	v->ok = v->has_plan && (v->overhead <= p->most_overhead || v->ideal_time_us <= 0);
	if (v->has_plan && !v->ok) {
		snprintf(v->why, sizeof(v->why), "the step would take %s, most of it %s", fit_longer(longer, v->overhead),
		    v->figures.stall_time_us >= v->figures.recompute_time_us ? "waiting for copies over the link" : "recomputing");
	}
	return 0;
}

double
fit_samples_per_s(const struct fit_evaluation *v, uint32_t passes)
{
	uint32_t count = v->passes > 0 ? v->passes : passes;

	return v->figures.step_time_us > 0 ? v->batch * (double)count / v->figures.step_time_us * 1e6 : 0;
}

/* Returns 1 and turns the failure to read a size into a reason against it: it is too large for the arithmetic of sizes, or the network allows no such image.
 * Other failures stay, and that of batch 1, which is bad input. */
static int
not_allowed(char *why, size_t length, const struct fit_problem *p, uint32_t size, struct err *e)
{
	if (e->code != ERR_INPUT || (p->axis == FIT_BATCH && size == 1))
		return -1;
	snprintf(why, length, "%s", e->text);
	*e = (struct err) ERR_INIT;
	return 1;
}

/* Returns 1 for a size that is not allowed. */
static int
evaluate(struct fit_evaluation *v, const struct fit_problem *p, enum fit_mode mode, uint32_t size, struct err *e)
{
	return fit_evaluate(v, p, mode, size, e) == 0 ? 0 : not_allowed(v->why, sizeof(v->why), p, size, e);
}

/* ---- halving ---- */

/* Sets *ok: the size is. */
typedef int ask_fn(bool *ok, void *arg, uint32_t size, struct err *e);

/* Moves *low, which is ok, and *high, which is not, together until they are neighbours. */
static int
halve(uint32_t *low, uint32_t *high, const struct fit_problem *p, ask_fn *ask, void *arg, struct err *e)
{
	while (*high - *low > 1 && !fit_stopped(p)) {
		uint32_t middle = *low + (*high - *low) / 2;
		bool ok;

		if (ask(&ok, arg, middle, e) < 0)
			return -1;
		*(ok ? low : high) = middle;
	}
	return 0;
}

/* Sets *low to the largest batch up to at_most that is ok, where all smaller ones are; 0: none. */
static int
find_largest(uint32_t *low, uint32_t at_most, const struct fit_problem *p, ask_fn *ask, void *arg, struct err *e)
{
	uint32_t high = 1;
	bool ok = true;

	for (*low = 0; *low < at_most && !fit_stopped(p); high = high < at_most / 2 ? 2 * high : at_most) {
		if (ask(&ok, arg, high, e) < 0)
			return -1;
		if (!ok)
			return halve(low, &high, p, ask, arg, e);
		*low = high;
	}
	return 0;
}

struct resident_search { struct fit_evaluation *best; const struct fit_problem *problem; enum fit_mode mode; };

static int
ask_resident(bool *ok, void *arg, uint32_t size, struct err *e)
{
	struct resident_search *s = arg;
	struct fit_evaluation v;
	int rc = evaluate(&v, s->problem, s->mode, size, e);

	if (rc < 0)
		return -1;
	*ok = rc == 1 ? size < s->problem->own : v.ok;
	if (v.ok)
		*s->best = v;
	return 0;
}

int
fit_largest(struct fit_evaluation *best, const struct fit_problem *p, enum fit_mode mode, uint32_t at_most, struct err *e)
{
	struct resident_search s = { best, p, mode };
	uint32_t low;

	*best = (struct fit_evaluation) { .size = 0 };
	return find_largest(&low, at_most, p, ask_resident, &s, e);
}

/* ---- bounds ---- */

/* One look at the bounds for a size: those on memory, and with `time` that on the time. */
struct bounds_job {
	struct fit_scan *scan;
	uint32_t size;
	bool time;
	bool excluded;			/* and scan->why says so */
	struct arena arena;
	struct err err;
};

static void
look_at_time(struct bounds_job *j, const struct lifetimes *life, const struct device *d, bytes_t budget)
{
	struct fit_scan *s = j->scan;
	struct time_bound b;
	char longer[32];

	bound_time(&b, life, d, budget, &j->arena);
	j->excluded = b.us > life->ideal_time_us * (1 + s->problem->most_overhead);
	if (j->excluded)
		snprintf(s->why, sizeof(s->why), "no plan is fast enough: a bound says that the step would take at least %s",
		    fit_longer(longer, b.us / life->ideal_time_us - 1));
}

static int
run_bounds(void *arg)
{
	struct bounds_job *j = arg;
	struct fit_scan *s = j->scan;
	bytes_t budget = s->problem->request.budget_bytes;
	struct lifetimes life;
	struct task task;
	char need[32], have[32];

	if (task_at_size(&task, s->problem, j->size, 0, &j->arena, &j->err) < 0)
		return -1;
	lifetimes_init(&life, &task.graph, &j->arena);
	j->excluded = life.bound_bytes > budget;
	if (j->excluded)
		snprintf(s->why, sizeof(s->why), "no plan can be: op '%s' alone needs %s of %s", task.graph.ops[life.bound_op].name,
		    units_size(need, life.bound_bytes), units_size(have, budget));
	else if (j->time)
		look_at_time(j, &life, &task.device, budget);
	return 0;
}

static int
ask_bounds(bool *ok, struct fit_scan *s, uint32_t size, bool time, struct err *e)
{
	struct bounds_job j = { .scan = s, .size = size, .time = time, .arena = ARENA_INIT, .err = ERR_INIT };
	int rc = arena_run(&j.arena, run_bounds, &j, &j.err);

	arena_free(&j.arena);
	if (rc < 0 && not_allowed(s->why, sizeof(s->why), s->problem, size, &j.err) < 0) {
		*e = j.err;
		return -1;
	}
	*ok = rc < 0 ? size < s->problem->own : !j.excluded;
	return 0;
}

/* Both are ask_fns of a scan. */
static int
ask_memory(bool *ok, void *arg, uint32_t size, struct err *e)
{
	return ask_bounds(ok, arg, size, false, e);
}

static int
ask_memory_and_time(bool *ok, void *arg, uint32_t size, struct err *e)
{
	return ask_bounds(ok, arg, size, true, e);
}

/* Sets s->top to the largest batch that bounds do not exclude, and s->why to what they say of the next. */
static int
find_top(struct fit_scan *s, struct err *e)
{
	uint32_t high, low;
	bool ok = false;

	if (find_largest(&low, FIT_BATCH_MAX, s->problem, ask_memory, s, e) < 0)
		return -1;
	for (high = low + 1; low > 0; low -= (low + BOUND_STEP - 1) / BOUND_STEP) {
		if (ask_memory_and_time(&ok, s, low, e) < 0)
			return -1;
		if (ok)
			break;
		high = low;
	}
	if (halve(&low, &high, s->problem, ask_memory_and_time, s, e) < 0)
		return -1;
	s->top = low;
	s->why[0] = '\0';
	return high > FIT_BATCH_MAX ? 0 : ask_memory_and_time(&ok, s, high, e);
}

/* ---- plans ---- */

static uint32_t
grain(uint32_t size)
{
	return size < GRAIN ? 1 : size / GRAIN;
}

/* One of the plans of a round. */
struct trial {
	uint32_t size;			/* 0: none */
	struct fit_evaluation result;
	struct err err;
	int rc;
};

/* Keeps the largest batches that miss the limit by a little, in s->near. */
static void
keep_near(struct fit_scan *s, const struct fit_evaluation *v)
{
	uint32_t size = v->size;

	if (!v->has_plan || v->overhead > NEAR * s->problem->most_overhead)
		return;
	for (uint32_t i = 0; i < FIT_ABREAST; i++)
		if (s->near[i] < size) {
			uint32_t smaller = s->near[i];

			s->near[i] = size;
			size = smaller;
		}
}

static void
keep_trials(struct fit_scan *s, const struct trial all[FIT_ABREAST])
{
	for (uint32_t i = 0; i < FIT_ABREAST; i++) {
		const struct fit_evaluation *v = &all[i].result;

		if (all[i].size == 0 || !v->ok)
			continue;
		if (v->size > s->best.size)
			s->best = *v;
		if (s->problem->axis == FIT_BATCH &&
		    (s->fastest.size == 0 || fit_samples_per_s(v, 1) > fit_samples_per_s(&s->fastest, 1)))
			s->fastest = *v;
	}
	/* An unfinished plan does not prove that its batch does not fit. */
	for (uint32_t i = 0; i < FIT_ABREAST && !fit_stopped(s->problem); i++) {
		const struct fit_evaluation *v = &all[i].result;

		if (all[i].size <= s->best.size || v->ok)
			continue;
		keep_near(s, v);
		if (s->over.size <= s->best.size || v->size < s->over.size)
			s->over = *v;
	}
}

static void
run_trial(struct trial *t, const struct fit_problem *p, enum fit_mode mode)
{
	t->err = (struct err) ERR_INIT;
	t->rc = t->size == 0 ? 0 : evaluate(&t->result, p, mode, t->size, &t->err);
}

/* Plans batches side by side; one thread does not enter OpenMP (threads.h).  Moves *high down to the smallest batch above the scan's best
 * that is not ok. */
static int
try_batches(struct fit_scan *s, uint32_t *high, struct trial all[FIT_ABREAST], enum fit_mode mode, struct err *e)
{
	struct fit_problem p = *s->problem;
	int threads = threads_for(p.request.threads);

	for (uint32_t i = 0; i < FIT_ABREAST; i++)
		if (all[i].size > 0)
			tell(&p, mode, all[i].size);
	p.request.progress = NULL;
	p.request.threads = threads > FIT_ABREAST ? (uint32_t)threads / FIT_ABREAST : 1;
#ifdef _OPENMP
	if (threads > 1) {
#pragma omp parallel for schedule(static, 1) num_threads(threads < FIT_ABREAST ? threads : FIT_ABREAST)
		for (uint32_t i = 0; i < FIT_ABREAST; i++)
			run_trial(&all[i], &p, mode);
	} else
#endif
	for (uint32_t i = 0; i < FIT_ABREAST; i++)
		run_trial(&all[i], &p, mode);
	for (uint32_t i = 0; i < FIT_ABREAST; i++)
		if (all[i].rc < 0) {
			*e = all[i].err;
			return -1;
		}
	keep_trials(s, all);
	for (uint32_t i = 0; i < FIT_ABREAST; i++)
		if (all[i].size > s->best.size && all[i].size < *high)
			*high = all[i].size;
	return 0;
}

/* Plans the batches again, and with more effort, whose quick plans missed the limit by a little. */
static int
try_near(struct fit_scan *s, struct err *e)
{
	struct trial all[FIT_ABREAST] = { { .size = 0 } };
	uint32_t high = UINT32_MAX;

	for (uint32_t i = 0; i < FIT_ABREAST; i++)
		all[i].size = s->near[i] > s->best.size ? s->near[i] : 0;
	return all[0].size == 0 || fit_stopped(s->problem) ? 0 : try_batches(s, &high, all, FIT_TRIAL, e);
}

/* True: the size is one of s->near, which were planned with more effort. */
static bool
was_near(const struct fit_scan *s, uint32_t size)
{
	for (uint32_t i = 0; i < FIT_ABREAST; i++)
		if (s->near[i] == size)
			return true;
	return false;
}

/* Climbs from the best in steps that shorten where none is ok, by at most so many plans.  Several of the shortest are looked at, because plans
 * are uneven: the next batch may fail and those after it do. */
static int
climb(struct fit_scan *s, uint32_t step, uint32_t tries, enum fit_mode mode, struct err *e)
{
	uint32_t looked = 0, high = UINT32_MAX;

	for (; s->best.size > 0 && looked < ABOVE && tries >= FIT_ABREAST && !fit_stopped(s->problem); tries -= FIT_ABREAST) {
		struct trial all[FIT_ABREAST] = { { .size = 0 } };
		uint32_t best = s->best.size, least = grain(best);

		step = step > least ? step : least;
		for (uint32_t i = 0; i < FIT_ABREAST && best + (looked + i + 1) * step <= s->top; i++)
			all[i].size = was_near(s, best + (looked + i + 1) * step) ? 0 : best + (looked + i + 1) * step;
		if (try_batches(s, &high, all, mode, e) < 0)
			return -1;
		if (s->best.size > best)
			looked = 0;
		else if (step > least)
			step /= CLIMB_SHORTER;
		else
			looked += FIT_ABREAST;
	}
	return 0;
}

/* True: the next larger size is far slower than the best, not a little. */
static bool
falls(const struct fit_scan *s)
{
	return s->over.size > s->best.size && (!s->over.has_plan || s->over.overhead > s->best.overhead + FALL);
}

int
fit_scan(struct fit_scan *s, struct err *e)
{
	struct fit_evaluation known = s->best;
	uint32_t high, at, step, ops = s->problem->task->graph.op_count;

	if (find_top(s, e) < 0)
		return -1;
	high = s->top + 1;
	step = grain(2 * s->top);
	/* Down from the top, in steps that double, until one is ok. */
	for (at = s->top; at > known.size && s->best.size == known.size && !fit_stopped(s->problem);) {
		struct trial all[FIT_ABREAST] = { { .size = 0 } };

		for (uint32_t i = 0; i < FIT_ABREAST && at > known.size; i++, step *= 2) {
			all[i].size = at;
			at = at - known.size > step ? at - step : at > known.size + 1 ? known.size + 1 : known.size;
		}
		if (try_batches(s, &high, all, FIT_DRAFT, e) < 0)
			return -1;
	}
	while (s->best.size > 0 && high > s->best.size + grain(s->best.size) && !fit_stopped(s->problem)) {
		struct trial all[FIT_ABREAST] = { { .size = 0 } };
		uint32_t low = s->best.size, part = (high - low + FIT_ABREAST) / (FIT_ABREAST + 1);

		for (uint32_t i = 0; i < FIT_ABREAST && low + part * (i + 1) < high; i++)
			all[i].size = low + part * (i + 1);
		if (try_batches(s, &high, all, FIT_DRAFT, e) < 0)
			return -1;
	}
	if (try_near(s, e) < 0)
		return -1;
	/* With more effort: the quick plans of larger batches may all have failed. */
	if (ops <= CLIMB_OPS)
		return climb(s, s->best.size / CLIMB + 1, UINT32_MAX, FIT_TRIAL, e);
	return ops <= LOOK_OPS && falls(s) ? climb(s, 1, LOOKS, FIT_DRAFT, e) : 0;
}

int
fit_accumulate(struct fit_accumulation *f, const struct fit_problem *p, uint32_t samples, const struct device *d, struct err *e)
{
	struct fit_problem by_batch = *p;
	struct fit_evaluation best;
	double pass, add;

	*f = (struct fit_accumulation) { .micro_batch = 0 };
	by_batch.axis = FIT_BATCH;
	if (fit_largest(&best, &by_batch, FIT_MICRO, samples, e) < 0)
		return -1;
	if (best.batch == 0)
		return 0;
	f->micro_steps = (samples + best.batch - 1) / best.batch;
	f->micro_batch = (samples + f->micro_steps - 1) / f->micro_steps;
	if (fit_evaluate(&best, &by_batch, FIT_MICRO, f->micro_batch, e) < 0)
		return -1;
	pass = best.ideal_time_us - best.update_time_us;
	/* Each micro-step but the first adds its gradients to those before: two are read and one is written. */
	add = roofline_us(d, CLASS_ELEMENTWISE, MATH_FLOAT32, 0, 3 * (double)best.gradient_bytes);
	f->step_time_us = f->micro_steps * pass + (f->micro_steps - 1) * add + best.update_time_us;
	return 0;
}
