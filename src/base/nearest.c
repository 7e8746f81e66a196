/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.c - the edit distance between names, and the names nearest to a typed one */
#include <config.h>
#include "src/base/nearest.h"

#include <stdio.h>
#include <string.h>

#include "src/base/err.h"

/* The edit distance of two names (Levenshtein), of their first LONGEST letters. */
static unsigned
edit_distance(const char *a, const char *b)
{
	enum { LONGEST = 63 };
	unsigned row[LONGEST + 1], corner, above;
	size_t n = strnlen(a, LONGEST), m = strnlen(b, LONGEST);

	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < n; i++) {
		corner = row[0];
		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < m; j++) {
			unsigned best = corner + (a[i] != b[j]);

			above = row[j + 1];
			best = best < above + 1 ? best : above + 1;
			row[j + 1] = best < row[j] + 1 ? best : row[j] + 1;
			corner = above;
		}
	}
	return row[m];
}

void
nearest_init(struct nearest *n, const char *typed)
{
	*n = (struct nearest) { .typed = typed, .distance = (unsigned)strlen(typed) / 3 + 1 };
}

void
nearest_add(struct nearest *n, const char *name)
{
	bool begins = *n->typed != '\0' && strncmp(name, n->typed, strlen(n->typed)) == 0;
	unsigned distance = edit_distance(n->typed, name);

	if (n->begins && !begins)
		return;
	if ((begins && !n->begins) || distance < n->distance) {
		n->begins = begins;
		n->distance = distance;
		n->count = 0;
	}
	if (distance == n->distance && n->count < NEAREST_NAMES)
		n->names[n->count++] = name;
}

const char *
nearest_text(char text[NEAREST_TEXT], const struct nearest *n, const char *prefix)
{
	char q[48];
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n->count; i++)
		used += (size_t)snprintf(text + used, NEAREST_TEXT - used, "%s'%s%s'", i == 0 ? "; did you mean " : " or ", prefix,
		    err_quote(q, n->names[i]));
	if (n->count > 0)
		snprintf(text + used, NEAREST_TEXT - used, "?");
	return text;
}
