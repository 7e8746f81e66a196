/* SPDX-License-Identifier: Apache-2.0 */
/* what_if.c - time one plan on changed machines
 *
 *	cc what_if.c $(pkg-config --cflags --libs layrub) -o what_if
 *	./what_if plan.json
 */
#include <layrub.h>
#include <stdio.h>

#define CHANGE(...) { .size = sizeof(struct layrub_change), __VA_ARGS__ }

static const struct {
	const char *what;
	struct layrub_change change;
} cases[] = {
	{ "its own machine", CHANGE(.latency_us = 0) },
	{ "a link of 16 GB/s", CHANGE(.h2d_bytes_per_s = 16e9, .d2h_bytes_per_s = 16e9) },
	{ "two GPUs on the link", CHANGE(.gpus_per_link = 2) },
	{ "compute twice as fast", CHANGE(.compute_scale = 2) },
	{ "the link of an RTX 4090", CHANGE(.device = "rtx4090") },
};

int
main(int argc, char **argv)
{
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_figures f = LAYRUB_FIGURES_INIT;
	struct layrub_plan *plan;
	char line[2048];

	if (argc != 2) {
		fputs("usage: what_if PLAN\n", stderr);
		return 2;
	}
	plan = layrub_plan_read(argv[1], &e);
	if (plan == NULL) {
		fprintf(stderr, "what_if: %s\n", layrub_error_line(&e, line, sizeof(line)));
		return 2;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (layrub_plan_simulate(plan, &cases[i].change, &f, NULL, &e) == 0)
			printf("%-24s %9.1f ms, stalled %8.1f ms\n", cases[i].what, f.step_time_us / 1e3, f.stall_time_us / 1e3);
		else if (e.code == LAYRUB_INFEASIBLE)
			printf("%-24s does not fit: %.0f MiB too little\n", cases[i].what, (double)e.missing_bytes / (1 << 20));
		else
			fprintf(stderr, "what_if: %s\n", layrub_error_line(&e, line, sizeof(line)));
	layrub_plan_free(plan);
	return 0;
}
