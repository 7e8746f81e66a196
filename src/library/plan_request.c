/* SPDX-License-Identifier: Apache-2.0 */
/* plan_request.c - from options to a plan */
#include <config.h>
#include "src/library/plan_request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/bound/bounds.h"
#include "planner/budget_search.h"
#include "planner/schedule/homes.h"
#include "sim/check/check.h"
#include "src/base/threads.h"
#include "src/library/usage.h"
#include "src/network/network_set.h"

/* ---- values ---- */

int
request_seconds(double *seconds, const char *option, const char *text, struct err *e)
{
	double us;
	char *end;

	*seconds = 0;
	if (text == NULL)
		return 0;
	*seconds = strtod(text, &end);
	if (end != text && *end == '\0' && *seconds > 0 && *seconds <= 1e9)
		return 0;
	if (units_parse_time(text, &us, e) == 0 && us > 0) {
		*seconds = us / 1e6;
		return 0;
	}
	*e = (struct err) ERR_INIT;
	return usage_error(e, option, "expected a time such as 10 (seconds) or 500ms, got '%s'", text);
}

int
request_share(double *share, const char *option, const char *text, struct err *e)
{
	if (text == NULL)
		return 0;
	if (units_parse_percent(text, share, e) < 0)
		return usage_at(e, option);
	*share /= 100;
	return 0;
}

/* ---- options, whatever the task ---- */

static int
read_policy(struct planning *n, const struct plan_request *q, struct err *e)
{
	const char *policy = q->policy == NULL ? policies[0].name : q->policy;

	if (q->exec_count > 1 || (q->exec_count == 1 && q->policy != NULL))
		return usage_error(e, "--exec", "expected one policy, got more");
	if (q->exec_count == 1) {
		/* The row gets its name in planning_begin(), in memory that lives as long as the plan. */
		n->external = policy_external_row(POLICY_EXTERNAL);
		n->options.policy = &n->external;
		return 0;
	}
	n->options.policy = policy_find(policy);
	return n->options.policy == NULL ? usage_unknown(e, "--policy", policy) : 0;
}

static int
read_rows(struct planning *n, const struct plan_request *q, struct err *e)
{
	const char *placement = q->placement == NULL ? placements[0].name : q->placement;

	if (read_policy(n, q, e) < 0)
		return -1;
	n->options.placement = placement_find(placement);
	if (n->options.placement == NULL)
		return usage_unknown(e, "--placement", placement);
	return 0;
}

static bool
is_percentage(double percent)
{
	return percent >= 0 && percent <= 1e9;
}

/* Reads the budget or the budget search.  More than one of them is a mistake. */
static int
read_budget(struct planning *n, const struct plan_request *q, struct err *e)
{
	int budgets = (q->budget != NULL) + (q->budget_bytes > 0) + (q->budget_percent != 0);
	bool slowdown = q->slowdown != NULL || q->slowdown_percent != 0;

	n->most_overhead = NAN;
	if (slowdown && q->minimise != NULL)
		return usage_error(e, "--slowdown", "expected one budget search, got --minimise, too");
	if (budgets > 0 && (slowdown || q->minimise != NULL))
		return usage_error(e, "--budget", "expected no budget with --%s, which finds one", slowdown ? "slowdown" : "minimise");
	if (budgets > 1)
		return usage_error(e, "--budget", "expected one budget, got several");
	if (!is_percentage(q->budget_percent))
		return usage_error(e, "--budget", "expected a percentage of at least 0");
	if (!is_percentage(q->slowdown_percent))
		return usage_error(e, "--slowdown", "expected a percentage of at least 0");
	if (q->minimise != NULL)
		n->most_overhead = INFINITY;
	else if (q->slowdown_percent > 0)
		n->most_overhead = q->slowdown_percent / 100;
	return request_share(&n->most_overhead, "--slowdown", q->slowdown, e);
}

