/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - the network reader: names and scopes, repeats, the document; and the types and shapes of a network */
#include <config.h>
#include "src/network/network.h"

#include <string.h>

#include "src/base/json.h"
#include "src/network/layer.h"
#include "src/network/network_read.h"

const char *const dtype_names[DTYPE_COUNT + 1] = { "float32", "bfloat16", "float16", "int64", "int32", "uint8", NULL };
const char *const optimizer_names[OPTIMIZER_COUNT + 1] = { "sgd", "momentum", "adam", "adamw", "adam-8bit", "adamw-8bit", NULL };

bytes_t
dtype_bytes(enum dtype t)
{
	static const bytes_t bytes[DTYPE_COUNT] = { 4, 2, 2, 8, 4, 1 };

	return bytes[t];
}

uint64_t
shape_elements(const struct shape *s)
{
	uint64_t n = 1;

	for (uint32_t i = 0; i < s->rank; i++)
		n *= s->size[i];
	return n;
}

bool
shape_equal(const struct shape *a, const struct shape *b)
{
	return a->rank == b->rank && memcmp(a->size, b->size, a->rank * sizeof(a->size[0])) == 0;
}

const char *
shape_text(char buf[160], const struct shape *s)
{
	size_t n = 0;

	for (uint32_t i = 0; i < s->rank; i++)
		n += (size_t)snprintf(buf + n, 160 - n, "%s%" PRIu64, i == 0 ? "[" : ", ", s->size[i]);
	snprintf(buf + n, 160 - n, s->rank == 0 ? "[]" : "]");
	return buf;
}

uint64_t
network_parameters(const struct network *n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n->layer_count; i++)
		for (uint32_t k = n->layers[i].params_from == LAYER_NONE ? 0 : 1; k < n->layers[i].param_count; k++)
			if (n->layers[i].params[k].trained)
				sum += n->layers[i].params[k].elements;
	return sum;
}

int
network_blame(const struct layer *l, struct err *e)
{
	err_about(e, "layer", l->name);
	return err_at(e, "%s", l->path);
}

/* ---- names ---- */

