/* SPDX-License-Identifier: Apache-2.0 */
/* problem.h - a training step, a device and a budget: what every policy is given
 */
#ifndef PLANNER_SCHEDULE_PROBLEM_H
#define PLANNER_SCHEDULE_PROBLEM_H
#include "planner/schedule/lifetimes.h"
#include "src/documents/device.h"

/* What a search may take, and how it is watched.  All zero: it ends by itself, in silence. */
struct search_control {
	double time_limit_s;		/* 0: none; counted from search_begin() */
	double begin_s;			/* filled: by clock_seconds() */
	bool (*stopped)(void);		/* NULL, or true as soon as the best so far is wanted now (Ctrl-C) */
	void (*progress)(const char *line);	/* NULL, or told now and then how far the search is */
	const char *write_lp;		/* NULL, or the file that an integer program's model goes to */
	const char *status;		/* filled: NULL, or what became of the search (the plan's status) */
};

/* Time counts from now on, unless it does already.  c may be NULL. */
void search_begin(struct search_control *c);
/* Told to stop, or past the time limit: whoever has a plan ends with the best so far.  From any thread; c may be NULL. */
bool search_stopped(const struct search_control *c);

struct problem {
	const struct graph *graph;
	const struct device *device;
	const struct lifetimes *life;
	bytes_t budget_bytes;		/* what the buffers may take, fragmentation included */
	struct search_control *control;	/* NULL: all zero */
};

/* Takes the excess of a plan off p's budget, so that the next plan of the same policy may fit the budget meant.  False, and no
 * change, if less than `least` bytes would be left. */
bool problem_tighten(struct problem *p, bytes_t excess, bytes_t least);
#endif