static int
read_control(struct planning *n, const struct plan_request *q, struct err *e)
{
	n->control = (struct search_control) { .threads = q->threads, .stopped = q->stopped, .progress = q->progress, .user = q->user,
	    .write_lp = q->write_lp, .effort = q->effort };
	if (q->threads > THREADS_MAX)
		return usage_error(e, "threads", "expected at most %d threads, got %" PRIu32, THREADS_MAX, q->threads);
	if (!(q->effort >= 0.01 && q->effort <= 1000) && q->effort != 0)
		return usage_error(e, "--effort", "expected a factor from 0.01 to 1000, got %g", q->effort);
	if (!(q->time_limit_s >= 0 && q->time_limit_s <= 1e9))
		return usage_error(e, "--time-limit", "expected from 0 to 1e9 seconds");
	if (request_seconds(&n->control.time_limit_s, "--time-limit", q->time_limit, e) < 0)
		return -1;
	if (q->time_limit == NULL)
		n->control.time_limit_s = q->time_limit_s;
	return 0;
}

static int
check_host_memory(const struct plan_request *q, struct err *e)
{
	bytes_t bytes;

	return q->task.host_memory != NULL && units_parse_size(q->task.host_memory, &bytes, e) < 0 ? usage_at(e, "--host-memory") : 0;
}

static int
read_options(struct planning *n, const struct plan_request *q, struct err *e)
{
	*n = (struct planning) { .options.bound_time_us = q->no_time_bound ? NO_TIME_BOUND : 0, .options.advises = !q->no_time_bound,
	    .options.lower_rungs = q->floors, .options.most_us = q->most_us };
	if (task_options_check(&q->task, e) < 0 || read_control(n, q, e) < 0 || read_budget(n, q, e) < 0 || read_rows(n, q, e) < 0 ||
	    check_host_memory(q, e) < 0)
		return -1;
	return what_if_check(&q->link, e) < 0 ? usage_at(e, NULL) : 0;
}

int
plan_request_check(const struct plan_request *q, struct err *e)
{
	struct planning n;

	return read_options(&n, q, e);
}

/* ---- the task ---- */

/* Gives the task's device the request's link.  A share of a slow link may be slower than any device's. */
static int
change_link(struct task *t, const struct plan_request *q, struct arena *a, struct err *e)
{
	if (!t->has_device || !what_if_any(&q->link))
		return 0;
	what_if_device(&t->device, &q->link, a);
	return device_check(&t->device, e) < 0 ? err_in_file(e, "the changed link") : 0;
}

int
plan_request_task(struct task *t, const char *name, const struct json_source *s, const struct plan_request *q, struct arena *a,
    struct err *e)
{
	int rc;

	if (what_if_check(&q->link, e) < 0)
		return usage_at(e, NULL);
	rc = name != NULL ? task_read(t, name, &q->task, a, e) : task_read_from(t, s, &q->task, a, e);
	return rc < 0 ? rc : change_link(t, q, a, e);
}

int
plan_request_graph(struct task *t, const struct graph *g, const struct plan_request *q, struct arena *a, struct err *e)
{
	if (what_if_check(&q->link, e) < 0)
		return usage_at(e, NULL);
	return task_from_graph(t, g, &q->task, a, e) < 0 ? -1 : change_link(t, q, a, e);
}

/* Returns a percentage of a peak in whole bytes. */
static bytes_t
percent_of(double percent, bytes_t peak_bytes)
{
	double bytes = floor(percent / 100 * (double)peak_bytes);

	return bytes < (double)BYTES_MAX ? (bytes_t)bytes : BYTES_MAX;
}

