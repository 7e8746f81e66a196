/* SPDX-License-Identifier: Apache-2.0 */
/* layrub.c - the library's errors, tables and names */
#include <config.h>
#include "src/library/layrub_private.h"

#include <assert.h>
#include <stdlib.h>

#include "src/documents/lookup.h"
#include "src/library/tables.h"

static_assert(sizeof(((struct layrub_error *)0)->source) >= sizeof(((struct err *)0)->source) &&
    sizeof(((struct layrub_error *)0)->path) >= sizeof(((struct err *)0)->path) &&
    sizeof(((struct layrub_error *)0)->text) >= sizeof(((struct err *)0)->text), "an error fits");

const char *
layrub_version(void)
{
	return PACKAGE_VERSION;
}

/* ---- errors ---- */

static void
hand_out(struct layrub_error *to, const struct err *e)
{
	static const enum layrub_code codes[] = {
		[ERR_NONE] = LAYRUB_SYSTEM, [ERR_INPUT] = LAYRUB_BAD_INPUT, [ERR_USAGE] = LAYRUB_BAD_USAGE, [ERR_NO] = LAYRUB_NO,
		[ERR_SYSTEM] = LAYRUB_SYSTEM
	};

	if (to == NULL)
		return;
	to->code = codes[e->code];
	snprintf(to->source, sizeof(to->source), "%s", e->source);
	snprintf(to->path, sizeof(to->path), "%s", e->path);
	snprintf(to->text, sizeof(to->text), "%s", e->text);
}

int
guard(struct arena *a, int (*fn)(void *arg), void *arg, struct err *e, struct layrub_error *error)
{
	if (error != NULL)
		*error = (struct layrub_error) { .code = LAYRUB_OK };
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
