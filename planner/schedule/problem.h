/* SPDX-License-Identifier: Apache-2.0 */
/* problem.h - the input of every policy: a training step, a device and a budget, and how long a search may take */
#ifndef PLANNER_SCHEDULE_PROBLEM_H
#define PLANNER_SCHEDULE_PROBLEM_H
#include "planner/schedule/lifetimes.h"
#include "src/documents/device.h"

/* Limits of a search, and the callbacks that stop and observe it.  All zero: the search ends by itself and reports no progress. */
struct search_control {
	double time_limit_s;		/* 0: none; counted from search_begin() */
	double begin_s;			/* filled: by clock_seconds() */
	double effort;			/* counted work of a search, as a multiple of the usual; 0: 1.  Below 1 there are no floors over budgets */
	uint32_t threads;		/* 0: as OpenMP decides */
	bool (*stopped)(void *user);	/* NULL, or returns true once the search is to end with its best so far (Ctrl-C); any thread */
	void (*progress)(void *user, const char *line);	/* NULL, or called now and then with the state of the search */
	void *user;			/* the first argument of both */
	const char *write_lp;		/* NULL, or the file for an integer program's model */
	const char *status;		/* filled: NULL, or the plan's status */
};

/* Starts the time limit, unless it runs already.  c may be NULL. */
void search_begin(struct search_control *c);
/* True when a search is to end with its best so far: told to stop, or past the time limit.  From any thread; c may be NULL. */
bool search_stopped(const struct search_control *c);
/* Sends a line to c->progress, where there is one. */
void search_tell(const struct search_control *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Returns c's effort; c may be NULL. */
double search_effort(const struct search_control *c);
/* The threads of a parallel region; c may be NULL. */
int search_threads(const struct search_control *c);

struct problem {
	const struct graph *graph;
	const struct device *device;
	const struct lifetimes *life;
	bytes_t budget_bytes;		/* of device memory for all buffers, fragmentation included */
	struct search_control *control;	/* NULL: all zero */
	const char *command;		/* of an external policy (policy.h); NULL: none */
	bool simple;			/* a search takes the fastest of the simple policies, and changes nothing of it */
	double beat_us;			/* of a simple search: only a faster schedule counts; 0: any does */
	double most_us;			/* a search may give up the schedules that take longer; 0: it may not */
};

/* Lowers p's budget by the excess of a plan, so that the next plan of the same policy may fit the original budget.  False, without a
 * change: fewer than `least` bytes would be left. */
bool problem_tighten(struct problem *p, bytes_t excess, bytes_t least);
#endif
