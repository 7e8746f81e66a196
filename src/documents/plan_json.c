/* SPDX-License-Identifier: Apache-2.0 */
/* plan_json.c - the reader of "layrub-plan" documents */
#include <config.h>
#include "src/documents/plan.h"

#include <string.h>

#include "src/base/json.h"

const char *const queue_names[QUEUE_COUNT + 1] = { "compute", "out", "in", NULL };
const char *const action_names[QUEUE_COUNT + 1] = { "run", "offload", "fetch", NULL };
static const char *const status_names[] = { "optimal", "gap", "time-limit", "heuristic", NULL };

/* The parts of a plan that are still JSON while it is read. */
struct plan_reader {
	struct plan *p;
	json_t *root, *graph, *device, *provenance, *bounds, *figures, *predicted;
	json_t *buffers, *host, *initial, *final, *program;
	uint32_t version;
	bytes_t moved_bytes;	/* by the instructions so far */
	struct arena *a;
	struct err *e;
};

static int
check_below(const char *key, const char *what, uint32_t id, uint32_t count, struct err *e)
{
	if (id < count)
		return 0;
	err_set(e, ERR_INPUT, "expected %s below %" PRIu32 ", got %" PRIu32, what, count, id);
	return err_at(e, "%s", key);
}

/* Every id of a list is below count. */
static int
check_all_below(const char *key, const char *what, const struct json_ids *ids, uint32_t count, struct err *e)
{
	for (uint32_t i = 0; i < ids->count; i++)
		if (ids->ids[i] >= count) {
			err_set(e, ERR_INPUT, "expected %s below %" PRIu32 ", got %" PRIu32, what, count, ids->ids[i]);
			return err_at(e, "%s[%" PRIu32 "]", key, i);
		}
	return 0;
}

/* Adds to *sum; refuses a sum that later sums could overflow. */
static int
add_bytes(bytes_t *sum, bytes_t bytes, struct err *e)
{
	if (bytes > BYTES_MAX - *sum) {
		err_set(e, ERR_INPUT, "expected at most %" PRI_BYTES " bytes together, got more", BYTES_MAX);
		return err_at(e, "bytes");
	}
	*sum += bytes;
	return 0;
}

static int
read_buffers(struct buffer **to, uint32_t *count, json_t *list, struct plan_reader *r)
{
	struct buffer b;
	bytes_t sum = 0;
	uint32_t id;
	const struct json_field fields[] = {
		{ "id", JSON_F_ID, &id, .required = true },
		{ "tensor", JSON_F_ID, &b.tensor, .required = false },
		{ "offset_bytes", JSON_F_BYTES, &b.offset_bytes, .required = true },
		{ "bytes", JSON_F_BYTES, &b.bytes, .required = true },
		{ .key = NULL }
	};

	if (json_read_size(list, count, r->e) < 0)
		return -1;
	*to = ARENA_NEW(r->a, struct buffer, *count);
	for (uint32_t i = 0; i < *count; i++) {
		b.tensor = PLAN_NONE;
		if (json_read_fields(json_array_get(list, i), fields, r->a, r->e) < 0 ||
		    json_check_id(id, i, r->e) < 0 ||
		    (b.tensor != PLAN_NONE &&
		    check_below("tensor", "a tensor id", b.tensor, r->p->graph->tensor_count, r->e) < 0) ||
		    add_bytes(&sum, b.bytes, r->e) < 0)
			return err_at(r->e, "[%" PRIu32 "]", i);
		(*to)[i] = b;
	}
	return 0;
}

static int
read_places(struct place **to, uint32_t *count, json_t *list, struct plan_reader *r)
{
	struct place p;
	uint32_t buffer, host;
	const struct json_field fields[] = {
		{ "tensor", JSON_F_ID, &p.tensor, .required = true },
		{ "buffer", JSON_F_ID, &buffer, .required = false },
		{ "host", JSON_F_ID, &host, .required = false },
		{ .key = NULL }
	};

	if (json_read_size(list, count, r->e) < 0)
		return -1;
	*to = ARENA_NEW(r->a, struct place, *count);
	for (uint32_t i = 0; i < *count; i++) {
		buffer = host = PLAN_NONE;
		if (json_read_fields(json_array_get(list, i), fields, r->a, r->e) < 0 ||
		    check_below("tensor", "a tensor id", p.tensor, r->p->graph->tensor_count, r->e) < 0)
			return err_at(r->e, "[%" PRIu32 "]", i);
		if ((buffer == PLAN_NONE) == (host == PLAN_NONE)) {
			err_set(r->e, ERR_INPUT, "expected one of the keys 'buffer' and 'host', got %s",
			    buffer == PLAN_NONE ? "none" : "both");
			return err_at(r->e, "[%" PRIu32 "]", i);
		}
		p.on_host = host != PLAN_NONE;
		p.buffer = p.on_host ? host : buffer;
		if (p.on_host ? check_below("host", "a host id", host, r->p->host_count, r->e) < 0 :
		    check_below("buffer", "a buffer id", buffer, r->p->buffer_count, r->e) < 0)
			return err_at(r->e, "[%" PRIu32 "]", i);
		(*to)[i] = p;
	}
	return 0;
}

