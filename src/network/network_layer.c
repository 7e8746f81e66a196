/* SPDX-License-Identifier: Apache-2.0 */
/* network_layer.c - one layer of a network document: attributes, inputs, and the shape and parameters that follow */
#include <config.h>
#include "src/network/network_read.h"

#include <string.h>

#include "src/base/nearest.h"

/* ---- attributes ---- */

/* 1 to SHAPE_MAX whole numbers, each at least min; a number alone is a list of one. */
static int
read_list(json_t *value, uint32_t min, struct shape *to, struct err *e)
{
	const json_int_t top = INT32_MAX;
	json_int_t x;
	json_t *v;

	to->rank = json_is_array(value) ? (uint32_t)json_array_size(value) : 1;
	if (json_is_array(value) && (json_array_size(value) == 0 || json_array_size(value) > SHAPE_MAX))
		return err_set(e, ERR_INPUT, "expected 1 to %d numbers, got %zu", SHAPE_MAX, json_array_size(value));
	for (uint32_t i = 0; i < to->rank; i++) {
		v = json_is_array(value) ? json_array_get(value, i) : value;
		if (!json_is_integer(v)) {
			err_set(e, ERR_INPUT, "expected a whole number, got %s", json_type_name(v));
			return json_is_array(value) ? err_at(e, "[%" PRIu32 "]", i) : -1;
		}
		x = json_integer_value(v);
		if (x < (json_int_t)min || x > top) {
			err_set(e, ERR_INPUT, "expected a whole number from %" PRIu32 " to %" JSON_INTEGER_FORMAT ", got %"
			    JSON_INTEGER_FORMAT, min, top, x);
			return json_is_array(value) ? err_at(e, "[%" PRIu32 "]", i) : -1;
		}
		to->size[i] = (uint64_t)x;
	}
	return 0;
}

static int
read_pair(json_t *value, struct layer_pair *to, struct err *e)
{
	struct shape s;

	if (read_list(value, 1, &s, e) < 0)
		return -1;
	if (s.rank > 2 || (s.rank == 1 && json_is_array(value)))
		return err_set(e, ERR_INPUT, "expected a number or [height, width], got %" PRIu32 " numbers", s.rank);
	*to = (struct layer_pair) { (uint32_t)s.size[0], (uint32_t)s.size[s.rank - 1] };
	return 0;
}

static int
read_pad(json_t *value, struct layer_pad *to, struct err *e)
{
	struct shape s;
	uint32_t p[4];

	if (read_list(value, 0, &s, e) < 0)
		return -1;
	if (json_is_array(value) && s.rank != 2 && s.rank != 4)
		return err_set(e, ERR_INPUT, "expected a number, [h, w] or [top, bottom, left, right], got %" PRIu32 " numbers",
		    s.rank);
	for (uint32_t i = 0; i < 4; i++)
		p[i] = (uint32_t)s.size[s.rank == 4 ? i : s.rank == 2 ? i / 2 : 0];
	*to = (struct layer_pad) { p[0], p[1], p[2], p[3] };
	return 0;
}

/* params_from: the layer whose first parameter is this one's, too. */
static int
read_tie(struct network_reader *r, const struct scope *s, struct layer *l, json_t *value)
{
	return network_read_input(r, s, value, &l->params_from);
}

static int
read_attribute(struct network_reader *r, const struct scope *s, struct layer *l, const struct layer_attribute *at,
    char *to, json_t *value)
{
	static const enum json_field_type plain[] = {
		[LAYER_BOOL] = JSON_F_BOOL, [LAYER_COUNT] = JSON_F_POSITIVE, [LAYER_INDEX] = JSON_F_ID,
		[LAYER_REAL] = JSON_F_REAL, [LAYER_CHOICE] = JSON_F_CHOICE, [LAYER_ANY] = JSON_F_ANY,
	};
	json_t *ignored;
	struct json_field field = { .key = at->key, .choices = at->choices };

	switch (at->type) {
	case LAYER_PAIR:	return read_pair(value, (struct layer_pair *)(void *)(to + at->offset), r->e);
	case LAYER_PAD:		return read_pad(value, (struct layer_pad *)(void *)(to + at->offset), r->e);
	case LAYER_SIZES:
	case LAYER_ORDER:
		if (!json_is_array(value))
			return err_set(r->e, ERR_INPUT, "expected an array, got %s", json_type_name(value));
		return read_list(value, at->type == LAYER_SIZES ? 1 : 0, (struct shape *)(void *)(to + at->offset), r->e);
	case LAYER_TIE:		return read_tie(r, s, l, value);
	default:
		field.type = plain[at->type];
		field.to = at->type == LAYER_ANY ? (void *)&ignored : to + at->offset;
		return json_read_value(value, &field, r->arena, r->e);
	}
}

