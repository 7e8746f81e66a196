/* SPDX-License-Identifier: Apache-2.0 */
/* layrub.c - the library's errors, tables and names; structs whose size is the caller's */
#include <config.h>
#include "src/library/layrub_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/documents/lookup.h"
#include "src/library/tables.h"

static_assert(sizeof(((struct layrub_error *)0)->source) >= sizeof(((struct err *)0)->source) &&
    sizeof(((struct layrub_error *)0)->path) >= sizeof(((struct err *)0)->path) &&
    sizeof(((struct layrub_error *)0)->text) >= sizeof(((struct err *)0)->text), "an error fits");
static_assert((int)LAYRUB_ERROR_TENSORS == ERR_TENSORS && LAYRUB_NONE == ERR_NO_OP, "a reason fits");

const char *
layrub_version(void)
{
	return PACKAGE_VERSION;
}

/* ---- structs that may grow ---- */

enum { SIZE_MOST = 4096 };	/* of a caller's options, bytes: more is no size */

/* Options have no padding at their end, so that it cannot become part of a new member and hold garbage. */
#define ENDS_WITH(type, member) (offsetof(type, member) + sizeof(((type *)0)->member) == sizeof(type))
static_assert(ENDS_WITH(struct layrub_problem_options, image) && ENDS_WITH(struct layrub_plan_options, homes) &&
    ENDS_WITH(struct layrub_change, compute_scale) && ENDS_WITH(struct layrub_fit_options, effort) &&
    ENDS_WITH(struct layrub_place_options, user) && ENDS_WITH(struct layrub_graph, tensor_names) &&
    ENDS_WITH(struct layrub_device, conv_rules), "no padding at the end");

int
options_copy(void *to, size_t known, const void *from, const char *name, struct err *e)
{
	size_t size = known;

	if (from == NULL)
		return 0;
	memcpy(&size, from, sizeof(size));
	if (size < sizeof(size) || size > SIZE_MOST) {
		err_set(e, ERR_USAGE, "expected the size of struct %s, %zu bytes, got %zu", name, known, size);
		return err_at(e, "%s", name);
	}
	for (size_t i = known; i < size; i++)
		if (((const unsigned char *)from)[i] != 0) {
			err_set(e, ERR_USAGE, "byte %zu is not 0: an option of a newer library than version %s", i, PACKAGE_VERSION);
			return err_at(e, "%s", name);
		}
	memcpy(to, from, size < known ? size : known);
	return 0;
}

void
result_copy(void *to, const void *from, size_t known)
{
	size_t size;

	memcpy(&size, to, sizeof(size));
	if (size > sizeof(size))
		memcpy((char *)to + sizeof(size), (const char *)from + sizeof(size), (size < known ? size : known) - sizeof(size));
}

/* ---- errors ---- */

static void
hand_out_reason(struct layrub_error *to, const struct err_reason *r)
{
	to->op = r->op;
	to->missing_bytes = r->missing_bytes;
	to->tensor_count = r->tensor_count;
	memcpy(to->tensors, r->tensors, sizeof(to->tensors));
}

/* The text begins with the name of the thing at the place. */
static void
hand_out_text(struct layrub_error *to, const struct err *e)
{
	size_t n = 0;

	if (e->subject[0] != '\0')
		n = (size_t)snprintf(to->text, sizeof(to->text), "%s: ", e->subject);
	snprintf(to->text + n, sizeof(to->text) - n, "%s", e->text);
}

/* e NULL: no error. */
static void
hand_out(struct layrub_error *to, const struct err *e)
{
	static const uint32_t codes[] = {
		[ERR_NONE] = LAYRUB_SYSTEM, [ERR_INPUT] = LAYRUB_BAD_INPUT, [ERR_USAGE] = LAYRUB_BAD_USAGE,
		[ERR_NO] = LAYRUB_INFEASIBLE, [ERR_UNSOUND] = LAYRUB_UNSOUND, [ERR_SYSTEM] = LAYRUB_SYSTEM
	};
	struct layrub_error error = { .code = LAYRUB_OK, .op = LAYRUB_NONE };

	if (to == NULL)
		return;
	if (e != NULL) {
		error.code = codes[e->code];
		if (e->code == ERR_NO && e->reason.known)
			hand_out_reason(&error, &e->reason);
		snprintf(error.source, sizeof(error.source), "%s", e->source);
		snprintf(error.path, sizeof(error.path), "%s", e->path);
		hand_out_text(&error, e);
	}
	result_copy(to, &error, sizeof(error));
}

int
guard(struct arena *a, int (*fn)(void *arg), void *arg, struct err *e, struct layrub_error *error)
{
	hand_out(error, NULL);
	if (arena_run(a, fn, arg, e) == 0)
		return 0;
	hand_out(error, e);
	return -1;
}

void *
handle_new(size_t size, struct layrub_error *error)
{
	void *handle = calloc(1, size);
	struct err e = ERR_INIT;

	if (handle != NULL)
		return handle;
	err_set(&e, ERR_SYSTEM, "out of memory");
	hand_out(error, &e);
	return NULL;
}

const char *
layrub_error_line(const struct layrub_error *error, char *buffer, size_t size)
{
	const char *s = error->source, *p = error->path;

	snprintf(buffer, size, "%s%s%s%s%s", s, *s == '\0' ? "" : ": ", p, *p == '\0' ? "" : ": ", error->text);
	for (char *c = buffer; size > 0 && *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	return buffer;
}

/* ---- tables and names ---- */

const char *
layrub_row(enum layrub_table table, unsigned i, const char **summary)
{
	static table_row_fn *const tables[] = {
		[LAYRUB_POLICIES] = table_policies, [LAYRUB_PLACEMENTS] = table_placements, [LAYRUB_LOWERINGS] = table_lowerings,
		[LAYRUB_REORDERS] = table_reorders, [LAYRUB_TIMES] = table_times
	};
	const char *name;

	if ((unsigned)table >= sizeof(tables) / sizeof(tables[0]))
		return NULL;
	/* Rows are walked one by one: i may lie far behind the end. */
	for (unsigned k = 0; k <= i; k++) {
		name = tables[table](k, summary);
		if (name == NULL || k == i)
			return name;
	}
	return NULL;
}

/* The public part comes first, so that the handle is its address. */
struct found_names {
	struct layrub_names names;
	struct arena arena;
	enum lookup_what what;
	struct err err;
};

static int
find_names(void *arg)
{
	struct found_names *n = arg;
	uint32_t count = 0;

	n->names.names = lookup_list(n->what, &count, &n->arena, &n->err);
	n->names.size = sizeof(n->names);
	n->names.count = count;
	return n->names.names == NULL ? -1 : 0;
}

struct layrub_names *
layrub_names_find(enum layrub_shelf shelf, struct layrub_error *error)
{
	struct found_names *n = handle_new(sizeof(*n), error);

	if (n == NULL)
		return NULL;
	n->what = shelf == LAYRUB_GRAPHS ? LOOKUP_GRAPH : shelf == LAYRUB_DEVICES ? LOOKUP_DEVICE : LOOKUP_NETWORK;
	if (guard(&n->arena, find_names, n, &n->err, error) == 0)
		return &n->names;
	layrub_names_free(&n->names);
	return NULL;
}

void
layrub_names_free(struct layrub_names *names)
{
	struct found_names *n = (struct found_names *)names;

	if (n == NULL)
		return;
	arena_free(&n->arena);
	free(n);
}
