/* SPDX-License-Identifier: Apache-2.0 */
/* arrays.c - plan a step from arrays, without a document
 *
 *	cc arrays.c $(pkg-config --cflags --libs layrub) -o arrays
 *	./arrays h100
 *
 * A chain of layers: forward ops make maps, backward ops read them in reverse order, updates change the weights.
 */
#include <inttypes.h>
#include <layrub.h>
#include <stdio.h>

enum { LAYERS = 8, WEIGHT = 1, MAP = WEIGHT + LAYERS, GRADIENT = MAP + LAYERS, TENSORS = GRADIENT + 2 * LAYERS, OPS = 3 * LAYERS };

static const uint64_t map_bytes = 64 << 20, weight_bytes = 1 << 20;

/* The arrays that the ops point to live until the problem is built. */
struct step {
	struct layrub_tensor tensors[TENSORS];
	struct layrub_op ops[OPS];
	uint32_t inputs[OPS][3], outputs[OPS][2];
};

static void
set_op(struct step *s, uint32_t id, const char *name, uint32_t phase, uint32_t input_count, uint32_t output_count)
{
	s->ops[id] = (struct layrub_op) { .name = name, .phase = phase, .input_count = input_count, .inputs = s->inputs[id],
	    .output_count = output_count, .outputs = s->outputs[id], .time_us = 500 };
}

/* Tensor 0 is the input.  Layer i reads map i - 1, or the input, and its weight. */
static void
fill_step(struct step *s)
{
	s->tensors[0] = (struct layrub_tensor) { .bytes = map_bytes, .kind = LAYRUB_INPUT };
	for (uint32_t i = 0; i < LAYERS; i++) {
		uint32_t below = i == 0 ? 0 : MAP + i - 1, backward = 2 * LAYERS - 1 - i, update = 2 * LAYERS + i;

		s->tensors[WEIGHT + i] = (struct layrub_tensor) { .bytes = weight_bytes, .kind = LAYRUB_PARAMETER };
		s->tensors[MAP + i] = (struct layrub_tensor) { .bytes = map_bytes, .kind = LAYRUB_ACTIVATION };
		s->tensors[GRADIENT + 2 * i] = (struct layrub_tensor) { .bytes = map_bytes, .kind = LAYRUB_GRADIENT };
		s->tensors[GRADIENT + 2 * i + 1] = (struct layrub_tensor) { .bytes = weight_bytes, .kind = LAYRUB_GRADIENT };

		set_op(s, i, "linear", LAYRUB_FORWARD, 2, 1);
		s->inputs[i][0] = below;
		s->inputs[i][1] = WEIGHT + i;
		s->outputs[i][0] = MAP + i;

		set_op(s, backward, "linear-backward", LAYRUB_BACKWARD, 3, 2);
		s->inputs[backward][0] = i == LAYERS - 1 ? MAP + i : GRADIENT + 2 * (i + 1);
		s->inputs[backward][1] = below;
		s->inputs[backward][2] = WEIGHT + i;
		s->outputs[backward][0] = GRADIENT + 2 * i;
		s->outputs[backward][1] = GRADIENT + 2 * i + 1;

		set_op(s, update, "update", LAYRUB_UPDATE, 2, 1);
		s->inputs[update][0] = WEIGHT + i;
		s->inputs[update][1] = GRADIENT + 2 * i + 1;
		s->outputs[update][0] = WEIGHT + i;
	}
}

int
main(int argc, char **argv)
{
	static struct step step;
	struct layrub_graph graph = LAYRUB_GRAPH_INIT;
	struct layrub_problem_options where = LAYRUB_PROBLEM_OPTIONS_INIT;
	struct layrub_plan_options half = LAYRUB_PLAN_OPTIONS_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *problem;
	struct layrub_plan *plan = NULL;
	char line[2048];
	int status = 0;

	if (argc != 2) {
		fputs("usage: arrays DEVICE\n", stderr);
		return 2;
	}
	fill_step(&step);
	graph.name = "chain";
	graph.tensor_count = TENSORS;
	graph.tensors = step.tensors;
	graph.op_count = OPS;
	graph.ops = step.ops;
	where.device = argv[1];
	half.budget_percent = 50;
	problem = layrub_problem_build(&graph, &where, &e);
	if (problem == NULL || (plan = layrub_plan_make(problem, &half, &e)) == NULL) {
		fprintf(stderr, "arrays: %s\n", layrub_error_line(&e, line, sizeof(line)));
		status = e.code == LAYRUB_INFEASIBLE ? 1 : 2;
	} else {
		printf("%" PRIu64 " bytes with everything resident\n", layrub_problem_needs(problem)->peak_bytes);
		printf("%" PRIu64 " bytes planned\n", layrub_plan_program(plan)->arena_bytes);
	}
	layrub_plan_free(plan);
	layrub_problem_free(problem);
	return status;
}
