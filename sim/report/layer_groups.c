/* SPDX-License-Identifier: Apache-2.0 */
/* layer_groups.c - names without their block's number, sorted, and the numbers as ranges */
#include <config.h>
#include "sim/report/layer_groups.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_NONE = UINT32_MAX, RANGES_MOST = 6, DIGITS_MOST = 8 };

struct named_tensor {
	const char *key;		/* all that members of a group share */
	const char *before, *after;	/* the layer's name around the number */
	uint32_t number;		/* NUMBER_NONE: none */
	uint32_t position;
};

/* Splits a layer's name at its first whole number between dots. */
static void
split(struct named_tensor *n, const char *layer, struct arena *a)
{
	for (const char *part = layer; part != NULL && *part != '\0';) {
		size_t digits = strspn(part, "0123456789");

		if (digits > 0 && digits <= DIGITS_MOST && (part[digits] == '.' || part[digits] == '\0')) {
			n->before = arena_printf(a, "%.*s", (int)(part - layer), layer);
			n->after = part + digits;
			n->number = (uint32_t)strtoul(part, NULL, 10);
			return;
		}
		part = strchr(part, '.');
		part = part == NULL ? NULL : part + 1;
	}
	n->before = layer == NULL ? "" : layer;
	n->after = "";
	n->number = NUMBER_NONE;
}

static void
name(struct named_tensor *n, const struct graph *g, const struct origin *o, uint32_t tensor, uint32_t class, uint32_t position, struct arena *a)
{
	const struct op *op = o->how == ORIGIN_NONE ? NULL : &g->ops[o->op];

	split(n, op == NULL ? NULL : op->layer, a);
	n->position = position;
	n->key = arena_printf(a, "%d\t%d\t%s\t%s\t%s\t%" PRIu32, (int)g->tensors[tensor].kind, (int)o->how, op == NULL ? "" : op->name, n->before,
	    n->after, class);
}

static int
by_key(const void *x, const void *y)
{
	const struct named_tensor *a = x, *b = y;
	int order = strcmp(a->key, b->key);

	if (order != 0)
		return order;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->position < b->position ? -1 : a->position > b->position;
}

static int
by_position(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

/* Returns the numbers of named[count], which rise, as ranges: "0-2,7"; the middle of many is left out. */
static const char *
ranges_text(const struct named_tensor *named, uint32_t count, struct arena *a)
{
	const char *text = "";
	uint32_t ranges = 0;

	for (uint32_t i = 0, end; i < count; i = end) {
		const struct named_tensor *last;

		for (end = i + 1; end < count && named[end].number <= named[end - 1].number + 1; end++)
			;
		last = &named[end - 1];
		ranges++;
		if (ranges == RANGES_MOST && end < count) {
			text = arena_printf(a, "%s,...", text);
			continue;
		}
		if (ranges > RANGES_MOST && end < count)
			continue;
		text = arena_printf(a, "%s%s%" PRIu32, text, i == 0 ? "" : ",", named[i].number);
		if (last->number > named[i].number)
			text = arena_printf(a, "%s%s%" PRIu32, text, last->number == named[i].number + 1 ? "," : "-", last->number);
	}
	return text;
}

static struct name_group
group_of(const struct named_tensor *named, uint32_t count, const struct graph *g, const struct origin *origins, const uint32_t *tensors, struct arena *a)
{
	const struct origin *o = &origins[tensors[named->position]];
	const char *kind = kind_names[g->tensors[tensors[named->position]].kind];
	uint32_t *members = ARENA_NEW(a, uint32_t, count);
	struct name_group group = { .members = members, .count = count, .layers = named->before, .what = kind };
	char q[48];

	for (uint32_t i = 0; i < count; i++)
		members[i] = named[i].position;
	qsort(members, count, sizeof(*members), by_position);
	if (named->number != NUMBER_NONE)
		group.layers = arena_printf(a, "%s%s%s", named->before, ranges_text(named, count, a), named->after);
	if (o->how != ORIGIN_NONE)
		group.what = arena_printf(a, "%s %s %s%s%s", kind, o->how == ORIGIN_WRITTEN ? "from" : "read by", err_quote(q, g->ops[o->op].name),
		    *group.layers == '\0' ? "" : " of ", group.layers);
	return group;
}

struct name_group *
layer_groups(const struct graph *g, const struct origin *origins, const uint32_t *tensors, const uint32_t *classes, uint32_t count,
    uint32_t *group_count, struct arena *a)
{
	struct named_tensor *named = ARENA_NEW(a, struct named_tensor, count);
	struct name_group *groups;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		name(&named[i], g, &origins[tensors[i]], tensors[i], classes[i], i, a);
	if (count > 0)
		qsort(named, count, sizeof(*named), by_key);
	for (uint32_t i = 0; i < count; i++)
		n += i == 0 || strcmp(named[i].key, named[i - 1].key) != 0;
	groups = ARENA_NEW(a, struct name_group, n);
	*group_count = n;
	n = 0;
	for (uint32_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && strcmp(named[end].key, named[i].key) == 0; end++)
			;
		groups[n] = group_of(&named[i], end - i, g, origins, tensors, a);
		groups[n++].class = classes[named[i].position];
	}
	return groups;
}

bool
layer_matches(const struct op *o, const char *layer)
{
	size_t n = strlen(layer);

	if (o->layer == NULL)
		return false;
	return fnmatch(layer, o->layer, 0) == 0 || (strncmp(o->layer, layer, n) == 0 && o->layer[n] == '.');
}