static int
unknown_attribute(const struct layer_type *type, const char *key, struct network_reader *r)
{
	const char *all = "'inputs', 'trainable'";
	char q[48], near[NEAREST_TEXT];
	struct nearest typed;

	nearest_init(&typed, key);
	for (const struct layer_attribute *at = type->attributes; at != NULL && at->key != NULL; at++) {
		nearest_add(&typed, at->key);
		all = arena_printf(r->arena, "%s, '%s'", all, at->key);
	}
	return err_set(r->e, ERR_INPUT, "expected an attribute of '%s' (%s), got '%s'%s", type->name, all, err_quote(q, key),
	    nearest_text(near, &typed, ""));
}

static int
unknown_type(const char *name, struct err *e)
{
	char q[48], near[NEAREST_TEXT];
	struct nearest typed;

	nearest_init(&typed, name);
	for (size_t i = 0; layer_types[i] != NULL; i++)
		nearest_add(&typed, layer_types[i]->name);
	nearest_add(&typed, "repeat");
	return err_set(e, ERR_INPUT, "expected a type of layer, got '%s'%s", err_quote(q, name), nearest_in_table(near, &typed, "layers"));
}

/* Reads every key of obj but those that all layers have. */
static int
read_attributes(struct network_reader *r, const struct scope *s, struct layer *l, json_t *obj)
{
	const struct layer_attribute none = { .key = NULL }, *list = l->type->attributes, *at;
	char *to = arena_alloc(r->arena, 1, l->type->attributes_bytes + 1);
	const char *key;
	json_t *value;

	if (list == NULL)
		list = &none;
	if (l->type->defaults != NULL)
		memcpy(to, l->type->defaults, l->type->attributes_bytes);
	l->attributes = to;
	json_object_foreach(obj, key, value) {
		if (strncmp(key, "x-", 2) == 0 || strcmp(key, "name") == 0 || strcmp(key, "type") == 0 || strcmp(key, "inputs") == 0 ||
		    strcmp(key, "trainable") == 0 || strcmp(key, "result") == 0)
			continue;
		for (at = list; at->key != NULL && strcmp(at->key, key) != 0; at++)
			;
		if (at->key == NULL)
			return unknown_attribute(l->type, key, r);
		if (read_attribute(r, s, l, at, to, value) < 0)
			return err_at(r->e, "%s", key);
	}
	for (at = list; at->key != NULL; at++)
		if (at->required && json_object_get(obj, at->key) == NULL)
			return err_set(r->e, ERR_INPUT, "expected the key '%s', got none", at->key);
	return 0;
}

/* Reads a switch that every type of layer has, a key of version 2.  *to is its value where there is none. */
static int
read_switch(struct network_reader *r, json_t *obj, const char *key, bool *to)
{
	json_t *value = json_object_get(obj, key);
	const struct json_field field = { key, JSON_F_BOOL, to, .required = false };

	if (value != NULL && r->version < 2)
		return err_set(r->e, ERR_INPUT, "the key '%s' needs \"version\": 2, got %" PRIu32, key, r->version);
	return value != NULL && json_read_value(value, &field, r->arena, r->e) < 0 ? err_at(r->e, "%s", key) : 0;
}

/* `trainable` is the layer's own, or else that of the repeats around it. */
static int
read_switches(struct network_reader *r, const struct scope *s, struct layer *l, json_t *obj)
{
	bool trainable = !s->frozen;

	if (read_switch(r, obj, "trainable", &trainable) < 0 || read_switch(r, obj, "result", &l->result) < 0)
		return -1;
	l->frozen = !trainable;
	return 0;
}

/* ---- names and inputs ---- */

const char *
network_full_name(struct network_reader *r, const struct scope *s, const char *name)
{
	if (*name == '\0' || strcmp(name, "in") == 0) {
		err_set(r->e, ERR_INPUT, "expected a name other than '' and 'in', got '%s'", name);
		err_at(r->e, "name");
		return NULL;
	}
	if (strlen(s->prefix) + strlen(name) > NAME_MOST) {
		err_set(r->e, ERR_INPUT, "expected a name of at most %d bytes, with those of the repeats around it, got %zu", NAME_MOST,
		    strlen(s->prefix) + strlen(name));
		err_at(r->e, "name");
		return NULL;
	}
	return s->outer == NULL ? name : arena_printf(r->arena, "%s%s", s->prefix, name);
}

