/* SPDX-License-Identifier: Apache-2.0 */
/* plan_options.c - the table of planning options */
#include <config.h>
#include "src/command/plan_options.h"

#include <assert.h>
#include <string.h>

#include "src/library/tables.h"
#include "src/library/usage.h"

struct plan_request plan_given = PLAN_REQUEST_INIT;
const char *plan_given_lists[AXIS_COUNT];
static struct option_texts sets, execs;
static double both_rates;

static const char *const command_names[FOR_COUNT] = {
	[FOR_PLAN] = "plan", [FOR_COMPARE] = "compare", [FOR_FIT] = "fit", [FOR_SWEEP] = "sweep", [FOR_EXPLAIN] = "explain"
};

struct plan_option {
	struct option_row row;
	const char *why_not[FOR_COUNT];	/* NULL: the command takes it */
	/* A list in sweep: its axis, value and help; NULL: the row itself. */
	enum axis axis;
	const char *list_value, *list_help;
	const char *explain_help, *fit_help;	/* of these commands; NULL: the row's */
};

/* Reasons that hold for several options. */
#define OWN_STEP      "the plan has its own step"
#define OWN_DEVICE    "the plan has its own device"
#define OWN_BUDGET    "it asks for the plan's budget and for 1 GiB more"
#define ONE_BUDGET    "all rows have one budget"
#define AXIS_OF_GRID  "the budget is an axis of the grid"
#define MANY_MODELS   "it makes several plans, and a file holds one model"

