/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - prove that a plan is sound, and made for a step
 *
 *	cc check.c $(pkg-config --cflags --libs layrub) -o check
 *	./check plan.json graphs/resnet50 h100
 *
 * Exit status: 0 sound, 1 not sound, 2 another error.
 */
#include <layrub.h>
#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
	struct layrub_problem_options where = LAYRUB_PROBLEM_OPTIONS_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *problem;
	struct layrub_plan *plan = NULL;
	char line[2048];
	int status = 0;

	if (argc < 4 || argc > 5) {
		fputs("usage: check PLAN NETWORK|GRAPH DEVICE [BATCH]\n", stderr);
		return 2;
	}
	where.device = argv[3];
	where.batch = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
	problem = layrub_problem_open(argv[2], &where, &e);
	if (problem == NULL || (plan = layrub_plan_read(argv[1], &e)) == NULL || layrub_plan_check(plan, problem, &e) < 0)
		status = e.code == LAYRUB_UNSOUND ? 1 : 2;
	if (status == 0)
		puts("sound for any timing, and made for this step");
	else
		printf("%s: %s\n", status == 1 ? "not sound" : "error", layrub_error_line(&e, line, sizeof(line)));
	layrub_plan_free(plan);
	layrub_problem_free(problem);
	return status;
}