int
network_read_input(struct network_reader *r, const struct scope *s, json_t *value, uint32_t *id)
{
	char q[48];

	if (!json_is_string(value))
		return err_set(r->e, ERR_INPUT, "expected a layer's name, got %s", json_type_name(value));
	*id = network_scope_find(r, s, json_string_value(value));
	if (*id == LAYER_NONE)
		return err_set(r->e, ERR_INPUT, "expected a layer above, got '%s'", err_quote(q, json_string_value(value)));
	return 0;
}

static int
read_inputs(struct network_reader *r, const struct scope *s, struct layer *l, json_t *list)
{
	const struct layer_type *t = l->type;
	size_t n = list != NULL ? json_array_size(list) : t->max_inputs > 0 && s->previous != LAYER_NONE ? 1 : 0;
	uint32_t *ids = ARENA_NEW(r->arena, uint32_t, n);

	l->inputs = ids;
	l->input_count = (uint32_t)n;
	if (n < t->min_inputs || n > t->max_inputs) {
		if (t->min_inputs == t->max_inputs)
			err_set(r->e, ERR_INPUT, "expected %" PRIu32 " input%s for '%s', got %zu", t->min_inputs,
			    t->min_inputs == 1 ? "" : "s", t->name, n);
		else
			err_set(r->e, ERR_INPUT, "expected %" PRIu32 " to %" PRIu32 " inputs for '%s', got %zu", t->min_inputs, t->max_inputs, t->name,
			    n);
		return err_at(r->e, "inputs");
	}
	for (size_t i = 0; i < n; i++) {
		if (list == NULL)
			ids[i] = s->previous;
		else if (network_read_input(r, s, json_array_get(list, i), &ids[i]) < 0)
			return err_at(r->e, "inputs[%zu]", i);
	}
	return 0;
}

/* ---- shape, parameters and types, which follow from the inputs ---- */

/* Whole numbers are ids and labels: a layer takes them in its whole_input alone, and only them there. */
static int
check_input_types(const struct network *n, const struct layer *l, struct err *e)
{
	const struct layer *in;
	bool whole, wanted;
	char q[48];

	for (uint32_t i = 0; i < l->input_count; i++) {
		in = layer_input(n, l, i);
		whole = in->dtype >= DTYPE_INT64;
		wanted = i + 1 == l->type->whole_input;
		if ((in->type->flags & LAYER_LOSS) != 0)
			err_set(e, ERR_INPUT, "expected a map, got the loss '%s'", err_quote(q, in->name));
		else if (whole != wanted)
			err_set(e, ERR_INPUT, "expected %s, got '%s' of %s", wanted ? "whole numbers" : "real numbers",
			    err_quote(q, in->name), dtype_names[in->dtype]);
		else
			continue;
		return err_at(e, "inputs[%" PRIu32 "]", i);
	}
	return 0;
}

static int
check_elements(const struct layer *l, struct err *e)
{
	uint64_t n = 1;

	for (uint32_t i = 0; i < l->shape.rank; i++)
		if (__builtin_mul_overflow(n, l->shape.size[i], &n) || n > SHAPE_ELEMENTS_MAX)
			return err_set(e, ERR_INPUT, "expected at most %" PRIu64 " values in a sample, got more", SHAPE_ELEMENTS_MAX);
	for (uint32_t i = 0; i < l->param_count; i++)
		if (l->params[i].elements > SHAPE_ELEMENTS_MAX)
			return err_set(e, ERR_INPUT, "expected at most %" PRIu64 " values in a parameter, got more",
			    SHAPE_ELEMENTS_MAX);
	return 0;
}

static int
check_tie(const struct network *n, const struct layer *l, struct err *e)
{
	const struct layer *from;
	char q[48];

	if (l->params_from == LAYER_NONE)
		return 0;
	from = &n->layers[l->params_from];
	if (from->param_count > 0 && from->params[0].trained && from->params[0].elements == l->params[0].elements)
		return 0;
	err_set(e, ERR_INPUT, "expected a layer whose first parameter has %" PRIu64 " values, got '%s'", l->params[0].elements,
	    err_quote(q, from->name));
	return err_at(e, "params_from");
}

