/* SPDX-License-Identifier: Apache-2.0 */
/* network_text.h - networks for tests: from a text, and every one that ships */
#ifndef TESTS_NETWORK_TEXT_H
#define TESTS_NETWORK_TEXT_H
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "src/base/json.h"
#include "src/network/network.h"
#include "tests/tap.h"

/* Reads a network from a text in which ' stands for ".  False: a diagnostic tells why. */
static inline bool
network_from_text(struct network *n, const char *text, struct arena *a)
{
	char *copy = arena_strdup(a, text);
	struct err e = ERR_INIT;
	json_error_t je;
	json_t *root;
	bool good;

	for (char *c = copy; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	root = json_loads(copy, 0, &je);
	good = root != NULL && network_from_json(n, root, a, &e) == 0;
	json_decref(root);
	if (!good)
		diag("%s: %s %s", text, root == NULL ? je.text : e.path, e.text);
	return good;
}

/* Calls test with the name of each network of a folder of networks/ ("", "caffe/"). */
static inline void
each_network(const char *folder, void (*test)(const char *name, const struct device *d), const struct device *d)
{
	DIR *dir = opendir(data_path(folder));
	struct dirent *f;
	char name[300];

	if (!ok(dir != NULL, "networks/%s is there", folder))
		return;
	while ((f = readdir(dir)) != NULL) {
		size_t length = strlen(f->d_name);

		if (length < 5 || strcmp(f->d_name + length - 5, ".json") != 0 || strstr(f->d_name, ".schema.") != NULL)
			continue;
		snprintf(name, sizeof(name), "%s%.*s", folder, (int)length - 5, f->d_name);
		test(name, d);
	}
	closedir(dir);
}
#endif
