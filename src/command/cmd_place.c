/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_place.c - layrub place: an offset for every buffer of a list */
#include <config.h>
#include "src/command/command.h"

#include "src/library/tables.h"

#include <math.h>

#include "src/base/clock.h"
#include "src/base/file.h"
#include "src/command/place_file.h"
#include "src/command/result.h"
#include "src/library/place_list.h"

static struct {
	bytes_t capacity;
	const char *placement, *ends, *time_limit, *output;
} given;

/* The values of --ends. */
static const char *
table_ends(unsigned i, const char **summary)
{
	static const char *const names[] = { "exclusive", "inclusive" };

	if (summary != NULL)
		*summary = "";
	return i < 2 ? names[i] : NULL;
}

static const struct option_row options[] = {
	{ "capacity", 'c', OPTION_SIZE, "SIZE", &given.capacity, "stop as soon as the buffers fit into so much\n"
	    "(default: look for the smallest arena)", NULL },
	{ "placement", 0, OPTION_CHOICE, "PLACEMENT", &given.placement, "where buffers go (default: auto)", table_placements },
	{ "ends", 0, OPTION_CHOICE, "ENDS", &given.ends, "whether a buffer is alive at its 'upper' (default:\nonly where the column is called 'end')", table_ends },
	{ "time-limit", 0, OPTION_TEXT, "TIME", &given.time_limit, "search for so long, and no longer; a bare number is\n"
	    "in seconds (default: a fixed amount of search, the\nsame in every run)", NULL },
	{ "output", 'o', OPTION_TEXT, "FILE", &given.output, "write the buffers with their offsets, as CSV\n(default: nowhere)", NULL },
	OPTION_END
};

struct answer {
	struct place_file list;
	struct place_result result;
	const char *status;
	double time_s;
};

static void
print_answer(const struct answer *w, const char *placement, const struct cli *c)
{
	/* The table goes to stderr when the offsets go to stdout. */
	FILE *out = given.output != NULL && given.output[0] == '-' && given.output[1] == '\0' ? stderr : stdout;
	const struct place_result *r = &w->result;
	struct json_out o;
	char size[32];

	if (!c->json) {
		text_row(out, "buffers", "%" PRIu32, w->list.rows.count);
		text_row(out, "placement", "%s", placement);
		text_row(out, "lower bound", "%s (%" PRI_BYTES " bytes)", units_size(size, r->bound_bytes), r->bound_bytes);
		text_row(out, "arena", "%s (%" PRI_BYTES " bytes)", units_size(size, r->arena_bytes), r->arena_bytes);
		if (r->bound_bytes > 0)
			text_row(out, "over the bound", "%.4f %%", 100 * ((double)r->arena_bytes / (double)r->bound_bytes - 1));
		if (given.capacity > 0)
			text_row(out, "capacity", "%s (%" PRI_BYTES " bytes)", units_size(size, given.capacity), given.capacity);
		text_row(out, "status", "%s", w->status);
		text_row(out, "time", "%.3f s", w->time_s);
		return;
	}
	result_begin(&o, cmd_place.name, out);
	json_out_uint(&o, "buffers", w->list.rows.count);
	json_out_string(&o, "placement", placement);
	json_out_uint(&o, "lower_bound_bytes", r->bound_bytes);
	json_out_uint(&o, "arena_bytes", r->arena_bytes);
	if (given.capacity > 0)
		json_out_uint(&o, "capacity_bytes", given.capacity);
	json_out_string(&o, "status", w->status);
	json_out_real(&o, "time_s", w->time_s);
	json_out_end(&o);
}

/* Sets the error of a capacity that is proved too small: the moment, and the few buffers that prove it. */
static void
explain(const struct answer *w, struct arena *a, struct err *e)
{
	enum { MOST_NAMES = 5 };
	const struct place_file *list = &w->list;
	struct place_proof proof;
	bytes_t needed = w->result.bound_bytes;
	char names[112] = "", q[48];
	size_t used = 0;

	place_prove(&proof, &list->problem, given.capacity, a);
	for (uint32_t k = 0; k < proof.count && k < MOST_NAMES && used < sizeof(names) - 24; k++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s'%.16s'", k == 0 ? "" : ", ",
		    err_quote(q, list->rows.all[list->shapes.row_of[proof.items[k]]].id));
	if (proof.count > MOST_NAMES)
		snprintf(names + used, sizeof(names) - used, " and %" PRIu32 " more", proof.count - MOST_NAMES);
	if (proof.count == 0)
		err_set(e, ERR_NO, "no placement fits %" PRI_BYTES " bytes: %" PRI_BYTES " are needed at least, %" PRI_BYTES " more, as a search "
		    "has proved", given.capacity, needed, needed - given.capacity);
	else
		err_set(e, ERR_NO, "no placement fits %" PRI_BYTES " bytes: %" PRI_BYTES " are needed at least, %" PRI_BYTES " more; at time %" PRId64
		    " %s need %" PRI_BYTES, given.capacity, needed, needed - given.capacity, list->shapes.times[proof.time], names, proof.bytes);
}

static int
write_offsets(FILE *out, void *arg, struct err *e)
{
	const struct answer *w = arg;

	(void)e;
	place_file_write(&w->list, w->result.offsets, out);
	return 0;
}

static int
run(struct cli *c, struct err *e)
{
	const struct placement *row = placement_find(given.placement == NULL ? "auto" : given.placement);
	struct place_problem *p;
	enum place_ends ends;
	struct answer w;
	double begin;
	int rc;

	ends = given.ends == NULL ? PLACE_ENDS_BY_NAME : given.ends[0] == 'i' ? PLACE_ENDS_INCLUSIVE : PLACE_ENDS_EXCLUSIVE;
	if (place_file_read(&w.list, c->operands[0], ends, &c->arena, e) < 0)
		return -1;
	p = &w.list.problem;
	p->capacity = given.capacity;
	p->thorough = true;
	if (request_seconds(&p->time_limit_s, "--time-limit", given.time_limit, e) < 0)
		return -1;
	w.result.offsets = ARENA_NEW(&c->arena, bytes_t, p->count);
	begin = clock_seconds();
	p->stopped = interrupted;
	p->progress = watch_begin();
	rc = place_list_run(&w.result, row, p, &c->arena, e);
	watch_end(rc == 0);
	if (rc < 0)
		return err_in_file(e, c->operands[0]);
	w.time_s = clock_seconds() - begin;
	w.status = place_status_names[place_status_of(&w.result, given.capacity)];
	if (given.output != NULL && file_write(given.output, write_offsets, &w, e) < 0)
		return -1;
	print_answer(&w, row->name, c);
	if (given.capacity == 0 || w.result.arena_bytes <= given.capacity)
		return 0;
	if (w.result.bound_bytes > given.capacity)
		explain(&w, &c->arena, e);
	else
		err_set(e, ERR_NO, "no placement into %" PRI_BYTES " bytes was found; the smallest arena found has %" PRI_BYTES,
		    given.capacity, w.result.arena_bytes);
	return err_in_file(e, c->operands[0]);
}

const struct command cmd_place = {
	"place", "BUFFERS.csv", 1, 1, "Give buffers offsets, in the smallest arena", options, run, FOR_NONE
};
