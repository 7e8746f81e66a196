/* SPDX-License-Identifier: Apache-2.0 */
/* layrub report: draw a plan and its simulation. */
#include <config.h>
#include "src/command.h"

#include "sim/check.h"
#include "sim/report.h"

static struct { const char *output; } given;

static const struct option_row options[] = {
	{ "output", 'o', OPTION_TEXT, "FILE", &given.output, "draw into this file, .svg or .png (required)", NULL },
	OPTION_END
};

static int
run(struct cli *c, struct err *e)
{
	struct sim_result r;
	struct json_out o;
	struct plan p;

	if (given.output == NULL)
		return usage_error(c, e, "--output", "expected a file that ends in .svg or .png, got none");
	if (plan_read(&p, c->operands[0], &c->arena, e) < 0)
		return -1;
	if (check_plan(&p, &c->arena, e) < 0 || simulate(&r, &p, p.device, &c->arena, e) < 0)
		return err_in_file(e, c->operands[0]);
	if (report_plan(given.output, &p, &r, &c->arena, e) < 0)
		return -1;
	if (!c->json)
		return 0;
	json_out_init(&o, stdout);
	json_out_object(&o, NULL, true);
	json_out_string(&o, "graph", p.graph->name);
	json_out_string(&o, "output", given.output);
	json_out_end_object(&o);
	json_out_finish(&o);
	return 0;
}

const struct command cmd_report = {
	"report", "PLAN", 1, 1, "Draw memory, queues and stalls of a plan over time", options, run
};