/* FNV-1a (Fowler, Noll, Vo) spreads names over the table; no result depends on it. */
static uint64_t
hash_of(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

/* The table entry of a name, or the empty entry that the name would take. */
static struct layer_name *
entry_of(struct layer_name *table, size_t room, const char *name)
{
	size_t i = hash_of(name) & (room - 1);

	while (table[i].name != NULL && strcmp(table[i].name, name) != 0)
		i = (i + 1) & (room - 1);
	return &table[i];
}

uint32_t
network_name_find(const struct network_reader *r, const char *name)
{
	const struct layer_name *s = r->name_room == 0 ? NULL : entry_of(r->names, r->name_room, name);

	return s == NULL || s->name == NULL ? LAYER_NONE : s->layer;
}

int
network_name_add(struct network_reader *r, const char *name, uint32_t layer)
{
	struct layer_name *bigger, *s;
	size_t room;
	char q[48];

	if (r->name_count * 2 >= r->name_room) {
		room = r->name_room == 0 ? 64 : r->name_room * 2;
		bigger = ARENA_NEW(r->arena, struct layer_name, room);
		for (size_t i = 0; i < r->name_room; i++)
			if (r->names[i].name != NULL)
				*entry_of(bigger, room, r->names[i].name) = r->names[i];
		r->names = bigger;
		r->name_room = room;
	}
	s = entry_of(r->names, r->name_room, name);
	if (s->name != NULL) {
		err_set(r->e, ERR_INPUT, "expected a name that no other layer has, got '%s'", err_quote(q, name));
		return err_at(r->e, "name");
	}
	*s = (struct layer_name) { name, layer };
	r->name_count++;
	return 0;
}

uint32_t
network_scope_find(const struct network_reader *r, const struct scope *s, const char *name)
{
	uint32_t id = LAYER_NONE;
	char full[NAME_MOST + 1];

	if (s->outer != NULL && strcmp(name, "in") == 0)
		return s->in;
	for (; s != NULL && id == LAYER_NONE; s = s->outer)
		/* No layer has a longer name. */
		if (snprintf(full, sizeof(full), "%s%s", s->prefix, name) <= NAME_MOST)
			id = network_name_find(r, full);
	return id;
}

/* ---- repeats ---- */

static int read_layers(struct network_reader *r, struct scope *s, json_t *list, const char *path);

/* Reads the layers of a `repeat` count times, each time with the last output as `in`. */
static int
unroll(struct network_reader *r, struct scope *outer, const char *path, const char *name, uint32_t in,
    uint32_t count, bool frozen, json_t *list)
{
	struct scope inner = { .outer = outer, .in = in, .depth = outer->depth + 1, .frozen = frozen };
	uint64_t total = (uint64_t)count * json_array_size(list);
	const char *place = arena_printf(r->arena, "%s.layers", path);

	if (inner.depth > 16)
		return err_set(r->e, ERR_INPUT, "expected at most 16 repeats inside each other, got more");
	if (total > NETWORK_LAYERS_MAX - r->count) {
		err_set(r->e, ERR_INPUT, "expected at most %" PRIu32 " layers with repeats unrolled, got %" PRIu64 " or more",
		    NETWORK_LAYERS_MAX, r->count + total);
		return err_at(r->e, "count");
	}
	for (uint32_t i = 0; i < count; i++) {
		inner.prefix = arena_printf(r->arena, "%s.%" PRIu32 ".", name, i);
		inner.previous = inner.in;
		if (read_layers(r, &inner, list, place) < 0)
			return -1;
		inner.in = inner.previous;
	}
	outer->previous = inner.previous;
	return network_name_add(r, name, inner.previous);
}

int
network_read_parts(struct network_reader *r, struct scope *outer, const struct layer *l, json_t *list)
{
	struct scope inner = { .outer = outer, .prefix = arena_printf(r->arena, "%s.", l->name), .in = l->inputs[0],
	    .previous = l->inputs[0], .depth = outer->depth + 1, .frozen = l->frozen };
	uint32_t version = r->version;
	size_t i;
	json_t *obj;
	const char *part;

	r->version = NETWORK_VERSION;
	json_array_foreach(list, i, obj) {
		part = json_string_value(json_object_get(obj, "name"));
		if (network_read_layer(r, &inner, obj, arena_printf(r->arena, "%s.%s", l->path, part)) < 0)
			return err_at(r->e, "%s", part);
	}
	r->version = version;
	r->net->layers[inner.previous].result |= l->result;
	outer->previous = inner.previous;
	return network_name_add(r, l->name, inner.previous);
}

static int
read_repeat(struct network_reader *r, struct scope *s, json_t *obj, const char *path)
{
	const char *name = NULL, *type = NULL;
	json_t *inputs = NULL, *list = NULL;
	uint32_t count = 0, in = s->previous;
	bool trainable = !s->frozen;
	const struct json_field fields[] = {
		{ "name", JSON_F_STRING, &name, .required = true },
		{ "type", JSON_F_STRING, &type, .required = true },
		{ "inputs", JSON_F_ARRAY, &inputs, .required = false },
		{ "count", JSON_F_POSITIVE, &count, .required = true },
		{ "trainable", JSON_F_BOOL, &trainable, .since = 2 },
		{ "layers", JSON_F_ARRAY, &list, .required = true },
		{ .key = NULL },
	};

	if (json_read_fields_of(obj, fields, r->version, r->arena, r->e) < 0)
		return err_at(r->e, "%s", path);
	name = network_full_name(r, s, name);
	if (name == NULL)
		return err_at(r->e, "%s", path);
	if (json_array_size(list) == 0) {
		err_set(r->e, ERR_INPUT, "expected at least one layer, got none");
		return err_at(r->e, "%s.layers", path);
	}
	if (inputs != NULL && json_array_size(inputs) != 1) {
		err_set(r->e, ERR_INPUT, "expected one input, got %zu", json_array_size(inputs));
		return err_at(r->e, "%s.inputs", path);
	}
	if (inputs != NULL && network_read_input(r, s, json_array_get(inputs, 0), &in) < 0)
		return err_at(r->e, "%s.inputs[0]", path);
	if (in == LAYER_NONE) {
		err_set(r->e, ERR_INPUT, "expected a layer above, got none");
		return err_at(r->e, "%s.inputs", path);
	}
	if (unroll(r, s, path, name, in, count, !trainable, list) < 0)
		/* A place inside of the list is a whole path already. */
		return strncmp(r->e->path, path, strlen(path)) == 0 ? -1 : err_at(r->e, "%s", path);
	return 0;
}

static int
read_layers(struct network_reader *r, struct scope *s, json_t *list, const char *path)
{
	const char *type, *place, *name;
	size_t i;
	json_t *obj;

	json_array_foreach(list, i, obj) {
		place = arena_printf(r->arena, "%s[%zu]", path, i);
		if (!json_is_object(obj)) {
			err_set(r->e, ERR_INPUT, "expected an object, got %s", json_type_name(obj));
			return err_at(r->e, "%s", place);
		}
		type = json_string_value(json_object_get(obj, "type"));
		if (type != NULL && strcmp(type, "repeat") == 0) {
			if (read_repeat(r, s, obj, place) < 0)
				return -1;
		} else if (network_read_layer(r, s, obj, place) < 0) {
			name = json_string_value(json_object_get(obj, "name"));
			if (name != NULL)
				err_about(r->e, "layer", arena_printf(r->arena, "%s%s", s->prefix, name));
			return err_at(r->e, "%s", place);
		}
	}
	return 0;
}

/* ---- the document ---- */

static int
read_math(struct network *n, json_t *math, struct err *e)
{
	static const enum math native[] = { MATH_FLOAT32, MATH_BFLOAT16, MATH_FLOAT16 };
	const char *key;
	json_t *value;
	int m, c;
	char q[48];

	for (c = 0; c < CLASS_COUNT; c++)
		n->math[c] = native[n->dtype];
	json_object_foreach(math, key, value) {
		const struct json_field field = { key, JSON_F_CHOICE, &m, .required = true, .choices = math_names };

		if (strncmp(key, "x-", 2) == 0)
			continue;
		for (c = 0; c < CLASS_COUNT && strcmp(op_class_names[c], key) != 0; c++)
			;
		if (c == CLASS_COUNT) {
			err_set(e, ERR_INPUT, "expected a class of ops, got '%s'", err_quote(q, key));
			return err_at(e, "math");
		}
		if (json_read_value(value, &field, NULL, e) < 0)
			return err_at(e, "math.%s", key);
		n->math[c] = (enum math)m;
	}
	return 0;
}

int
network_from_json(struct network *n, json_t *root, struct arena *a, struct err *e)
{
	/* Maps are real numbers; ids and labels give a type of their own. */
	static const char *const reals[] = { "float32", "bfloat16", "float16", NULL };
	struct network_reader r = { .net = n, .arena = a, .e = e };
	struct scope top = { .outer = NULL, .prefix = "", .in = LAYER_NONE, .previous = LAYER_NONE };
	json_t *math = NULL, *list = NULL, *any = NULL;
	static const char *const layouts[] = { "channels-first", "channels-last", NULL };
	int dtype = DTYPE_FLOAT32, master = 0, optimizer = OPTIMIZER_SGD, layout = 0;
	const struct json_field fields[] = {
		{ "format", JSON_F_ANY, &any, .required = true },
		{ "version", JSON_F_ANY, &any, .required = true },
		{ "name", JSON_F_STRING, &n->name, .required = true },
		{ "source", JSON_F_STRING, &n->source, .required = false },
		{ "batch", JSON_F_POSITIVE, &n->batch, .required = true },
		{ "accumulate", JSON_F_POSITIVE, &n->accumulate, .since = 2 },
		{ "layout", JSON_F_CHOICE, &layout, .choices = layouts, .since = 2 },
		{ "dtype", JSON_F_CHOICE, &dtype, .required = false, .choices = reals },
		{ "math", JSON_F_OBJECT, &math, .required = false },
		{ "master_dtype", JSON_F_CHOICE, &master, .required = false, .choices = reals, .seen = &n->has_master },
		{ "optimizer", JSON_F_CHOICE, &optimizer, .required = false, .choices = optimizer_names },
		{ "layers", JSON_F_ARRAY, &list, .required = true },
		{ .key = NULL },
	};

	*n = (struct network) { .accumulate = 1 };
	if (json_check_format(root, "layrub-network", NETWORK_VERSION, &r.version, e) < 0 ||
	    json_read_fields_of(root, fields, r.version, a, e) < 0)
		return -1;
	n->dtype = (enum dtype)dtype;
	n->channels_last = layout == 1;
	n->master_dtype = (enum dtype)master;
	n->optimizer = (enum optimizer)optimizer;
	if (read_math(n, math, e) < 0)
		return -1;
	if (json_array_size(list) == 0) {
		err_set(e, ERR_INPUT, "expected at least one layer, got none");
		return err_at(e, "layers");
	}
	if (read_layers(&r, &top, list, "layers") < 0)
		return -1;
	return network_check(n, a, e);
}