/* Sets *budget to the size or the percentage in text. */
static int
budget_from_text(bytes_t *budget, const char *text, const struct device *d, bytes_t peak_bytes, struct err *e)
{
	size_t n = strlen(text);
	char want[32], have[32];
	double percent;

	if (n == 0)
		return usage_error(e, "--budget", "expected a size such as 12GiB, got nothing");
	if (text[n - 1] == '%') {
		if (units_parse_percent(text, &percent, e) < 0)
			return usage_at(e, "--budget");
		*budget = percent_of(percent, peak_bytes);
	} else if (units_parse_size(text, budget, e) < 0)
		return usage_at(e, "--budget");
	if (*budget == 0)
		return usage_error(e, "--budget", "expected a budget over 0, got '%s'", text);
	if (*budget <= 100 && strspn(text, "0123456789") == n)
		return usage_error(e, "--budget", "expected a size such as 12GiB or a percentage, got '%s', which is %s bytes; did you mean '%s%%'?",
		    text, text, text);
	if (*budget <= device_budget(d))
		return 0;
	err_set(e, ERR_INPUT, "device '%s' has %s for a plan, got a budget of %s", d->name, units_size(have, device_budget(d)),
	    units_size(want, *budget));
	return err_at(e, "--budget");
}

/* Sets *budget to the budget to plan for, or to the one that a budget search begins with. */
static int
find_budget(bytes_t *budget, const struct plan_request *q, const struct device *d, bytes_t peak_bytes, struct err *e)
{
	*budget = q->budget_bytes > 0 ? q->budget_bytes : device_budget(d);
	if (q->budget != NULL)
		return budget_from_text(budget, q->budget, d, peak_bytes, e);
	if (q->budget_percent > 0) {
		*budget = percent_of(q->budget_percent, peak_bytes);
		if (*budget == 0)
			return usage_error(e, "--budget", "expected a budget over 0");
	}
	return 0;
}

void
planning_use_external(struct planning *n, const char *command, struct arena *a)
{
	n->external = policy_external_row(arena_printf(a, "%s%s", POLICY_EXTERNAL, command));
	n->options.policy = &n->external;
}

/* Reads the plan to start from.  It must be one of the task's graph. */
static int
read_start(struct planning *n, const struct plan_request *q, const struct task *t, struct arena *a, struct err *e)
{
	struct plan *start;

	n->options.start = q->start_plan;
	if (q->start == NULL)
		return 0;
	if (!isnan(n->most_overhead))
		return usage_error(e, "--start", "expected a budget, not the search for one");
	start = ARENA_NEW(a, struct plan, 1);
	if (plan_read(start, q->start, a, e) < 0)
		return -1;
	if (check_graph(start, &t->graph, a, e) < 0) {
		e->code = ERR_INPUT;
		return err_in_file(e, q->start);
	}
	n->options.start = start;
	return 0;
}

/* Reads the plan that gives the homes, and finds those of graph g. */
static int
read_homes(struct planning *n, const struct plan_request *q, const struct graph *g, struct arena *a, struct err *e)
{
	const struct plan *plan = q->homes_plan;
	struct homes *homes = ARENA_NEW(a, struct homes, 1);

	if (q->homes != NULL) {
		struct plan *from = ARENA_NEW(a, struct plan, 1);

		plan = from;
		if (plan_read(from, q->homes, a, e) < 0)
			return -1;
		if (check_plan(from, a, e) < 0) {
			e->code = ERR_INPUT;
			return err_in_file(e, q->homes);
		}
	}
	if (plan == NULL)
		return 0;
	if (homes_init(homes, g, plan, a, e) < 0)
		return err_at(e, "--homes");
	n->options.homes = homes;
	return 0;
}

int
planning_begin(struct planning *n, const struct plan_request *q, const struct task *t, struct arena *a, struct err *e)
{
	if (read_options(n, q, e) < 0)
		return -1;
	if (n->options.policy == &n->external)
		planning_use_external(n, q->exec[0], a);
	n->task = t;
	if (read_start(n, q, t, a, e) < 0 || read_homes(n, q, &t->graph, a, e) < 0)
		return -1;
	n->options.batch = t->batch;
	n->options.options = task_record(t, a);
	lifetimes_init(&n->life, &t->graph, a);
	return find_budget(&n->options.budget_bytes, q, &t->device, n->life.peak_bytes, e);
}

