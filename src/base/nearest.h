/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.h - the names of a table that are nearest to a mistyped one, for "did you mean" */
#ifndef SRC_BASE_NEAREST_H
#define SRC_BASE_NEAREST_H
enum { NEAREST_NAMES = 2, NEAREST_TEXT = 200 };

struct nearest {
	const char *typed;			/* not owned, as are the names */
	const char *names[NEAREST_NAMES];	/* [count] equally near, in the order of the nearest_add() calls */
	unsigned count;
	unsigned rank;				/* how near the names are: 0 is far */
	unsigned distance;			/* of the names, in edits */
};

void nearest_init(struct nearest *n, const char *typed);

/* Considers a name.  Letters of either case are equal.  A name that begins with the typed text is nearest, then one that contains three or
 * more typed letters, then one within 1 + a third of the typed letters in edits, then one that the typed text begins with.  Among equals
 * the edit distance decides. */
void nearest_add(struct nearest *n, const char *name);

/* Writes "; did you mean 'NAME'?", or "... 'NAME' or 'NAME'?", with the prefix before each name; "" if no name is near.  Returns text. */
const char *nearest_text(char text[NEAREST_TEXT], const struct nearest *n, const char *prefix);

/* The same, and the command that lists all names: "; did you mean 'NAME'? ('layrub list TABLE' shows all)". */
const char *nearest_in_table(char text[NEAREST_TEXT], const struct nearest *n, const char *table);
#endif
