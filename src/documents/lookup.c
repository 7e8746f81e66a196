/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.c - from a name that a person types to a file */
#include <config.h>
#include "src/documents/lookup.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/nearest.h"

/* A folder of documents of one kind, below the data folder. */
struct shelf {
	enum lookup_what what;
	const char *folder;
	const char *prefix;	/* typed before the name */
	const char *suffix;	/* of the file's name */
};

static const struct shelf shelves[] = {
	{ LOOKUP_NETWORK, "", "", ".json" },
	{ LOOKUP_NETWORK, "caffe/", "caffe/", ".json" },
	{ LOOKUP_GRAPH, "graphs/", "graphs/", ".graph.json" },
	{ LOOKUP_DEVICE, "devices/", "", ".json" },
};
enum { SHELF_COUNT = sizeof(shelves) / sizeof(shelves[0]) };

static const char *const what_names[] = { "network", "graph", "device" }, *const what_tables[] = { "networks", "graphs", "devices" };

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_document(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* Fills path with the file that this code was loaded from, the shared library or the program; "": not known. */
static void
own_file(char path[PATH_MAX])
{
	Dl_info own;
	ssize_t n;

	/* Of a program that was found on PATH, the loader knows the bare name alone. */
	if (dladdr(shelves, &own) != 0 && strchr(own.dli_fname, '/') != NULL && realpath(own.dli_fname, path) != NULL)
		return;
	n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = '\0';
}

/* The data folder, by the order in lookup.h. */
static const char *
data_folder(struct arena *a)
{
	static const char *const beside[] = { "networks", "../networks", "../share/layrub/networks", "../../share/layrub/networks" };
	const char *given = getenv("LAYRUB_DATA");
	char file[PATH_MAX], *slash;
	const char *path;

	if (given != NULL && *given != '\0')
		return given;
	own_file(file);
	slash = strrchr(file, '/');
	for (size_t i = 0; slash != NULL && i < sizeof(beside) / sizeof(beside[0]); i++) {
		path = arena_printf(a, "%.*s/%s", (int)(slash - file), file, beside[i]);
		/* A folder of devices tells this one from another of that name. */
		if (is_folder(arena_printf(a, "%s/devices", path)))
			return path;
	}
	return DATA_FOLDER;
}

static bool
ends_in(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

/* Lists a shelf's names.  A first call with names NULL counts them and their bytes, because no arena allocation may
 * jump out between opendir and closedir. */
static int
scan(const char *folder, const struct shelf *s, const char **names, char *text, uint32_t *count, size_t *bytes)
{
	DIR *d = opendir(folder);
	const struct dirent *entry;
	uint32_t room = *count, n = 0;
	size_t text_room = *bytes, used = 0, len;

	if (d == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.' || !ends_in(entry->d_name, s->suffix) || ends_in(entry->d_name, ".schema.json"))
			continue;
		len = strlen(s->prefix) + strlen(entry->d_name) - strlen(s->suffix) + 1;
		if (names != NULL) {
			/* A file may be new since the first call. */
			if (n == room || used + len > text_room)
				break;
			snprintf(text + used, len, "%s%s", s->prefix, entry->d_name);
			names[n] = text + used;
		}
		n++;
		used += len;
	}
	closedir(d);
	*count = n;
	*bytes = used;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **
lookup_list(enum lookup_what what, uint32_t *count, struct arena *a, struct err *e)
{
	const char *data = data_folder(a), *folder[SHELF_COUNT], **names;
	uint32_t n[SHELF_COUNT] = { 0 }, total = 0, at = 0;
	size_t bytes[SHELF_COUNT] = { 0 };

	for (size_t i = 0; i < SHELF_COUNT; i++) {
		folder[i] = arena_printf(a, "%s/%s", data, shelves[i].folder);
		if (shelves[i].what != what)
			continue;
		if (scan(folder[i], &shelves[i], NULL, NULL, &n[i], &bytes[i]) < 0) {
			err_set(e, ERR_SYSTEM, "cannot read: %s", strerror(errno));
			err_in_file(e, folder[i]);
			return NULL;
		}
		total += n[i];
	}
	names = ARENA_NEW(a, const char *, total);
	for (size_t i = 0; i < SHELF_COUNT; i++) {
		if (n[i] == 0)
			continue;
		if (scan(folder[i], &shelves[i], names + at, ARENA_NEW(a, char, bytes[i]), &n[i], &bytes[i]) < 0)
			n[i] = 0;
		at += n[i];
	}
	qsort(names, at, sizeof(*names), by_name);
	*count = at;
	return names;
}

static void
add_names(struct nearest *n, enum lookup_what what, struct arena *a)
{
	struct err ignored = ERR_INIT;
	uint32_t count = 0;
	const char **names = lookup_list(what, &count, a, &ignored);

	for (uint32_t i = 0; names != NULL && i < count; i++)
		nearest_add(n, names[i]);
}

/* True for a name that only a file can have. */
static bool
looks_like_file(const char *name)
{
	return strcmp(name, "-") == 0 || name[0] == '/' || name[0] == '.' || ends_in(name, ".json");
}

static const char *
not_found(const char *name, enum lookup_what what, const char *data, struct arena *a, struct err *e)
{
	struct nearest n;
	char q[48], near[NEAREST_TEXT];

	nearest_init(&n, name);
	add_names(&n, what, a);
	if (n.count == 0 && what == LOOKUP_NETWORK)
		add_names(&n, LOOKUP_GRAPH, a);
	err_set(e, ERR_INPUT, "expected a file or the name of a %s in %s, got '%s'%s", what_names[what], data, err_quote(q, name),
	    nearest_in_table(near, &n, what_tables[what]));
	return NULL;
}

const char *
lookup(const char *name, enum lookup_what what, struct arena *a, struct err *e)
{
	const char *data, *path, *bare;
	size_t prefix;

	if (looks_like_file(name) || is_document(name))
		return name;
	data = data_folder(a);
	for (size_t i = 0; i < SHELF_COUNT; i++) {
		const struct shelf *s = &shelves[i];

		if (s->what != what && !(what == LOOKUP_NETWORK && s->what == LOOKUP_GRAPH))
			continue;
		/* Where only a graph is looked for, its folder's name may be left out. */
		prefix = strlen(s->prefix);
		bare = strncmp(name, s->prefix, prefix) == 0 ? name + prefix : what == LOOKUP_GRAPH ? name : NULL;
		if (bare == NULL)
			continue;
		path = arena_printf(a, "%s/%s%s%s", data, s->folder, bare, s->suffix);
		if (is_document(path))
			return path;
	}
	return not_found(name, what, data, a, e);
}