/* ---- the plan ---- */

/* Fills p for graph g: the plan for a budget, or for the smallest one. */
static int
run_for(struct plan *p, const struct planning *n, const struct graph *g, const struct planner_options *o, struct arena *a, struct err *e)
{
	return isnan(n->most_overhead) ? planner_run(p, g, &n->task->device, o, a, e) :
	    budget_search(p, g, &n->task->device, o, n->most_overhead, a, e);
}

/* True: plan p answers the request better than q. */
static bool
is_better(const struct planning *n, const struct plan *p, const struct plan *q)
{
	return isnan(n->most_overhead) ? p->predicted.step_time_us < q->predicted.step_time_us : p->budget_bytes < q->budget_bytes;
}

/* Makes a plan in the graph's own order, too: a reordered step is never worse.  rc: of the reordered one, and the result. */
static int
run_own_order(int rc, struct plan *p, struct planning *n, struct arena *a, struct err *e)
{
	double bounds_us[BOUND_COUNT] = { 0 };
	struct task own = *n->task;
	struct planner_options o = n->options;
	struct err no = ERR_INIT;
	struct plan q;

	if (own.own_order == NULL || (rc < 0 && e->code != ERR_NO) || search_stopped(&n->control))
		return rc;
	/* The same ops in another order take as long. */
	if (rc == 0 && isnan(n->most_overhead) && p->predicted.step_time_us <= p->predicted.ideal_time_us)
		return 0;
	own.reorder = NULL;
	o.options = task_record(&own, a);
	o.bounds_us = bounds_us;
	o.start = NULL;
	o.advises = false;
	if (o.homes != NULL) {
		struct homes *homes = ARENA_NEW(a, struct homes, 1);

		if (homes_init(homes, own.own_order, o.homes->plan, a, e) < 0)
			return -1;
		o.homes = homes;
	}
	if (run_for(&q, n, own.own_order, &o, a, &no) < 0) {
		if (no.code != ERR_NO)
			*e = no;
		return no.code == ERR_NO ? rc : -1;
	}
	if (rc == 0 && !is_better(n, &q, p))
		return 0;
	*p = q;
	*e = (struct err) ERR_INIT;
	if (n->options.bounds_us != NULL)
		memcpy(n->options.bounds_us, bounds_us, sizeof(bounds_us));
	return 0;
}

/* Makes the plan of a budget search that was stopped in full. */
static int
finish_plan(struct plan *p, struct planning *n, struct arena *a, struct err *e)
{
	struct planner_options o = n->options;
	struct plan q;

	n->control.stopped = NULL;
	n->control.status = NULL;
	if (o.policy->quick)
		n->control.time_limit_s = 0;
	o.bound_time_us = NO_TIME_BOUND;
	o.bounds_us = NULL;
	if (planner_run(&q, p->graph, p->device, &o, a, e) < 0)
		return -1;
	if (plan_overhead(&q) <= n->most_overhead)
		*p = q;
	return 0;
}

int
planning_run(struct plan *p, struct planning *n, struct arena *a, struct err *e)
{
	struct lifetimes life;
	int rc;

	n->options.control = &n->control;
	rc = run_for(p, n, &n->task->graph, &n->options, a, e);
	if (run_own_order(rc, p, n, a, e) < 0)
		return -1;
	if (isnan(n->most_overhead))
		return 0;
	n->options.budget_bytes = p->budget_bytes;
	n->unfinished = n->control.stopped != NULL && n->control.stopped(n->control.user);
	if (n->unfinished && finish_plan(p, n, a, e) < 0)
		return -1;
	lifetimes_init(&life, p->graph, a);
	planner_bound(p, &life, &n->options, a);
	return 0;
}