/* A parameter is frozen where its first layer is.  A frozen layer does not share a parameter that another layer trains. */
static int
freeze(const struct network *n, struct layer *l, struct err *e)
{
	const struct layer *from = l->params_from == LAYER_NONE ? NULL : &n->layers[l->params_from];
	char q[48];

	for (uint32_t i = 0; i < l->param_count; i++)
		l->params_frozen[i] = l->frozen && l->params[i].trained;
	if (from == NULL)
		return 0;
	if (l->frozen && !from->params_frozen[0]) {
		err_set(e, ERR_INPUT, "expected true, as for '%s', whose parameter the layer shares, got false", err_quote(q, from->name));
		return err_at(e, "trainable");
	}
	l->params_frozen[0] = from->params_frozen[0];
	return 0;
}

static int
derive(struct network *n, struct layer *l, struct err *e)
{
	const struct layer *in;

	l->dtype = l->input_count > 0 && layer_input(n, l, 0)->dtype < DTYPE_INT64 ? layer_input(n, l, 0)->dtype : n->dtype;
	l->batched = l->input_count == 0;
	for (uint32_t i = 0; i < l->input_count; i++) {
		in = layer_input(n, l, i);
		l->batched |= in->batched;
		l->trained |= in->trained && (l->type->flags & LAYER_SHAPE_ONLY) == 0;
	}
	l->batched &= (l->type->flags & LAYER_NO_BATCH) == 0;
	if (check_input_types(n, l, e) < 0 || l->type->shape(l, n, e) < 0 || check_elements(l, e) < 0)
		return -1;
	if (l->type->params != NULL)
		l->type->params(l, n);
	if (check_elements(l, e) < 0 || check_tie(n, l, e) < 0 || freeze(n, l, e) < 0)
		return -1;
	for (uint32_t i = 0; i < l->param_count; i++)
		l->trained |= layer_trains(l, i);
	for (uint32_t i = 0; i < l->input_count; i++)
		n->layers[l->inputs[i]].reader_count++;
	return 0;
}

int
network_read_layer(struct network_reader *r, struct scope *s, json_t *obj, const char *path)
{
	struct layer l;
	json_t *name = json_object_get(obj, "name"), *type = json_object_get(obj, "type"), *inputs = json_object_get(obj, "inputs"), *parts;
	const struct json_field string = { "name", JSON_F_STRING, &(const char *) { NULL }, .required = true };
	int status;

	if (r->count >= NETWORK_LAYERS_MAX)
		return err_set(r->e, ERR_INPUT, "expected at most %" PRIu32 " layers with repeats unrolled, got more", NETWORK_LAYERS_MAX);
	r->words += json_object_size(obj) + json_array_size(inputs);
	if (r->words > NETWORK_WORDS_MAX)
		return err_set(r->e, ERR_INPUT, "expected at most %" PRIu64 " keys and inputs in all layers, got more", NETWORK_WORDS_MAX);
	if (name == NULL || type == NULL)
		return err_set(r->e, ERR_INPUT, "expected the key '%s', got none", name == NULL ? "name" : "type");
	if (json_read_value(name, &string, r->arena, r->e) < 0)
		return err_at(r->e, "name");
	if (!json_is_string(type) || layer_type_find(json_string_value(type)) == NULL) {
		if (json_is_string(type))
			unknown_type(json_string_value(type), r->e);
		else
			err_set(r->e, ERR_INPUT, "expected a type of layer, got %s", json_type_name(type));
		return err_at(r->e, "type");
	}
	if (inputs != NULL && !json_is_array(inputs)) {
		err_set(r->e, ERR_INPUT, "expected an array, got %s", json_type_name(inputs));
		return err_at(r->e, "inputs");
	}
	l = (struct layer) { .path = path, .type = layer_type_find(json_string_value(type)), .params_from = LAYER_NONE };
	l.name = network_full_name(r, s, *(const char **)string.to);
	if (l.name == NULL || network_name_find(r, l.name) != LAYER_NONE)
		return l.name == NULL ? -1 : network_name_add(r, l.name, 0);
	if (read_inputs(r, s, &l, inputs) < 0 || read_attributes(r, s, &l, obj) < 0 || read_switches(r, s, &l, obj) < 0)
		return -1;
	if (l.type->parts != NULL && l.type->parts(&parts, &l, r->net)) {
		if (parts == NULL)
			return err_set(r->e, ERR_SYSTEM, "out of memory");
		status = network_read_parts(r, s, &l, parts);
		json_decref(parts);
		return status;
	}
	if (derive(r->net, &l, r->e) < 0)
		return -1;
	ARENA_PUSH(r->arena, r->net->layers, r->count, r->room)[0] = l;
	r->net->layer_count = (uint32_t)r->count;
	s->previous = (uint32_t)r->count - 1;
	/* The name comes last, because a layer does not see itself. */
	return network_name_add(r, l.name, s->previous);
}
