/* SPDX-License-Identifier: Apache-2.0 */
/* network_set.c - changes of a network document before it is read */
#include <config.h>
#include "src/network/network_set.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "src/base/nearest.h"

enum { NESTING_MOST = 16 };	/* as of repeats: the reader refuses more */

static const char *const document_keys[] = { "batch", "accumulate", "layout", "dtype", "master_dtype", "optimizer", "math", NULL };
/* Keys of the document's version 2. */
static const char *const version_2_keys[] = { "accumulate", "layout", "trainable", "result", NULL };

static bool
is_one_of(const char *const *keys, const char *key)
{
	while (*keys != NULL && strcmp(*keys, key) != 0)
		keys++;
	return *keys != NULL;
}

/* The parts of a change. */
struct set_change {
	const char *path, *layer, *key, *value;		/* layer NULL: a key of the document; "math": a class of ops */
};

static void
split(struct set_change *c, const char *text, struct arena *a)
{
	const char *equal = strchr(text, '=');
	char *path = arena_printf(a, "%.*s", (int)(equal - text), text), *dot = strrchr(path, '.');

	*c = (struct set_change) { .path = path, .key = dot == NULL ? path : dot + 1, .value = equal + 1 };
	if (dot != NULL)
		c->layer = arena_printf(a, "%.*s", (int)(dot - path), path);
}

int
network_set_check(const char *change, struct err *e)
{
	const char *equal = strchr(change, '=');
	size_t n = equal == NULL ? 0 : (size_t)(equal - change);
	char q[48], near[NEAREST_TEXT], key[64];
	struct nearest typed;

	if (n == 0)
		return err_set(e, ERR_USAGE, "expected PATH=VALUE such as 'h.*.trainable=false', got '%s'", err_quote(q, change));
	if (memchr(change, '.', n) != NULL && *change != '.' && equal[-1] != '.')
		return 0;
	snprintf(key, sizeof(key), "%.*s", n < sizeof(key) ? (int)n : (int)sizeof(key) - 1, change);
	if (n < sizeof(key) && is_one_of(document_keys, key))
		return 0;
	nearest_init(&typed, key);
	for (size_t i = 0; document_keys[i] != NULL; i++)
		nearest_add(&typed, document_keys[i]);
	return err_set(e, ERR_USAGE, "expected LAYER.ATTRIBUTE or a key of the document, got '%s'%s", err_quote(q, key),
	    nearest_text(near, &typed, ""));
}

/* ---- the layers of a document ---- */

struct written_layer {
	json_t *object;
	const char *name, *place;
};

struct written_layers {
	struct written_layer *layers;	/* [count] */
	size_t count, room;
	struct arena *arena;
};

/* Collects layers that have a name.  The reader refuses all others. */
static void
collect(struct written_layers *w, json_t *list, const char *prefix, const char *place, int depth)
{
	const char *name;
	json_t *object;
	size_t i;

	json_array_foreach(list, i, object) {
		struct written_layer l = { .object = object };

		name = json_string_value(json_object_get(object, "name"));
		if (name == NULL)
			continue;
		l.name = arena_printf(w->arena, "%s%s", prefix, name);
		l.place = arena_printf(w->arena, "%s[%zu]", place, i);
		ARENA_PUSH(w->arena, w->layers, w->count, w->room)[0] = l;
		if (depth < NESTING_MOST)
			collect(w, json_object_get(object, "layers"), arena_printf(w->arena, "%s.", l.name),
			    arena_printf(w->arena, "%s.layers", l.place), depth + 1);
	}
}

/* ---- one change ---- */

static int
no_layer(const struct set_change *c, const struct written_layers *w, struct err *e)
{
	char q[48], first[48], near[NEAREST_TEXT];
	struct nearest typed;

	nearest_init(&typed, c->layer);
	for (size_t i = 0; i < w->count; i++)
		nearest_add(&typed, w->layers[i].name);
	if (typed.count > 0)
		nearest_text(near, &typed, "");
	else
		snprintf(near, sizeof(near), "; the first layer is '%s'", w->count == 0 ? "" : err_quote(first, w->layers[0].name));
	err_set(e, ERR_INPUT, "expected the name of a layer or a pattern for names, got '%s', which matches none%s", err_quote(q, c->layer), near);
	return err_in_file(e, arena_printf(w->arena, "--set %s", c->path));
}

static void
note(struct network_changes *done, const struct set_change *c, const char *place, struct arena *a)
{
	ARENA_PUSH(a, done->places, done->count, done->room)[0] = (struct network_place) { c->path, place, c->key };
}