int
planning_frontier(struct frontier *f, struct planning *n, struct arena *a, struct err *e)
{
	if (!isnan(n->most_overhead))
		return usage_error(e, "--frontier", "expected no budget search: the frontier has the answers of all of them");
	n->options.control = &n->control;
	return frontier_make(f, &n->task->graph, &n->task->device, &n->options, a, e);
}

int
plan_request_run(struct plan *p, const struct plan_request *q, const struct task *t, struct arena *a, struct err *e)
{
	struct planning n;

	return planning_begin(&n, q, t, a, e) < 0 ? -1 : planning_run(p, &n, a, e);
}

void
planning_refused(struct figures *f, const struct planning *n, const char *reason)
{
	figures_init(f);
	f->graph = n->task->graph.name;
	f->device = n->task->device.name;
	if (n->task->batch > 0)
		f->batch = n->task->batch;
	f->policy = n->options.policy->name;
	f->placement = n->options.placement->name;
	f->budget_bytes = n->options.budget_bytes;
	f->bound_bytes = n->life.bound_bytes;
	f->resident_bound_bytes = n->life.resident_bound_bytes;
	f->ideal_time_us = n->life.ideal_time_us;
	f->status = "infeasible";
	f->reason = reason;
}

/* ---- the request as text ---- */

const char *
plan_request_text(const struct plan_request *q, struct arena *a)
{
	const struct { const char *name, *value; } texts[] = {
		{ "lowering", q->task.lowering }, { "reorder", q->task.reorder }, { "times", q->task.times },
		{ "policy", q->policy }, { "placement", q->placement }, { "time-limit", q->time_limit },
	};
	const struct { const char *name; double value; } rates[] = {
		{ "h2d", q->link.rate[H2D] }, { "d2h", q->link.rate[D2H] }, { "duplex", q->link.duplex }
	};
	const char *s = "";

	if (q->task.device != NULL)
		s = arena_printf(a, " --device %s", q->task.device);
	if (q->task.batch > 0)
		s = arena_printf(a, "%s --batch %" PRIu32, s, q->task.batch);
	if (q->task.accumulate > 0)
		s = arena_printf(a, "%s --accumulate %" PRIu32, s, q->task.accumulate);
	if (q->task.seq > 0)
		s = arena_printf(a, "%s --seq %" PRIu32, s, q->task.seq);
	if (q->task.image > 0)
		s = arena_printf(a, "%s --image %" PRIu32, s, q->task.image);
	if (q->task.set_count > 0)
		s = arena_printf(a, "%s%s", s, network_set_text(q->task.set, q->task.set_count, a));
	if (q->budget != NULL)
		s = arena_printf(a, "%s --budget %s", s, q->budget);
	else if (q->budget_bytes > 0)
		s = arena_printf(a, "%s --budget %" PRI_BYTES, s, q->budget_bytes);
	if (q->task.memory != NULL)
		s = arena_printf(a, "%s --memory %s", s, q->task.memory);
	if (q->task.host_memory != NULL)
		s = arena_printf(a, "%s --host-memory %s", s, q->task.host_memory);
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		if (rates[i].value > 0)
			s = arena_printf(a, "%s --%s %.10gB/s", s, rates[i].name, rates[i].value);
	if (q->link.latency >= 0)
		s = arena_printf(a, "%s --latency %.10gus", s, q->link.latency);
	if (q->link.gpus_per_link > 0)
		s = arena_printf(a, "%s --gpus-per-link %" PRIu32, s, q->link.gpus_per_link);
	if (q->floors > 0)
		s = arena_printf(a, "%s --floors %" PRIu32, s, q->floors);
	for (uint32_t i = 0; i < q->exec_count; i++)
		s = arena_printf(a, "%s --exec %s", s, arena_quote(a, q->exec[i]));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].value != NULL)
			s = arena_printf(a, "%s --%s %s", s, texts[i].name, texts[i].value);
	if (q->effort > 0)
		s = arena_printf(a, "%s --effort %.10g", s, q->effort);
	return s;
}
