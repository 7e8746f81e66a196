/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_list.c - layrub list: the tables that are built in and the documents that are installed */
#include <config.h>
#include "src/command/command.h"

#include "src/library/tables.h"

#include <string.h>

#include "src/base/nearest.h"
#include "src/command/result.h"
#include "src/documents/lookup.h"
#include "src/library/task.h"

static const struct option_row options[] = { OPTION_END };

/* A section walks a table, or the documents of a kind. */
struct section {
	const char *name, *summary;
	table_row_fn *rows;
	enum lookup_what what;
};

static table_row_fn table_tables;

static const struct section sections[] = {
	{ .name = "policies", .summary = "what is kept, moved or made again: --policy", .rows = table_policies },
	{ .name = "placements", .summary = "where buffers go: --placement", .rows = table_placements },
	{ .name = "lowerings", .summary = "how a network becomes ops: --lowering", .rows = table_lowerings },
	{ .name = "layers", .summary = "what a network's layers may be", .rows = table_layers },
	{ .name = "devices", .summary = "device documents: --device", .what = LOOKUP_DEVICE },
	{ .name = "networks", .summary = "network documents", .what = LOOKUP_NETWORK },
	{ .name = "graphs", .summary = "graph documents: traces of real training steps", .what = LOOKUP_GRAPH },
	{ .name = "options", .summary = "planning options, and which commands take them", .rows = table_options },
	{ .name = "commands", .summary = "the subcommands of layrub", .rows = table_commands },
	{ .name = "tables", .summary = "these tables", .rows = table_tables },
	{ .name = NULL }
};

static const char *
table_tables(unsigned i, const char **summary)
{
	if (summary != NULL)
		*summary = sections[i].summary;
	return sections[i].name;
}

static const char *
device_summary(const char *name, struct cli *c, struct err *e)
{
	struct device d;
	char size[32], out[32], in[32];

	if (task_read_device(&d, name, NULL, &c->arena, e) < 0)
		return NULL;
	return arena_printf(&c->arena, "%s, %s, link %s out and %s in", d.gpu == NULL ? d.name : d.gpu,
	    units_size(size, d.memory_bytes), units_rate(out, d.link[D2H].bytes_per_s), units_rate(in, d.link[H2D].bytes_per_s));
}

/* The source that a network or graph names.  Shapes are not derived. */
static const char *
document_summary(const char *name, enum lookup_what what, struct cli *c, struct err *e)
{
	const char *path = lookup(name, what, &c->arena, e), *source;

	if (path == NULL)
		return NULL;
	c->document = json_read_file(path, e);
	if (c->document == NULL)
		return NULL;
	source = json_string_value(json_object_get(c->document, "source"));
	source = arena_strdup(&c->arena, source == NULL ? "" : source);
	json_decref(c->document);
	c->document = NULL;
	return source;
}

static void
item(struct json_out *o, bool json, const char *name, const char *summary)
{
	const char *end;

	if (!json) {
		for (; (end = strchr(summary, '\n')) != NULL; name = "", summary = end + 1)
			text_row(stdout, name, "%.*s", (int)(end - summary), summary);
		text_row(stdout, name, "%s", summary);
		return;
	}
	json_out_object(o, NULL, false);
	json_out_string(o, "name", name);
	json_out_string(o, "summary", summary);
	json_out_end_object(o);
}

static int
list_section(const struct section *s, struct json_out *o, struct cli *c, struct err *e)
{
	const char **names, *name, *summary;
	uint32_t count;

	for (unsigned i = 0; s->rows != NULL && (name = s->rows(i, &summary)) != NULL; i++)
		item(o, c->json, name, summary);
	if (s->rows != NULL)
		return 0;
	names = lookup_list(s->what, &count, &c->arena, e);
	for (uint32_t i = 0; names != NULL && i < count; i++) {
		summary = s->what == LOOKUP_DEVICE ? device_summary(names[i], c, e) : document_summary(names[i], s->what, c, e);
		if (summary == NULL)
			return -1;
		item(o, c->json, names[i], summary);
	}
	return names == NULL ? -1 : 0;
}

static int
list_all(struct json_out *o, const char *only, struct cli *c, struct err *e)
{
	bool first = true;

	for (const struct section *s = sections; s->name != NULL; s++) {
		if (only != NULL && strcmp(only, s->name) != 0)
			continue;
		if (c->json)
			json_out_array(o, s->name, true);
		else if (only == NULL)
			printf("%s%s:\n", first ? "" : "\n", s->name);
		first = false;
		if (list_section(s, o, c, e) < 0)
			return -1;
		if (c->json)
			json_out_end_array(o);
	}
	return 0;
}

static const char *
names_of_tables(struct arena *a)
{
	const char *all = sections[0].name;

	for (const struct section *s = sections + 1; s->name != NULL; s++)
		all = arena_printf(a, "%s, %s", all, s->name);
	return all;
}

static int
run(struct cli *c, struct err *e)
{
	const char *only = c->operands[0];
	const struct section *s = sections;
	struct nearest typed;
	struct json_out o;
	char q[48], near[NEAREST_TEXT];

	nearest_init(&typed, only == NULL ? "" : only);
	for (; only != NULL && s->name != NULL && strcmp(s->name, only) != 0; s++)
		nearest_add(&typed, s->name);
	if (s->name == NULL)
		return usage_error(e, NULL, "expected one of %s, got '%s'%s", names_of_tables(&c->arena), err_quote(q, only),
		    nearest_text(near, &typed, ""));
	if (c->json)
		result_begin(&o, cmd_list.name, stdout);
	if (list_all(&o, only, c, e) < 0)
		return -1;
	if (c->json)
		json_out_end(&o);
	return 0;
}

const struct command cmd_list = {
	"list", "[TABLE]", 0, 1, "List built-in tables and installed documents", options, run, FOR_NONE
};
