/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_explain.c - layrub explain: what makes a plan's peak, what each move saves and costs, what more would buy */
#include <config.h>
#include "src/command/command.h"

#include <string.h>

#include "sim/check/check.h"
#include "src/command/explain_view.h"

static const struct option_row options[] = { OPTION_END };

static bool
is_number(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int
read_tensor(uint32_t *id, const struct plan *p, const char *text, struct err *e)
{
	uint64_t n;

	if (units_parse_count(text, 0, p->graph->tensor_count == 0 ? 0 : p->graph->tensor_count - 1, &n, e) < 0)
		return usage_at(e, "ID");
	*id = (uint32_t)n;
	return 0;
}

static int
run(struct cli *c, struct err *e)
{
	const char *path = c->operands[0], *of = c->operands[1];
	struct view v;
	struct plan p;
	uint32_t tensor = PLAN_NONE;

	if (plan_request_check(&plan_given, e) < 0 || begin_plan(&p, c, e) < 0)
		return -1;
	if (check_plan(&p, &c->arena, e) < 0)
		return err_in_file(e, path);
	if (of != NULL && is_number(of) && read_tensor(&tensor, &p, of, e) < 0)
		return -1;
	if (view_init(&v, &p, &c->arena, e) < 0)
		return err_in_file(e, path);
	if (tensor != PLAN_NONE) {
		explain_tensor(&v, tensor, c->json, &c->arena);
		return 0;
	}
	if (of != NULL)
		return explain_layer(&v, of, c->json, &c->arena, e);
	if (explain_more(&v.more, &p, &plan_given, &c->arena, e) < 0)
		return err_in_file(e, path);
	c->json ? explain_to_json(&v, &c->arena) : explain_print(&v, &c->arena);
	return 0;
}

const struct command cmd_explain = {
	"explain", "PLAN [LAYER|ID]", 1, 2, "Say what makes a plan's peak, and what moves cost", options, run, FOR_EXPLAIN
};