static const struct plan_option options[] = {
	{ .row = { "device", 'd', OPTION_TEXT, "DEVICE", &plan_given.task.device, "plan for this device: a name or a file (required)", NULL },
	  .axis = AXIS_DEVICE, .list_value = "DEVICE,...", .list_help = "plan for these devices: names or files; 'all' is\nevery device that ships (required)",
	  .fit_help = "fit this device: a name or a file (default: list\nthose that fit)",
	  .why_not = { [FOR_EXPLAIN] = OWN_DEVICE } },
	{ .row = { "budget", 'B', OPTION_TEXT, "SIZE|N%", &plan_given.budget, "device memory that a plan may use, everything\n"
	    "counted; a percentage is of the step's own peak\n(default: all that the device has less what is\nreserved)", NULL },
	  .axis = AXIS_BUDGET, .list_value = "SIZE|N%,...", .list_help = "device memory that a plan may use; a percentage is\n"
	    "of the step's own peak, 'all' is what the device\nhas less what is reserved; ranges as 50%:90%:10%\n(default: all)",
	  .why_not = { [FOR_EXPLAIN] = OWN_BUDGET } },
	{ .row = { "memory", 0, OPTION_TEXT, "SIZE", &plan_given.task.memory, "the device's memory, what is reserved included\n"
	    "(default: what the device document says)", NULL },
	  .axis = AXIS_MEMORY, .list_value = "SIZE,...", .list_help = "the devices' memory, what is reserved included\n"
	    "(default: what each device document says)",
	  .why_not = { [FOR_EXPLAIN] = OWN_DEVICE } },
	{ .row = { "host-memory", 0, OPTION_TEXT, "SIZE", &plan_given.task.host_memory, "host memory that a plan may pin (default: what the\n"
	    "device document says, or no limit)", NULL },
	  .axis = AXIS_HOST_MEMORY, .list_value = "SIZE,...", .list_help = "host memory that a plan may pin (default: what each\n"
	    "device document says, or no limit)",
	  .why_not = { [FOR_EXPLAIN] = OWN_DEVICE } },
	{ .row = { "slowdown", 0, OPTION_TEXT, "PCT", &plan_given.slowdown, "instead of --budget: the smallest budget whose\n"
	    "step takes at most PCT longer than the ideal time\n(default: --budget decides)", NULL },
	  .why_not = { [FOR_COMPARE] = ONE_BUDGET, [FOR_FIT] = "it has another --slowdown, the most that a plan may be slower",
	    [FOR_SWEEP] = AXIS_OF_GRID, [FOR_EXPLAIN] = OWN_BUDGET } },
	{ .row = { "minimise", 0, OPTION_CHOICE, "WHAT", &plan_given.minimise, "find the smallest budget that has a plan (default:\n"
	    "--budget decides)", table_budget_searches },
	  .why_not = { [FOR_COMPARE] = ONE_BUDGET, [FOR_FIT] = "it asks about one budget", [FOR_SWEEP] = AXIS_OF_GRID,
	    [FOR_EXPLAIN] = OWN_BUDGET } },
	{ .row = { "batch", 'b', OPTION_COUNT, "N", &plan_given.task.batch, "samples a step, for a network (default: its own)", NULL },
	  .axis = AXIS_BATCH, .list_value = "N,...", .list_help = "samples a step, for networks; a range is 16:64:16\n"
	    "(step 16) or 16:64:x2 (factor 2) (default: each\nnetwork's own)",
	  .why_not = { [FOR_EXPLAIN] = OWN_STEP } },
	{ .row = { "seq", 0, OPTION_COUNT, "N", &plan_given.task.seq, "length of the sequence, for a network of ids\n"
	    "(default: its own)", NULL },
	  .axis = AXIS_SEQ, .list_value = "N,...", .list_help = "lengths of the sequence, for networks of ids;\n"
	    "ranges as for --batch (default: each network's own)",
	  .why_not = { [FOR_EXPLAIN] = OWN_STEP } },
	{ .row = { "image", 0, OPTION_COUNT, "N", &plan_given.task.image, "height and width of the image, for a network of\n"
	    "images (default: its own)", NULL },
	  .axis = AXIS_IMAGE, .list_value = "N,...", .list_help = "heights and widths of the image, for networks of\n"
	    "images; ranges as for --batch (default: each\nnetwork's own)",
	  .why_not = { [FOR_EXPLAIN] = OWN_STEP } },
	{ .row = { "accumulate", 0, OPTION_COUNT, "N", &plan_given.task.accumulate, "passes a step, for a network: their gradients are\n"
	    "added up before the update (default: its own)", NULL },
	  .why_not = { [FOR_EXPLAIN] = OWN_STEP } },
	{ .row = { "set", 0, OPTION_TEXTS, "PATH=VALUE", &sets, "change a network before it is read; PATH is\n"
	    "LAYER.ATTRIBUTE, where LAYER may be a pattern, or a\nkey such as dtype; may be repeated (default: no\nchange)", NULL },
	  .list_value = "PATH=VALUE,...", .list_help = "change the networks before they are read; PATH is\n"
	    "LAYER.ATTRIBUTE, where LAYER may be a pattern, or a\nkey such as dtype; several values are an axis; may\nbe repeated (default: no change)",
	  .why_not = { [FOR_EXPLAIN] = OWN_STEP } },
	{ .row = { "policy", 'p', OPTION_CHOICE, "POLICY", &plan_given.policy, "what is kept, moved or made again\n(default: hybrid)", table_policies },
	  .axis = AXIS_POLICY, .list_value = "POLICY,...", .list_help = "what is kept, moved or made again; 'all' is every\n"
	    "policy (default: hybrid)",
	  .explain_help = "policy of the new plans: 1 GB/s more, 1 GiB more\n(default: hybrid)",
	  .why_not = { [FOR_COMPARE] = "it plans with every policy" } },
	{ .row = { "exec", 0, OPTION_TEXTS, "PROGRAM", &execs, "an external policy: a program that reads the\n"
	    "problem and writes a schedule; compare takes\nseveral (default: none)", NULL },
	  .why_not = { [FOR_SWEEP] = "its policies are those of the table" } },
	{ .row = { "placement", 0, OPTION_CHOICE, "PLACEMENT", &plan_given.placement, "where buffers go (default: auto)", table_placements },
	  .axis = AXIS_PLACEMENT, .list_value = "PLACEMENT,...", .list_help = "where buffers go; 'all' is every placement\n"
	    "(default: auto)" },
	{ .row = { "lowering", 0, OPTION_CHOICE, "LOWERING", &plan_given.task.lowering, "how a network becomes ops (default: reuse)", table_lowerings },
	  .why_not = { [FOR_EXPLAIN] = OWN_STEP } },
	{ .row = { "reorder", 0, OPTION_CHOICE, "ORDER", &plan_given.task.reorder, "the order of ops (default: none, the graph's own)", table_reorders },
	  .why_not = { [FOR_EXPLAIN] = OWN_STEP } },
	{ .row = { "times", 0, OPTION_CHOICE, "TIMES", &plan_given.task.times, "op times of a graph: its own, or scaled to the\n"
	    "device (default: traced)", table_times },
	  .why_not = { [FOR_EXPLAIN] = OWN_STEP } },
	{ .row = { "time-limit", 0, OPTION_TEXT, "TIME", &plan_given.time_limit, "policies hybrid and ilp: search no longer for a\n"
	    "plan; a bare number is in seconds (default: ilp\n20s, hybrid a fixed amount of search)", NULL } },
	{ .row = { "effort", 0, OPTION_FACTOR, "X", &plan_given.effort, "policy hybrid: search so many times as much; less\n"
	    "than 1 is a quick draft without floors\n(default: 1)", NULL } },
	{ .row = { "floors", 0, OPTION_COUNT, "N", &plan_given.floors, "policy hybrid: search N lower rungs for a faster\n"
	    "plan, and no budget between rungs (default: few)", NULL },
	  .why_not = { [FOR_COMPARE] = "it concerns one policy", [FOR_FIT] = "it plans many batches", [FOR_EXPLAIN] = "it asks what a little more would bring" } },
	{ .row = { "start", 0, OPTION_TEXT, "FILE", &plan_given.start, "be no slower than this plan of the same step would\n"
	    "be on this device, where it fits (default: none)", NULL },
	  .why_not = { [FOR_COMPARE] = "each policy is on its own", [FOR_FIT] = "a plan is of one batch", [FOR_SWEEP] = "a plan is of one point",
	    [FOR_EXPLAIN] = "it starts from its plan" } },
	{ .row = { "homes", 0, OPTION_TEXT, "FILE", &plan_given.homes, "begin and end with persistent tensors where this\n"
	    "plan has them, so that both serve one set of them\n(default: anywhere)", NULL },
	  .why_not = { [FOR_FIT] = "it plans many batches", [FOR_SWEEP] = "its points do not depend on a plan", [FOR_EXPLAIN] = "it starts from its plan" } },
	{ .row = { "write-lp", 0, OPTION_TEXT, "FILE", &plan_given.write_lp, "policy ilp: write its first model to this file, in\n"
	    "CPLEX LP format (default: nowhere)", NULL },
	  .why_not = { [FOR_COMPARE] = "it leaves ilp out", [FOR_FIT] = MANY_MODELS, [FOR_SWEEP] = MANY_MODELS, [FOR_EXPLAIN] = MANY_MODELS } },
	{ .row = { "h2d", 0, OPTION_RATE, "RATE", &plan_given.link.rate[H2D], "rate of copies to the device (default: the device's\nown)", NULL },
	  .axis = AXIS_H2D, .list_value = "RATE,...", .list_help = "rates of copies to the device (default: the\ndevice's own)",
	  .why_not = { [FOR_EXPLAIN] = OWN_DEVICE } },
	{ .row = { "d2h", 0, OPTION_RATE, "RATE", &plan_given.link.rate[D2H], "rate of copies to the host (default: the device's\nown)", NULL },
	  .axis = AXIS_D2H, .list_value = "RATE,...", .list_help = "rates of copies to the host (default: the device's\nown)",
	  .why_not = { [FOR_EXPLAIN] = OWN_DEVICE } },
	{ .row = { "link", 0, OPTION_RATE, "RATE", &both_rates, "rate of either direction, instead of --h2d and\n"
	    "--d2h (default: the device's own)", NULL },
	  .axis = AXIS_LINK, .list_value = "RATE,...", .list_help = "rates of either direction, instead of --h2d and\n"
	    "--d2h (default: the device's own)",
	  .why_not = { [FOR_EXPLAIN] = OWN_DEVICE } },
	{ .row = { "duplex", 0, OPTION_RATE, "RATE", &plan_given.link.duplex, "rate of both directions together (default: the\n"
	    "device's own, in proportion to the two)", NULL },
	  .why_not = { [FOR_EXPLAIN] = OWN_DEVICE } },
	{ .row = { "latency", 0, OPTION_TIME, "TIME", &plan_given.link.latency, "time before a copy's first byte (default: the\n"
	    "device's own)", NULL },
	  .why_not = { [FOR_EXPLAIN] = OWN_DEVICE } },
	{ .row = { "gpus-per-link", 0, OPTION_COUNT, "N", &plan_given.link.gpus_per_link, "GPUs that share the link, all as busy as this one\n"
	    "(default: 1)", NULL },
	  .axis = AXIS_GPUS, .list_value = "N,...", .list_help = "GPUs that share the link, all equally busy; ranges\n"
	    "as for --batch (default: 1)",
	  .why_not = { [FOR_EXPLAIN] = OWN_DEVICE } },
};
enum { OPTIONS = sizeof(options) / sizeof(options[0]) };
static_assert(sizeof(options) <= PLAN_OPTIONS_MAX * sizeof(options[0]), "the rows fit");