/* ---- program ---- */

/* The fields of an instruction of any kind, as its object gives them. */
struct record {
	uint32_t id, op, workspace, alternative, from, to;
	int queue, action;
	struct json_ids reads, writes, after;
	bytes_t at_bytes, bytes;
	bool has_bytes;
};

static int
check_lengths(const char *key, const char *of, uint32_t got, uint32_t want, struct err *e)
{
	if (got == want)
		return 0;
	err_set(e, ERR_INPUT, "expected %" PRIu32 " buffers, one for each %s of the op, got %" PRIu32, want, of, got);
	return err_at(e, "%s", key);
}

static int
take_run(struct instruction *in, const struct record *c, struct plan_reader *r)
{
	const struct plan *p = r->p;
	const struct op *op;

	if (check_below("op", "an op id", c->op, p->graph->op_count, r->e) < 0)
		return -1;
	op = &p->graph->ops[c->op];
	if (check_lengths("reads", "input", c->reads.count, op->input_count, r->e) < 0 ||
	    check_lengths("writes", "output", c->writes.count, op->output_count, r->e) < 0 ||
	    check_all_below("reads", "a buffer id", &c->reads, p->buffer_count, r->e) < 0 ||
	    check_all_below("writes", "a buffer id", &c->writes, p->buffer_count, r->e) < 0)
		return -1;
	if (c->workspace != PLAN_NONE && check_below("workspace", "a buffer id", c->workspace, p->buffer_count, r->e) < 0)
		return -1;
	if (c->alternative != PLAN_NONE &&
	    check_below("alternative", "an index", c->alternative, op->alternative_count, r->e) < 0)
		return -1;
	in->op = c->op;
	in->reads = c->reads.ids;
	in->writes = c->writes.ids;
	in->workspace = c->workspace;
	in->alternative = c->alternative;
	return 0;
}

static int
take_transfer(struct instruction *in, const struct record *c, struct plan_reader *r)
{
	const struct plan *p = r->p;
	bool out = c->action == QUEUE_OUT;
	uint32_t device = out ? c->from : c->to, host = out ? c->to : c->from;
	const struct buffer *b;
	bytes_t whole;

	if (check_below(out ? "from" : "to", "a buffer id", device, p->buffer_count, r->e) < 0 ||
	    check_below(out ? "to" : "from", "a host id", host, p->host_count, r->e) < 0)
		return -1;
	b = &p->buffers[device];
	whole = b->tensor == PLAN_NONE ? b->bytes : p->graph->tensors[b->tensor].bytes;
	in->device_buffer = device;
	in->host_buffer = host;
	in->at_bytes = c->at_bytes;
	in->bytes = c->has_bytes ? c->bytes : whole > c->at_bytes ? whole - c->at_bytes : 0;
	return add_bytes(&r->moved_bytes, in->bytes, r->e);
}

static int
take(struct instruction *in, const struct record *c, uint32_t position, struct plan_reader *r)
{
	if (json_check_id(c->id, position, r->e) < 0)
		return -1;
	if (c->queue != c->action) {
		err_set(r->e, ERR_INPUT, "expected '%s' for '%s', got '%s'", queue_names[c->action],
		    action_names[c->action], queue_names[c->queue]);
		return err_at(r->e, "queue");
	}
	if (check_all_below("after", "an instruction id", &c->after, r->p->instruction_count, r->e) < 0)
		return -1;
	in->queue = (enum queue)c->queue;
	in->after = c->after.ids;
	in->after_count = c->after.count;
	return in->queue == QUEUE_COMPUTE ? take_run(in, c, r) : take_transfer(in, c, r);
}