/* Fills to[room] with the objects whose key changes, and returns their number. */
static size_t
find_objects(json_t **to, const struct set_change *c, json_t *root, const struct written_layers *w, struct network_changes *done)
{
	size_t n = 0;

	if (c->layer == NULL) {
		note(done, c, "", w->arena);
		to[n++] = root;
	} else if (strcmp(c->layer, "math") == 0) {
		note(done, c, "math", w->arena);
		to[n++] = json_object_get(root, "math");
	} else {
		for (size_t i = 0; i < w->count; i++)
			if (strcmp(c->layer, w->layers[i].name) == 0 || fnmatch(c->layer, w->layers[i].name, 0) == 0) {
				note(done, c, w->layers[i].place, w->arena);
				to[n++] = w->layers[i].object;
			}
	}
	return n;
}

/* Sets the key of all objects; what is no object stays as it is, and the reader refuses it.  Uses no arena, whose jump would lose
 * the value. */
static int
set_all(json_t *const *objects, size_t count, const struct set_change *c, struct err *e)
{
	json_t *value;
	bool good;

	errno = 0;
	value = json_loads(c->value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (value == NULL && errno != ENOMEM)
		value = json_string(c->value);
	good = value != NULL;
	for (size_t i = 0; i < count && good; i++)
		good = !json_is_object(objects[i]) || json_object_set(objects[i], c->key, value) == 0;
	json_decref(value);
	if (good)
		return 0;
	return errno == ENOMEM ? err_set(e, ERR_SYSTEM, "out of memory") : err_set(e, ERR_INPUT, "expected UTF-8, got other bytes");
}

static int
apply(struct network_changes *done, json_t *root, const struct set_change *c, struct arena *a, struct err *e)
{
	struct written_layers w = { .arena = a };
	json_t **objects;
	size_t n;

	collect(&w, json_object_get(root, "layers"), "", "layers", 0);
	objects = ARENA_NEW(a, json_t *, w.count + 1);
	if (c->layer != NULL && strcmp(c->layer, "math") == 0 && json_object_get(root, "math") == NULL &&
	    json_object_set_new(root, "math", json_object()) < 0)
		return err_set(e, ERR_SYSTEM, "out of memory");
	n = find_objects(objects, c, root, &w, done);
	if (n == 0)
		return no_layer(c, &w, e);
	return set_all(objects, n, c, e) < 0 ? err_in_file(e, arena_printf(a, "--set %s", c->path)) : 0;
}

int
network_set(struct network_changes *done, json_t *root, const char *const *changes, uint32_t count, struct arena *a, struct err *e)
{
	struct set_change c;

	*done = (struct network_changes) { .count = 0 };
	for (uint32_t i = 0; i < count; i++) {
		if (network_set_check(changes[i], e) < 0)
			return -1;
		split(&c, changes[i], a);
		if (apply(done, root, &c, a, e) < 0)
			return -1;
		if (is_one_of(version_2_keys, c.key) && json_integer_value(json_object_get(root, "version")) == 1 &&
		    json_object_set_new(root, "version", json_integer(2)) < 0)
			return err_set(e, ERR_SYSTEM, "out of memory");
	}
	return 0;
}

/* ---- errors ---- */

/* True: path is place, or a place inside of it. */
static bool
is_inside(const char *path, const char *place)
{
	size_t n = strlen(place);

	return strncmp(path, place, n) == 0 && (path[n] == '\0' || path[n] == '.' || path[n] == '[');
}

int
network_set_blame(const struct network_changes *c, struct err *e)
{
	const struct network_place *layer = NULL, *p;
	char place[sizeof(e->path)], source[sizeof(e->source)];

	for (size_t i = c->count; i-- > 0;) {
		p = &c->places[i];
		snprintf(place, sizeof(place), "%s%s%s", p->place, *p->place == '\0' ? "" : ".", p->key);
		if (is_inside(e->path, place)) {
			layer = p;
			break;
		}
		if (layer == NULL && *p->place != '\0' && is_inside(e->path, p->place))
			layer = p;
	}
	if (layer == NULL || e->code != ERR_INPUT)
		return -1;
	snprintf(source, sizeof(source), "--set %s", layer->path);
	return err_in_file(e, source);
}

/* ---- text ---- */

const char *
network_set_text(const char *const *changes, uint32_t count, struct arena *a)
{
	const char *text = "";

	for (uint32_t i = 0; i < count; i++)
		text = arena_printf(a, "%s --set %s", text, arena_quote(a, changes[i]));
	return text;
}