int
plan_options_parsed(struct err *e)
{
	bool one_way = plan_given.link.rate[H2D] > 0 || plan_given.link.rate[D2H] > 0 || plan_given_lists[AXIS_H2D] != NULL ||
	    plan_given_lists[AXIS_D2H] != NULL;

	if (plan_given_lists[AXIS_LINK] != NULL && one_way)
		return what_if_contradiction(e);
	if (what_if_both(&plan_given.link, both_rates, e) < 0)
		return -1;
	plan_given.task.set = sets.texts;
	plan_given.task.set_count = sets.count;
	plan_given.exec = execs.texts;
	plan_given.exec_count = execs.count;
	return 0;
}

void
plan_options(struct option_row rows[PLAN_OPTIONS_MAX + 1], enum plan_command command)
{
	int n = 0;

	for (const struct plan_option *o = options; o < options + OPTIONS && command != FOR_NONE; o++) {
		if (o->why_not[command] != NULL)
			continue;
		rows[n] = o->row;
		if (command == FOR_EXPLAIN && o->explain_help != NULL)
			rows[n].help = o->explain_help;
		if (command == FOR_FIT && o->fit_help != NULL)
			rows[n].help = o->fit_help;
		if (command == FOR_SWEEP && o->list_value != NULL) {
			rows[n].value = o->list_value;
			rows[n].help = o->list_help;
			/* --set may be repeated, so its lists stay with the option. */
			if (o->row.type != OPTION_TEXTS) {
				rows[n].type = OPTION_LIST;
				rows[n].to = &plan_given_lists[o->axis];
			}
		}
		n++;
	}
	rows[n] = (struct option_row) OPTION_END;
}

const char *
plan_option_refusal(const char *name, enum plan_command command)
{
	for (const struct plan_option *o = options; o < options + OPTIONS; o++)
		if (strcmp(o->row.name, name) == 0)
			return o->why_not[command];
	return NULL;
}

/* A summary says which commands take the option, and on a line for each of the others why not. */
const char *
table_options(unsigned i, const char **summary)
{
	static char text[512];
	size_t n = 0;

	if (i >= OPTIONS)
		return NULL;
	if (summary == NULL)
		return options[i].row.name;
	for (int c = FOR_NONE + 1; c < FOR_COUNT; c++)
		if (options[i].why_not[c] == NULL)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n == 0 ? "" : ", ", command_names[c]);
	for (int c = FOR_NONE + 1; c < FOR_COUNT; c++)
		if (options[i].why_not[c] != NULL)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "\nnot %s: %s", command_names[c], options[i].why_not[c]);
	*summary = text;
	return options[i].row.name;
}
