/* SPDX-License-Identifier: Apache-2.0 */
/* cancel.c - end a search after 100 ms, and print its progress
 *
 *	cc cancel.c $(pkg-config --cflags --libs layrub) -o cancel
 *	./cancel graphs/resnet50 h100
 *
 * Exit status: 0 a plan, 1 the search found none, 2 an error.
 */
#include <layrub.h>
#include <stdio.h>
#include <time.h>

static double
seconds(void)
{
	struct timespec now;

	timespec_get(&now, TIME_UTC);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The library asks this from any of its threads: `user` is only read here. */
static bool
stopped(void *user)
{
	return seconds() > *(const double *)user;
}

/* The library calls this from the thread that plans. */
static void
progress(void *user, const char *line)
{
	(void)user;
	fprintf(stderr, "%s\n", line);
}

int
main(int argc, char **argv)
{
	struct layrub_problem_options where = LAYRUB_PROBLEM_OPTIONS_INIT;
	struct layrub_plan_options quarter = LAYRUB_PLAN_OPTIONS_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *problem;
	struct layrub_plan *plan = NULL;
	char line[2048];
	double until;
	int status = 0;

	if (argc != 3) {
		fputs("usage: cancel NETWORK|GRAPH DEVICE\n", stderr);
		return 2;
	}
	where.device = argv[2];
	quarter.budget_percent = 25;
	quarter.stopped = stopped;
	quarter.progress = progress;
	quarter.user = &until;
	problem = layrub_problem_open(argv[1], &where, &e);
	until = seconds() + 0.1;
	if (problem == NULL || (plan = layrub_plan_make(problem, &quarter, &e)) == NULL) {
		fprintf(stderr, "cancel: %s\n", layrub_error_line(&e, line, sizeof(line)));
		status = e.code == LAYRUB_INFEASIBLE ? 1 : 2;
	} else {
		printf("status %s\n", layrub_plan_program(plan)->status);
	}
	layrub_plan_free(plan);
	layrub_problem_free(problem);
	return status;
}