static int
read_program(struct plan_reader *r)
{
	struct record c;
	const struct json_field run[] = {
		{ "id", JSON_F_ID, &c.id, .required = true },
		{ "queue", JSON_F_CHOICE, &c.queue, .required = true, .choices = queue_names },
		{ "do", JSON_F_CHOICE, &c.action, .required = true, .choices = action_names },
		{ "op", JSON_F_ID, &c.op, .required = true },
		{ "reads", JSON_F_IDS, &c.reads, .required = true },
		{ "writes", JSON_F_IDS, &c.writes, .required = true },
		{ "workspace", JSON_F_ID, &c.workspace, .required = false },
		{ "alternative", JSON_F_ID, &c.alternative, .required = false },
		{ "after", JSON_F_IDS, &c.after, .required = false },
		{ .key = NULL }
	};
	const struct json_field transfer[] = {
		{ "id", JSON_F_ID, &c.id, .required = true },
		{ "queue", JSON_F_CHOICE, &c.queue, .required = true, .choices = queue_names },
		{ "do", JSON_F_CHOICE, &c.action, .required = true, .choices = action_names },
		{ "from", JSON_F_ID, &c.from, .required = true },
		{ "to", JSON_F_ID, &c.to, .required = true },
		{ "at_bytes", JSON_F_BYTES, &c.at_bytes, .required = false },
		{ "bytes", JSON_F_BYTES, &c.bytes, .required = false, .seen = &c.has_bytes },
		{ "after", JSON_F_IDS, &c.after, .required = false },
		{ .key = NULL }
	};
	struct plan *p = r->p;

	if (json_read_size(r->program, &p->instruction_count, r->e) < 0)
		return -1;
	p->program = ARENA_NEW(r->a, struct instruction, p->instruction_count);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		json_t *obj = json_array_get(r->program, i);
		const char *action = json_string_value(json_object_get(obj, "do"));
		bool moves = action != NULL && (strcmp(action, "offload") == 0 || strcmp(action, "fetch") == 0);

		c = (struct record) { .workspace = PLAN_NONE, .alternative = PLAN_NONE };
		if (json_read_fields(obj, moves ? transfer : run, r->a, r->e) < 0 ||
		    take(&p->program[i], &c, i, r) < 0)
			return err_at(r->e, "[%" PRIu32 "]", i);
	}
	return 0;
}

/* ---- provenance, bounds and figures ---- */

static int
check_digest(const char *key, const char *what, const char *given, const char *found, struct err *e)
{
	char q[48];

	if (strcmp(given, found) == 0)
		return 0;
	err_set(e, ERR_INPUT, "expected the digest of the %s in this plan, %s, got '%s'", what, found, err_quote(q, given));
	return err_at(e, "%s", key);
}

static int
read_provenance(struct plan_reader *r)
{
	struct plan *p = r->p;
	const char *graph, *device;
	char digest[33];
	int status;
	const struct json_field fields[] = {
		{ "graph_xxh3", JSON_F_STRING, &graph, .required = true },
		{ "device_xxh3", JSON_F_STRING, &device, .required = true },
		{ "policy", JSON_F_STRING, &p->policy, .required = true },
		{ "found_by", JSON_F_STRING, &p->found_by, .required = false },
		{ "configuration", JSON_F_STRING, &p->configuration, .since = 2 },
		{ "placement", JSON_F_STRING, &p->placement, .required = true },
		{ "options", JSON_F_STRING, &p->options, .required = true },
		{ "batch", JSON_F_POSITIVE, &p->batch, .required = false },
		{ "status", JSON_F_CHOICE, &status, .required = true, .choices = status_names },
		{ .key = NULL }
	};

	if (json_read_fields_of(r->provenance, fields, r->version, r->a, r->e) < 0)
		return -1;
	p->status = status_names[status];
	graph_digest(p->graph, digest, r->a);
	if (check_digest("graph_xxh3", "graph", graph, digest, r->e) < 0)
		return -1;
	device_digest(p->device, digest, r->a);
	return check_digest("device_xxh3", "device", device, digest, r->e);
}

static int
read_bounds(struct plan_reader *r)
{
	struct plan *p = r->p;
	const struct json_field fields[] = {
		{ "bound_bytes", JSON_F_BYTES, &p->figures.bound_bytes, .required = true },
		{ "resident_bound_bytes", JSON_F_BYTES, &p->figures.resident_bound_bytes, .required = true },
		{ "bound_time_us", JSON_F_REAL, &p->bound_time_us, .required = false },
		{ .key = NULL }
	};

	return json_read_fields(r->bounds, fields, r->a, r->e);
}

static int
read_figures(struct plan_reader *r)
{
	struct plan_figures *f = &r->p->figures;
	const struct json_field fields[] = {
		{ "peak_bytes", JSON_F_BYTES, &f->peak_bytes, .required = true },
		{ "offload_bytes", JSON_F_BYTES, &f->offload_bytes, .required = true },
		{ "fetch_bytes", JSON_F_BYTES, &f->fetch_bytes, .required = true },
		{ .key = NULL }
	};

	return json_read_fields(r->figures, fields, r->a, r->e);
}

