/* SPDX-License-Identifier: Apache-2.0 */
/* half.c - plan a training step into half of the memory that it takes
 *
 *	cc half.c $(pkg-config --cflags --libs layrub) -o half
 *	./half graphs/resnet50 h100
 *
 * The step is a name or a file, as on layrub's command line; so is the device.  A third argument is the policy.
 */
#include <inttypes.h>
#include <layrub.h>
#include <stdio.h>

enum { SHOWN = 12 };

static int
fail(const struct layrub_error *e)
{
	char line[2048];

	fprintf(stderr, "half: %s\n", layrub_error_line(e, line, sizeof(line)));
	return e->code == LAYRUB_INFEASIBLE ? 1 : 2;
}

static double
mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

/* What an executor does with an instruction: queues become streams, `after` becomes events. */
static void
show(const struct layrub_program *p, const struct layrub_graph *g, uint32_t id)
{
	static const char *const queues[LAYRUB_QUEUES] = { "compute", "out", "in" };
	const struct layrub_instruction *in = &p->instructions[id];

	printf("%4" PRIu32 "  %-7s  ", id, queues[in->queue]);
	if (in->queue == LAYRUB_COMPUTE) {
		printf("run %s", g->ops[in->op].name);
		for (uint32_t i = 0; i < in->read_count; i++)
			printf("%s %" PRIu64, i == 0 ? " from" : "", p->buffers[in->reads[i]].offset_bytes);
		for (uint32_t i = 0; i < in->write_count; i++)
			printf("%s %" PRIu64, i == 0 ? " to" : "", p->buffers[in->writes[i]].offset_bytes);
	} else {
		printf("copy %" PRIu64 " bytes %s the host", in->bytes, in->queue == LAYRUB_OUT ? "to" : "from");
	}
	for (uint32_t i = 0; i < in->after_count; i++)
		printf("%s %" PRIu32, i == 0 ? ", after" : "", in->after[i]);
	putchar('\n');
}

static int
report(struct layrub_plan *plan)
{
	const struct layrub_program *p = layrub_plan_program(plan);
	struct layrub_change slower = LAYRUB_CHANGE_INIT;
	struct layrub_figures now = LAYRUB_FIGURES_INIT, changed = LAYRUB_FIGURES_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;

	slower.h2d_bytes_per_s = slower.d2h_bytes_per_s = 16e9;
	if (layrub_plan_check(plan, NULL, &e) < 0 || layrub_plan_simulate(plan, NULL, &now, NULL, &e) < 0 ||
	    layrub_plan_simulate(plan, &slower, &changed, NULL, &e) < 0)
		return fail(&e);
	printf("policy   %s\n", p->policy);
	printf("arena    %.0f MiB of %.0f MiB\n", mib(p->arena_bytes), mib(now.budget_bytes));
	printf("host     %.0f MiB\n", mib(p->host_bytes));
	printf("step     %.1f ms, %.1f ms with everything resident\n", now.step_time_us / 1e3, now.ideal_time_us / 1e3);
	printf("         %.1f ms with a link of 16 GB/s\n", changed.step_time_us / 1e3);
	printf("first %d of %" PRIu32 " instructions\n", SHOWN, p->instruction_count);
	for (uint32_t i = 0; i < p->instruction_count && i < SHOWN; i++)
		show(p, layrub_plan_graph(plan), i);
	return 0;
}

int
main(int argc, char **argv)
{
	struct layrub_problem_options where = LAYRUB_PROBLEM_OPTIONS_INIT;
	struct layrub_plan_options half = LAYRUB_PLAN_OPTIONS_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *problem;
	struct layrub_plan *plan;
	int status;

	if (argc < 3 || argc > 4) {
		fputs("usage: half NETWORK|GRAPH DEVICE [POLICY]\n", stderr);
		return 2;
	}
	where.device = argv[2];
	half.budget_percent = 50;
	half.policy = argc > 3 ? argv[3] : NULL;
	problem = layrub_problem_open(argv[1], &where, &e);
	if (problem == NULL)
		return fail(&e);
	printf("needs    %.0f MiB\n", mib(layrub_problem_needs(problem)->peak_bytes));
	plan = layrub_plan_make(problem, &half, &e);
	status = plan == NULL ? fail(&e) : report(plan);
	layrub_plan_free(plan);
	layrub_problem_free(problem);
	return status;
}
