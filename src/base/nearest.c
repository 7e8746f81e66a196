/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.c - the edit distance between names, and the names nearest to a typed one */
#include <config.h>
#include "src/base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "src/base/err.h"

/* The edit distance of two names (Levenshtein), of their first LONGEST letters, of either case. */
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
			unsigned best = corner + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));

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
	*n = (struct nearest) { .typed = typed };
}

/* The ways in which a name is near, from the farthest on. */
enum { FAR, BEGINS_TYPED, FEW_EDITS, CONTAINS_TYPED, BEGINS_WITH_TYPED };

static unsigned
rank_of(const char *typed, const char *name, unsigned distance)
{
	enum { CONTAINED_LEAST = 3 };
	size_t n = strlen(typed), m = strlen(name);

	if (n > 0 && strncasecmp(name, typed, n) == 0)
		return BEGINS_WITH_TYPED;
	for (const char *part = name; n >= CONTAINED_LEAST && *part != '\0'; part++)
		if (strncasecmp(part, typed, n) == 0)
			return CONTAINS_TYPED;
	if (distance <= 1 + n / 3)
		return FEW_EDITS;
	return m >= CONTAINED_LEAST && strncasecmp(name, typed, m) == 0 ? BEGINS_TYPED : FAR;
}

void
nearest_add(struct nearest *n, const char *name)
{
	unsigned distance = edit_distance(n->typed, name), rank = rank_of(n->typed, name, distance);

	if (rank == FAR || rank < n->rank || (rank == n->rank && distance > n->distance))
		return;
	if (rank > n->rank || distance < n->distance)
		n->count = 0;
	n->rank = rank;
	n->distance = distance;
	for (unsigned i = 0; i < n->count; i++)
		if (strcmp(n->names[i], name) == 0)
			return;
	if (n->count < NEAREST_NAMES)
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

const char *
nearest_in_table(char text[NEAREST_TEXT], const struct nearest *n, const char *table)
{
	size_t used = strlen(nearest_text(text, n, ""));

	snprintf(text + used, NEAREST_TEXT - used, n->count > 0 ? " ('layrub list %s' shows all)" : "; 'layrub list %s' shows all", table);
	return text;
}
