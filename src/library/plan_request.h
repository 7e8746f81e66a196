/* SPDX-License-Identifier: Apache-2.0 */
/* plan_request.h - a request to the planner, of the same form from every command and from the library
 *
 * A struct plan_request holds all options as a caller gives them.  plan_request_task() reads the training step and the device that it
 * names, plan_request_run() fills a plan.  The two halves of plan_request_run(), planning_begin() and planning_run(), are for
 * callers that need the step's lifetimes or the resolved budget, or that run one request with several policies.
 * Mistakes in the options are ERR_USAGE, with the option's name on the command line as the path.
 */
#ifndef SRC_LIBRARY_PLAN_REQUEST_H
#define SRC_LIBRARY_PLAN_REQUEST_H
#include "planner/frontier.h"
#include "sim/time/what_if.h"
#include "src/library/figures.h"
#include "src/library/task.h"

/* As given; NULL, 0 or false: not given. */
struct plan_request {
	struct task_options task;	/* device, batch, passes, changes, lowering, times, reorder, host memory */
	struct what_if link;		/* plan for the device with this link */
	const char *policy;		/* NULL: the first row of policies */
	/* Commands of external policies, instead of policy; more than one is for compare.  No name of a policy starts a process: the
	 * public library has no such member. */
	const char *const *exec;	/* [exec_count] */
	uint32_t exec_count;
	const char *placement;		/* NULL: the first row of placements */
	/* At most one budget; none: the device's memory minus the reserved bytes. */
	const char *budget;		/* as text: "12GiB", or "50%" of the step's own peak */
	bytes_t budget_bytes;
	double budget_percent;		/* of the step's own peak */
	/* At most one budget search, and none together with a budget. */
	const char *slowdown;		/* as text: find the smallest budget whose step is at most this much longer than the ideal time */
	double slowdown_percent;	/* the same as a number over 0 */
	const char *minimise;		/* a row of table_budget_searches */
	uint32_t floors;		/* lower rungs to search (planner_options.lower_rungs); 0: as usual */
	const char *start;		/* a file with a plan for the same step; no answer is slower than it is on the task's device */
	const struct plan *start_plan;	/* the same as data; not owned, and the plan may share its arrays */
	const char *homes;		/* a file with a plan whose homes of persistent tensors the plan takes */
	const struct plan *homes_plan;	/* the same as data, of a sound plan; not owned */
	double effort;			/* of searches (search_control.effort); 0: 1 */
	const char *time_limit;		/* as text: "10" (seconds) or "500ms" */
	double time_limit_s;
	const char *write_lp;		/* the file for an integer program's model */
	uint32_t threads;		/* 0: as OpenMP decides */
	bool no_time_bound;		/* the plan gets no bound on its time */
	double most_us;			/* longer steps are not wanted (planner_options.most_us); 0: any is */
	bool (*stopped)(void *user);	/* true: the search must end with its best plan so far; called from any thread */
	void (*progress)(void *user, const char *line);	/* called now and then with the state of a search */
	void *user;			/* the first argument of both */
};
#define PLAN_REQUEST_INIT { .link = WHAT_IF_INIT }
#define EFFORT_NO_FLOORS 0.9	/* of an answer made of several plans: floors over budgets take several times as long */

/* A request, resolved for one task. */
struct planning {
	const struct task *task;	/* not owned */
	struct lifetimes life;		/* of the task's graph */
	struct planner_options options;	/* before a budget search: the budget that it begins with */
	struct search_control control;
	struct policy external;		/* the row of an external policy */
	double most_overhead;		/* of the budget search: step time / ideal time - 1; NaN: no search */
	bool unfinished;		/* a result: the budget search was stopped, and a smaller budget may suffice */
};

/* Fails if the request has a mistake that does not depend on its task. */
int plan_request_check(const struct plan_request *q, struct err *e) WARN_UNUSED;

/* Reads the request's task from the document or name `name`, or from s if name is NULL.  The task's device gets the request's link. */
int plan_request_task(struct task *t, const char *name, const struct json_source *s, const struct plan_request *q, struct arena *a,
    struct err *e) WARN_UNUSED;

/* The same from a graph in memory. */
int plan_request_graph(struct task *t, const struct graph *g, const struct plan_request *q, struct arena *a, struct err *e) WARN_UNUSED;

/* Fills n: resolves q for t. */
int planning_begin(struct planning *n, const struct plan_request *q, const struct task *t, struct arena *a, struct err *e) WARN_UNUSED;

/* Makes n plan by the external policy of that command. */
void planning_use_external(struct planning *n, const char *command, struct arena *a);

/* Searches for the budget, if q asks for that, and fills p.  The final plan of a quick policy ignores the time limit: a shorter search
 * could miss the slowdown asked for.  After a stop, the final plan is made without further stops. */
int planning_run(struct plan *p, struct planning *n, struct arena *a, struct err *e) WARN_UNUSED;

/* Fills f: the plans for a list of budgets up to the request's (planner/frontier.h).  The request has no budget search. */
int planning_frontier(struct frontier *f, struct planning *n, struct arena *a, struct err *e) WARN_UNUSED;

/* Calls planning_begin(), then planning_run(). */
int plan_request_run(struct plan *p, const struct plan_request *q, const struct task *t, struct arena *a, struct err *e) WARN_UNUSED;

/* Fills f with the figures of a request that has no plan. */
void planning_refused(struct figures *f, const struct planning *n, const char *reason);

/* Returns the options of q that differ from their defaults, in the form that `layrub plan` takes: " --batch 8 --policy keep". */
const char *plan_request_text(const struct plan_request *q, struct arena *a);

/* Sets *seconds from text, a bare number of seconds or a number with a unit; text NULL: 0.  Errors name the option. */
int request_seconds(double *seconds, const char *option, const char *text, struct err *e) WARN_UNUSED;

/* Sets *share from a percentage: 0.25 for "25%"; text NULL: unchanged.  Errors name the option. */
int request_share(double *share, const char *option, const char *text, struct err *e) WARN_UNUSED;
#endif
