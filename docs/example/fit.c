/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c - does a step fit a device, and with which batch?
 *
 *	cc fit.c $(pkg-config --cflags --libs layrub) -o fit
 *	./fit resnet50 rtx4090
 *
 * Exit status: 0 yes, 1 no, 2 an error.
 */
#include <inttypes.h>
#include <layrub.h>
#include <stdio.h>

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
	struct layrub_fit_options options = LAYRUB_FIT_OPTIONS_INIT;
	struct layrub_fit_result result = LAYRUB_FIT_RESULT_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *problem;
	char line[2048];
	int status = 2;

	if (argc < 3 || argc > 4) {
		fputs("usage: fit NETWORK|GRAPH DEVICE [POLICY]\n", stderr);
		return 2;
	}
	where.device = argv[2];
	options.policy = argc > 3 ? argv[3] : NULL;
	options.progress = progress;
	problem = layrub_problem_open(argv[1], &where, &e);
	if (problem == NULL || layrub_fit(problem, &options, &result, &e) < 0) {
		fprintf(stderr, "fit: %s\n", layrub_error_line(&e, line, sizeof(line)));
	} else {
		status = result.fits ? 0 : 1;
		puts(result.answer);
		if (result.largest_planned.batch > 0)
			printf("largest batch %" PRIu32 ", resident %" PRIu32 "\n", result.largest_planned.batch, result.largest_resident.batch);
	}
	layrub_problem_free(problem);
	return status;
}