static int
read_predicted(struct plan_reader *r)
{
	struct plan_predicted *f = &r->p->predicted;
	const struct json_field fields[] = {
		{ "ideal_time_us", JSON_F_REAL, &f->ideal_time_us, .required = true },
		{ "step_time_us", JSON_F_REAL, &f->step_time_us, .required = true },
		{ "stall_time_us", JSON_F_REAL, &f->stall_time_us, .required = true },
		{ "recompute_time_us", JSON_F_REAL, &f->recompute_time_us, .required = true },
		{ .key = NULL }
	};

	return json_read_fields(r->predicted, fields, r->a, r->e);
}

static int
read_top(struct plan_reader *r)
{
	struct plan *p = r->p;
	json_t *format, *version;
	const struct json_field fields[] = {
		{ "format", JSON_F_ANY, &format, .required = true },
		{ "version", JSON_F_ANY, &version, .required = true },
		{ "tool", JSON_F_STRING, &p->tool, .required = true },
		{ "provenance", JSON_F_OBJECT, &r->provenance, .required = true },
		{ "arena_bytes", JSON_F_BYTES, &p->arena_bytes, .required = true },
		{ "host_bytes", JSON_F_BYTES, &p->host_bytes, .required = true },
		{ "budget_bytes", JSON_F_BYTES, &p->budget_bytes, .required = true },
		{ "bounds", JSON_F_OBJECT, &r->bounds, .required = true },
		{ "figures", JSON_F_OBJECT, &r->figures, .required = true },
		{ "predicted", JSON_F_OBJECT, &r->predicted, .required = true },
		{ "buffers", JSON_F_ARRAY, &r->buffers, .required = true },
		{ "host", JSON_F_ARRAY, &r->host, .required = true },
		{ "initial", JSON_F_ARRAY, &r->initial, .required = true },
		{ "final", JSON_F_ARRAY, &r->final, .required = true },
		{ "program", JSON_F_ARRAY, &r->program, .required = true },
		{ "graph", JSON_F_OBJECT, &r->graph, .required = true },
		{ "device", JSON_F_OBJECT, &r->device, .required = true },
		{ .key = NULL }
	};

	if (json_check_format(r->root, "layrub-plan", PLAN_VERSION, &r->version, r->e) < 0)
		return -1;
	return json_read_fields(r->root, fields, r->a, r->e);
}

/* A document within a plan is of the plan's version or of an older one. */
static int
check_version(const struct plan_reader *r, const json_t *document)
{
	json_int_t version = json_integer_value(json_object_get(document, "version"));

	if (version <= r->version)
		return 0;
	err_set(r->e, ERR_INPUT, "expected at most the version of the plan, %" PRIu32 ", got %" PRIu32, r->version, (uint32_t)version);
	return err_at(r->e, "version");
}

/* The graph and the device come first, because all other parts have ids into them. */
static int
read_problem(struct plan_reader *r)
{
	struct graph *g = ARENA_NEW(r->a, struct graph, 1);
	struct device *d = ARENA_NEW(r->a, struct device, 1);

	if (graph_from_json(g, r->graph, r->a, r->e) < 0 || check_version(r, r->graph) < 0 || graph_check_times(g, r->e) < 0)
		return err_at(r->e, "graph");
	if (device_from_json(d, r->device, r->a, r->e) < 0 || check_version(r, r->device) < 0)
		return err_at(r->e, "device");
	r->p->graph = g;
	r->p->device = d;
	return read_provenance(r) < 0 ? err_at(r->e, "provenance") : 0;
}

static int
read_plan(void *to, json_t *root, struct arena *a, struct err *e)
{
	struct plan *p = to;
	struct plan_reader r = { .p = p, .root = root, .a = a, .e = e };

	*p = (struct plan) { .graph = NULL };
	if (read_top(&r) < 0 || read_problem(&r) < 0)
		return -1;
	if (read_bounds(&r) < 0)
		return err_at(e, "bounds");
	if (read_figures(&r) < 0)
		return err_at(e, "figures");
	if (read_predicted(&r) < 0)
		return err_at(e, "predicted");
	if (read_buffers(&p->buffers, &p->buffer_count, r.buffers, &r) < 0)
		return err_at(e, "buffers");
	if (read_buffers(&p->host, &p->host_count, r.host, &r) < 0)
		return err_at(e, "host");
	if (read_places(&p->initial, &p->initial_count, r.initial, &r) < 0)
		return err_at(e, "initial");
	if (read_places(&p->final, &p->final_count, r.final, &r) < 0)
		return err_at(e, "final");
	return read_program(&r) < 0 ? err_at(e, "program") : 0;
}

int
plan_read_from(struct plan *p, const struct json_source *s, struct arena *a, struct err *e)
{
	return json_read(s, read_plan, p, a, e);
}

int
plan_read(struct plan *p, const char *path, struct arena *a, struct err *e)
{
	return plan_read_from(p, &(struct json_source) { .path = path }, a, e);
}
