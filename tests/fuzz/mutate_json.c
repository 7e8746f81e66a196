/* SPDX-License-Identifier: Apache-2.0 */
/* mutate_json.c - libFuzzer's mutator for documents
 *
 * Changes a value, or drops, repeats or swaps elements, so that the text stays JSON and passes the parser.  A share of the cases is left
 * to libFuzzer's own mutations.  Of a file of results one line is changed.
 */
#include <config.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

enum { NODES_MOST = 4096, TEXT_MOST = 256 };

/* A value and where it stands. */
struct node {
	json_t *value, *parent;
	const char *key;		/* in an object */
	size_t index;			/* in an array */
};

struct tree {
	struct node nodes[NODES_MOST];
	size_t count;
	uint64_t random;
};

static uint32_t
below(struct tree *t, size_t n)
{
	t->random = t->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((t->random >> 33) % n);
}

static void
collect(struct tree *t, json_t *value, json_t *parent, const char *key, size_t index)
{
	const char *k;
	json_t *v;
	size_t i;

	if (t->count == NODES_MOST)
		return;
	t->nodes[t->count++] = (struct node) { value, parent, key, index };
	json_object_foreach(value, k, v)
		collect(t, v, value, k, 0);
	json_array_foreach(value, i, v)
		collect(t, v, value, NULL, i);
}

/* ---- new values ---- */

static json_t *
new_integer(struct tree *t, json_int_t old)
{
	static const json_int_t hard[] = {
		0, 1, 2, 3, 255, 256, 257, -1, 65536, INT32_MAX, (json_int_t)INT32_MAX + 1, UINT32_MAX - 17, UINT32_MAX - 1, UINT32_MAX,
		(json_int_t)1 << 40, (json_int_t)1 << 62, ((json_int_t)1 << 62) + 1, INT64_MAX, INT64_MIN,
	};
	uint64_t x = (uint64_t)old;

	switch (below(t, 6)) {
	case 0:		return json_integer((json_int_t)(x + 1));
	case 1:		return json_integer((json_int_t)(x - 1));
	case 2:		return json_integer((json_int_t)(x * 2));
	case 3:		return json_integer(old / 2);
	case 4:		return json_integer(below(t, 16));
	default:	return json_integer(hard[below(t, sizeof(hard) / sizeof(hard[0]))]);
	}
}

static json_t *
new_real(struct tree *t, double old)
{
	static const double hard[] = { 0, 1e-300, 4.9e-324, 1e-9, 0.5, 1, 1 + 1e-15, 1e6, 1e12, 1e18, 1e19, 1e300, -1, -0.0 };

	switch (below(t, 3)) {
	case 0:		return json_real(old < 1e300 && old > -1e300 ? old * 2 : 1);
	case 1:		return json_real(old / 3);
	default:	return json_real(hard[below(t, sizeof(hard) / sizeof(hard[0]))]);
	}
}

static json_t *
new_string(const char *old)
{
	uint8_t text[TEXT_MOST] = { 0 };
	size_t n = strlen(old) < TEXT_MOST / 2 ? strlen(old) : TEXT_MOST / 2;
	json_t *s;

	memcpy(text, old, n);
	n = LLVMFuzzerMutate(text, n, TEXT_MOST - 1);
	s = json_stringn((const char *)text, n);
	return s == NULL ? json_string("") : s;		/* not UTF-8 */
}

/* A value like this one; or any other of the document. */
static json_t *
new_value(struct tree *t, const json_t *old)
{
	if (below(t, 4) > 0) {
		if (json_is_integer(old))
			return new_integer(t, json_integer_value(old));
		if (json_is_real(old))
			return new_real(t, json_real_value(old));
		if (json_is_string(old) && below(t, 2) > 0)
			return new_string(json_string_value(old));
		if (json_is_boolean(old))
			return json_boolean(!json_is_true(old));
	}
	for (int tries = 0; tries < 8; tries++) {
		json_t *other = t->nodes[below(t, t->count)].value;

		if (json_typeof(other) == json_typeof(old))
			return json_deep_copy(other);
	}
	return json_deep_copy(t->nodes[below(t, t->count)].value);
}

/* ---- changes ---- */

static void
replace(const struct node *n, json_t *value)
{
	if (json_is_object(n->parent))
		json_object_set_new(n->parent, n->key, value);
	else if (json_is_array(n->parent))
		json_array_set_new(n->parent, n->index, value);
	else
		json_decref(value);
}

static void
change_array(struct tree *t, const struct node *n)
{
	json_t *list = n->parent, *other = t->nodes[below(t, t->count)].value;
	size_t to = below(t, json_array_size(list));

	switch (below(t, 5)) {
	case 0:
		json_array_remove(list, n->index);
		break;
	case 1:
		json_array_insert_new(list, to, json_deep_copy(n->value));
		break;
	case 2:
		json_array_append_new(list, json_deep_copy(other));
		break;
	default:	/* swap */
		json_incref(n->value);
		json_array_set(list, n->index, json_array_get(list, to));
		json_array_set_new(list, to, n->value);
		break;
	}
}

static void
change_object(struct tree *t, const struct node *n)
{
	const struct node *other = &t->nodes[below(t, t->count)];

	if (below(t, 3) == 0)
		json_object_del(n->parent, n->key);
	else if (other->key != NULL)	/* a key of elsewhere, with its value */
		json_object_set_new(n->parent, other->key, json_deep_copy(other->value));
}

/* Ids are positions: without this, no element could come or go. */
static void
number(json_t *value)
{
	const char *k;
	json_t *v;
	size_t i;

	json_object_foreach(value, k, v)
		number(v);
	json_array_foreach(value, i, v) {
		if (json_is_integer(json_object_get(v, "id")))
			json_object_set_new(v, "id", json_integer((json_int_t)i));
		number(v);
	}
}

static void
change(struct tree *t, json_t *root)
{
	const struct node *n;
	bool inside;

	t->count = 0;
	collect(t, root, NULL, NULL, 0);
	n = &t->nodes[below(t, t->count)];
	inside = n->parent != NULL && below(t, 3) == 0;
	if (inside && json_is_array(n->parent))
		change_array(t, n);
	else if (inside)
		change_object(t, n);
	else
		replace(n, new_value(t, n->value));
}

/* The line to change: all of the text but in a file of many documents. */
static void
pick_line(struct tree *t, const uint8_t *data, size_t size, size_t *from, size_t *to)
{
	size_t at = below(t, size);

	for (*from = at; *from > 0 && data[*from - 1] != '\n'; --*from)
		;
	for (*to = at; *to < size && data[*to] != '\n'; ++*to)
		;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	static struct tree t;
	size_t from = 0, to = size, n;
	json_t *root;

	t.random = seed;
	if (size == 0 || below(&t, 5) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	root = json_loadb((const char *)data, size, 0, NULL);
	if (root == NULL) {
		pick_line(&t, data, size, &from, &to);
		root = json_loadb((const char *)data + from, to - from, 0, NULL);
	}
	if (root == NULL)
		return LLVMFuzzerMutate(data, size, max_size);
	for (uint32_t i = below(&t, 4); i < 4; i++)
		change(&t, root);
	if (below(&t, 8) > 0)
		number(root);
	n = json_dumpb(root, NULL, 0, JSON_COMPACT);
	if (n > 0 && size - (to - from) + n <= max_size) {
		memmove(data + from + n, data + to, size - to);
		json_dumpb(root, (char *)data + from, n, JSON_COMPACT);
		size = size - (to - from) + n;
	} else
		size = LLVMFuzzerMutate(data, size, max_size);
	json_decref(root);
	return size;
}
