/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c - layrub check: is a plan sound? */
#include <config.h>
#include "src/command/command.h"

#include "sim/check/check.h"
#include "sim/check/check_homes.h"
#include "src/command/result.h"
#include "src/documents/lookup.h"

static struct { const char *graph, *homes; } given;

static const struct option_row options[] = {
	{ "graph", 'g', OPTION_TEXT, "GRAPH", &given.graph, "the plan must be for this graph: a name or a file\n(default: any graph)", NULL },
	{ "homes", 0, OPTION_TEXT, "FILE", &given.homes, "the plan must serve one set of persistent tensors\ntogether with this one (default: none)", NULL },
	OPTION_END
};

static int
check_given_graph(const struct plan *p, struct arena *a, struct err *e)
{
	const char *path = lookup(given.graph, LOOKUP_GRAPH, a, e);
	struct graph g;

	return path == NULL || graph_read(&g, path, a, e) < 0 ? -1 : check_graph(p, &g, a, e);
}

static int
check_given_homes(struct shared_homes *s, const struct plan *p, struct arena *a, struct err *e)
{
	struct plan other;

	if (plan_read(&other, given.homes, a, e) < 0)
		return -1;
	if (check_plan(&other, a, e) < 0) {
		e->code = ERR_INPUT;
		return err_in_file(e, given.homes);
	}
	return check_homes(s, p, &other, a, e);
}

static void
print_answer(const struct plan *p, const struct shared_homes *s, const struct cli *c, const struct err *e)
{
	struct json_out o;
	char arena[32], host[32], shared[32];

	if (!c->json && e->code == ERR_NONE) {
		text_row(stdout, "sound", "yes");
		text_row(stdout, "graph", "%s", p->graph->name);
		text_row(stdout, "instructions", "%" PRIu32, p->instruction_count);
		text_row(stdout, "buffers", "%" PRIu32 " on the device, %" PRIu32 " on the host", p->buffer_count, p->host_count);
		text_row(stdout, "arena", "%s, host %s", units_size(arena, p->arena_bytes), units_size(host, p->host_bytes));
		if (given.homes != NULL)
			text_row(stdout, "homes", "%" PRIu32 " shared (%s), %" PRIu32 " only here, %" PRIu32 " only there", s->shared,
			    units_size(shared, s->shared_bytes), s->own, s->others);
	}
	if (!c->json)
		return;
	result_begin(&o, cmd_check.name, stdout);
	json_out_bool(&o, "sound", e->code == ERR_NONE);
	if (e->code != ERR_NONE) {
		json_out_string(&o, "path", e->path);
		json_out_string(&o, "reason", e->text);
	}
	json_out_string(&o, "graph", p->graph->name);
	json_out_string(&o, "device", p->device->name);
	json_out_uint(&o, "instructions", p->instruction_count);
	json_out_uint(&o, "buffers", p->buffer_count);
	json_out_uint(&o, "host_buffers", p->host_count);
	json_out_uint(&o, "arena_bytes", p->arena_bytes);
	json_out_uint(&o, "host_bytes", p->host_bytes);
	if (given.homes != NULL && e->code == ERR_NONE) {
		json_out_uint(&o, "shared_tensors", s->shared);
		json_out_uint(&o, "shared_bytes", s->shared_bytes);
		json_out_uint(&o, "own_tensors", s->own);
		json_out_uint(&o, "other_tensors", s->others);
	}
	json_out_end(&o);
}

static int
run(struct cli *c, struct err *e)
{
	struct shared_homes s = { 0 };
	struct plan p;

	if (begin_plan(&p, c, e) < 0)
		return -1;
	if ((given.graph == NULL || check_given_graph(&p, &c->arena, e) == 0) && check_plan(&p, &c->arena, e) == 0 &&
	    (given.homes == NULL || check_given_homes(&s, &p, &c->arena, e) == 0)) {
		print_answer(&p, &s, c, e);
		return 0;
	}
	if (e->code == ERR_NO)
		print_answer(&p, &s, c, e);
	return err_in_file(e, c->operands[0]);
}

const struct command cmd_check = {
	"check", "PLAN", 1, 1, "Prove that a plan is sound, or say where it is not", options, run, FOR_NONE
};
