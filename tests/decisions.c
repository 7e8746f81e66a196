/* SPDX-License-Identifier: Apache-2.0 */
/* Any fate for any tensor gives a sound plan, or an answer that says why not. */
#include <config.h>
#include "planner/decisions.h"

#include <string.h>

#include "planner/program.h"
#include "sim/check.h"
#include "tests/tap.h"

static uint64_t seed = 7;

static uint32_t
draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 11) % below);
}

/* A random fate for about one use in `rarity`, with random times. */
static void
random_decisions(struct decisions *d, uint32_t rarity)
{
	const struct lifetimes *l = d->life;

	d->keep_recomputed = draw(2) == 0;
	for (uint32_t t = 0; t < l->graph->tensor_count; t++)
		for (uint32_t u = l->use_start[t]; u + 1 < l->use_start[t + 1]; u++) {
			uint32_t first = l->use_op[u] + 1, next = l->use_op[u + 1];

			if (draw(rarity) != 0)
				continue;
			/* What backward makes is not recomputable: now and then is often enough to be told. */
			d->fate[u] = draw(2) || (l->graph->ops[l->use_op[u]].phase != PHASE_FORWARD && draw(200)) ?
			    FATE_OFFLOAD : FATE_DROP;
			if (d->fate[u] == FATE_OFFLOAD && first < next) {
				d->gone[u] = first + draw(next - first + 1);
				d->back[u] = d->gone[u] + draw(next - d->gone[u] + 1);
			} else if (d->fate[u] == FATE_OFFLOAD) {
				d->fate[u] = FATE_KEEP;
			}
		}
}

static void
test_graph(const char *name, int rounds)
{
	unsigned sound = 0, refused = 0, reruns = 0, moves = 0, bad = 0;
	struct arena given = ARENA_INIT;
	struct err e = ERR_INIT;
	struct graph g;
	struct device device;
	struct lifetimes l;

	if (graph_read(&g, data_path(arena_printf(&given, "graphs/%s.graph.json", name)), &given, &e) < 0 ||
	    device_read(&device, data_path("devices/h200.json"), &given, &e) < 0) {
		ok(false, "%s: %s", name, e.text);
		arena_free(&given);
		return;
	}
	lifetimes_init(&l, &g, &given);
	for (int n = 0; n < rounds; n++) {
		struct arena a = ARENA_INIT;
		struct decisions d;
		struct schedule s;
		struct plan p = { .graph = &g, .device = &device };

		e = (struct err) ERR_INIT;
		decisions_init(&d, &l, &a);
		random_decisions(&d, 2 + draw(30));
		if (decisions_schedule(&s, &d, &a, &e) < 0) {
			refused++;
		} else if (program_build(&p, &s, &placements[0], &a, &e) < 0) {
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
		}
		arena_free(&a);
	}
	arena_free(&given);
	is_uint(sound + refused, (uint64_t)rounds, "%s: sound or refused (%u refused)", name, refused);
	ok(reruns > 0 && moves > 0 && bad == 0, "%s: %u reruns, %u moves", name, reruns, moves);
}

int
main(void)
{
	test_graph("alexnet", 150);
	test_graph("vgg16", 60);
	test_graph("resnet50", 15);
	test_graph("gpt2", 10);
	return tap_done();
}
