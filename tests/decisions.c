/* SPDX-License-Identifier: Apache-2.0 */
/* Any fate for any tensor gives a sound plan, or an answer that says why not. */
#include <config.h>
#include "planner/schedule/decisions.h"

#include <string.h>

#include "planner/schedule/program.h"
#include "sim/check/check.h"
#include "src/base/json.h"
#include "src/network/lower.h"
#include "tests/random.h"
#include "tests/results.h"
#include "tests/tap.h"

static uint64_t seed = 7;

static uint32_t
draw(uint32_t below)
{
	return (uint32_t)((random_xorshift(&seed) >> 11) % below);
}

/* Offload tensor t, slot u, somewhere between the end of op first - 1 and op next. */
static void
random_offload(struct decisions *d, uint32_t u, uint32_t first, uint32_t next)
{
	d->fate[u] = FATE_OFFLOAD;
	d->gone[u] = first + draw(next - first + 1);
	d->back[u] = d->gone[u] + draw(next - d->gone[u] + 1);
}

/* A random fate for about one use in `rarity`, with random times. */
static void
random_decisions(struct decisions *d, uint32_t rarity, struct arena *a)
{
	const struct lifetimes *l = d->life;
	const struct graph *g = l->graph;

	d->keep_recomputed = draw(2) == 0;
	d->in_place = draw(2) == 0;
	d->on_host = draw(2) == 0 ? NULL : ARENA_NEW(a, bool, g->tensor_count);
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		bool persistent = kind_is_persistent(g->tensors[t].kind), final = kind_has_final(g->tensors[t].kind);

		if (persistent && d->on_host != NULL)
			d->on_host[t] = draw(rarity) == 0;
		if (persistent && draw(rarity) == 0 && l->first[t] <= l->last[t])
			random_offload(d, decisions_before(l, t), 0, l->first[t]);
		for (uint32_t u = l->use_start[t]; u + !final < l->use_start[t + 1]; u++) {
			uint32_t first = l->use_op[u] + 1, next = u + 1 < l->use_start[t + 1] ? l->use_op[u + 1] : g->op_count;

			if (draw(rarity) != 0 || first >= next)
				continue;
			/* What backward makes is not recomputable: now and then is often enough to be told. */
			if (persistent || draw(2) || (g->ops[l->use_op[u]].phase != PHASE_FORWARD && draw(200)))
				random_offload(d, u, first, next);
			else
				d->fate[u] = FATE_DROP;
		}
	}
}

/* How many places are on the host, and how many runs of a plan take an input's bytes over. */
static void
count_places(const struct plan *p, unsigned *homes, unsigned *in_place)
{
	for (uint32_t i = 0; i < p->initial_count; i++)
		*homes += p->initial[i].on_host;
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];
		const struct op *o = in->queue == QUEUE_COMPUTE ? &p->graph->ops[in->op] : NULL;

		for (uint32_t k = 0; o != NULL && o->inplace_count > 0 && k < o->input_count; k++)
			*in_place += p->buffers[in->reads[k]].offset_bytes == p->buffers[in->writes[0]].offset_bytes &&
			    in->reads[k] != in->writes[0];
	}
}

/* A graph as it was traced, or a network lowered: this one permits some ops to run in place. */
static int
get_graph(struct graph *g, const char *name, const struct device *d, struct arena *a, struct err *e)
{
	struct network n;
	json_t *root;
	int rc;

	if (strncmp(name, "graphs/", 7) == 0)
		return graph_read(g, data_path(arena_printf(a, "%s.graph.json", name)), a, e);
	root = json_read_file(data_path(arena_printf(a, "%s.json", name)), e);
	rc = root == NULL || network_from_json(&n, root, a, e) < 0 || lower(g, &n, &lowering_reuse, d, a, e) < 0 ? -1 : 0;
	json_decref(root);
	return rc;
}

static void
test_graph(const char *name, int rounds, bool results)
{
	unsigned sound = 0, refused = 0, reruns = 0, moves = 0, bad = 0, homes = 0, in_place = 0;
	struct arena given = ARENA_INIT;
	struct err e = ERR_INIT;
	struct graph g;
	struct device device;
	struct lifetimes l;

	if (device_read(&device, data_path("devices/h200.json"), &given, &e) < 0 ||
	    get_graph(&g, name, &device, &given, &e) < 0) {
		ok(false, "%s: %s", name, e.text);
		arena_free(&given);
		return;
	}
	if (results)
		ok(make_results(&g, 12, &seed) > 0 && graph_check(&g, &e) == 0, "%s: with results", name);
	lifetimes_init(&l, &g, &given);
	for (int n = 0; n < rounds; n++) {
		struct arena a = ARENA_INIT;
		struct decisions d;
		struct schedule s;
		struct plan p = { .graph = &g, .device = &device };

		e = (struct err) ERR_INIT;
		decisions_init(&d, &l, &a);
		random_decisions(&d, 2 + draw(30), &a);
		if (decisions_schedule(&s, &d, &a, &e) < 0) {
			refused++;
		} else if (program_build(&p, &s, NULL, placement_find("best-fit"), 0, &a, &e) < 0) {
			bad++;
		} else {
			p.budget_bytes = bytes_align(p.arena_bytes, 256);
			device.memory_bytes = p.budget_bytes + device.reserved_bytes;
			device.pinned_bytes = p.host_bytes;
			p.tool = p.policy = p.placement = p.options = p.status = "";
			check_figures(&p.figures, &p, &a);
			sound += check_plan(&p, &a, &e) == 0;
			if (e.code != ERR_NONE)
				diag("%s: %s: %s", name, e.path, e.text);
			reruns += s.step_count - g.op_count;
			moves += s.move_count;
			count_places(&p, &homes, &in_place);
		}
		arena_free(&a);
	}
	arena_free(&given);
	is_uint(sound + refused, (uint64_t)rounds, "%s: sound or refused (%u refused)", name, refused);
	ok(reruns > 0 && moves > 0 && homes > 0 && bad == 0, "%s: %u reruns, %u moves, %u at home on the host", name,
	    reruns, moves, homes);
	ok((in_place > 0) == (strncmp(name, "graphs/", 7) != 0), "%s: %u inputs taken over", name, in_place);
}

int
main(void)
{
	test_graph("graphs/alexnet", 150, false);
	test_graph("graphs/vgg16", 60, false);
	test_graph("graphs/resnet50", 15, false);
	test_graph("graphs/gpt2", 10, false);
	test_graph("alexnet", 60, false);
	test_graph("resnet18", 60, false);
	test_graph("graphs/alexnet", 100, true);
	test_graph("graphs/vgg16", 40, true);
	test_graph("alexnet", 40, true);
	test_graph("resnet18", 40, true);
	return tap_done();
}
