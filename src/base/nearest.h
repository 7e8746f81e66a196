/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.h - the names of a table that are nearest to a mistyped one, for "did you mean" */
#ifndef SRC_BASE_NEAREST_H
#define SRC_BASE_NEAREST_H
#include <stdbool.h>

enum { NEAREST_NAMES = 2, NEAREST_TEXT = 160 };

struct nearest {
	const char *typed;			/* not owned, as are the names */
	const char *names[NEAREST_NAMES];	/* [count] equally near, in the order of the nearest_add() calls */
	unsigned count;
	bool begins;				/* the names begin with the typed text */
	unsigned distance;
};

void nearest_init(struct nearest *n, const char *typed);

/* Considers a name.  A name that begins with the typed text is nearer than any other; then the edit distance decides.  A name is
 * not near if its distance is over 1 + a third of the typed letters. */
void nearest_add(struct nearest *n, const char *name);

/* Writes "; did you mean 'NAME'?", or "... 'NAME' or 'NAME'?", with the prefix before each name; "" if no name is near.  Returns text. */
const char *nearest_text(char text[NEAREST_TEXT], const struct nearest *n, const char *prefix);
#endif
