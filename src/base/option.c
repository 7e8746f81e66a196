/* SPDX-License-Identifier: Apache-2.0 */
/* option.c - the table of options: its help text and its parser */
#include <config.h>
#include "src/base/option.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/nearest.h"
#include "src/base/units.h"

enum { OPTION_MAX = 64, HELP_COLUMN = 28, HELP_WIDTH = 80 };

/* ---- help ---- */

/* Prints "one of: a, b, c", wrapped at HELP_WIDTH. */
static void
print_choices(const struct option_row *o)
{
	const char *name;
	int column = printf("%*s %s", HELP_COLUMN, "", o->type == OPTION_LIST ? "any of:" : "one of:");

	for (unsigned i = 0; (name = o->choices(i, NULL)) != NULL; i++) {
		bool last = o->choices(i + 1, NULL) == NULL;
		int length = (int)strlen(name) + (last ? 1 : 2);

		if (column + length > HELP_WIDTH)
			column = printf("\n%*s", HELP_COLUMN, "") - 1;
		column += length;
		printf(" %s%s", name, last ? "" : ",");
	}
	putchar('\n');
}

static void
print_row(const struct option_row *o)
{
	const char *help, *line_end;
	char left[80], letter[8] = "    ";

	if (o->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name, o->value == NULL ? "" : " ", o->value == NULL ? "" : o->value);
	if (strlen(left) >= HELP_COLUMN) {
		puts(left);
		left[0] = '\0';
	}
	printf("%-*s ", HELP_COLUMN, left);
	for (help = o->help; (line_end = strchr(help, '\n')) != NULL; help = line_end + 1)
		printf("%.*s\n%*s ", (int)(line_end - help), help, HELP_COLUMN, "");
	printf("%s\n", help);
	if (o->choices != NULL)
		print_choices(o);
}

void
options_print(const struct option_row *rows)
{
	for (const struct option_row *o = rows; o->name != NULL; o++)
		if (o->help != NULL)
			print_row(o);
}

/* ---- values ---- */

static int
read_choice(const struct option_row *o, const char *value, struct err *e)
{
	char all[256] = "", q[48], near[NEAREST_TEXT];
	struct nearest typed;
	const char *name;
	size_t n = 0;

	nearest_init(&typed, value);
	for (unsigned i = 0; (name = o->choices(i, NULL)) != NULL; i++) {
		if (strcmp(name, value) == 0) {
			*(const char **)o->to = name;
			return 0;
		}
		nearest_add(&typed, name);
		if (n < sizeof(all))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s'%s'", i == 0 ? "" : ", ", name);
	}
	return err_set(e, ERR_INPUT, "expected one of %s, got '%s'%s", all, err_quote(q, value), nearest_text(near, &typed, ""));
}

static int
read_factor(const char *value, double *to, struct err *e)
{
	char *end, q[48];
	double x = strtod(value, &end);

	if (end == value || *end != '\0' || !(x >= 1e-9 && x <= 1e9))
		return err_set(e, ERR_INPUT, "expected a factor such as 1.5, got '%s'", err_quote(q, value));
	*to = x;
	return 0;
}

static int
add_text(struct option_texts *to, const char *value, struct err *e)
{
	if (to->count == OPTION_TEXTS_MAX)
		return err_set(e, ERR_INPUT, "expected the option at most %d times, got more", OPTION_TEXTS_MAX);
	to->texts[to->count++] = value;
	return 0;
}

static int
read_value(const struct option_row *o, const char *value, struct err *e)
{
	uint64_t n;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)o->to = true;
		return 0;
	case OPTION_TEXT:
	case OPTION_LIST:
		*(const char **)o->to = value;
		return 0;
	case OPTION_TEXTS:
		return add_text(o->to, value, e);
	case OPTION_COUNT:
		if (units_parse_count(value, 1, INT32_MAX, &n, e) < 0)
			return -1;
		*(uint32_t *)o->to = (uint32_t)n;
		return 0;
	case OPTION_SIZE:
		return units_parse_size(value, o->to, e);
	case OPTION_RATE:
		return units_parse_rate(value, o->to, e);
	case OPTION_TIME:
		return units_parse_time(value, o->to, e);
	case OPTION_FACTOR:
		return read_factor(value, o->to, e);
	case OPTION_CHOICE:
		return read_choice(o, value, e);
	}
	return -1;
}

/* ---- parsing ---- */

/* All rows in the form that getopt_long() takes. */
struct option_set {
	const struct option_row *rows[OPTION_MAX];
	struct option longs[OPTION_MAX + 1];
	char shorts[2 * OPTION_MAX + 2];
	int count;
};

static void
add_rows(struct option_set *s, const struct option_row *o)
{
	size_t n = strlen(s->shorts);

	for (; o->name != NULL && s->count < OPTION_MAX; o++) {
		s->longs[s->count] = (struct option) { .name = o->name,
			.has_arg = o->type == OPTION_FLAG ? no_argument : required_argument };
		s->rows[s->count++] = o;
		if (o->letter == 0)
			continue;
		s->shorts[n++] = o->letter;
		if (o->type != OPTION_FLAG)
			s->shorts[n++] = ':';
	}
}

/* The error of an argument that is no option of the tables. */
static int
unknown(const struct option_set *s, const char *argument, option_refusal_fn *refusal, const void *user, struct err *e)
{
	char name[64], q[48], near[NEAREST_TEXT];
	const char *reason;
	struct nearest typed;

	if (strncmp(argument, "--", 2) != 0)
		return err_set(e, ERR_INPUT, "unknown option '%s'", err_quote(q, argument));
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
	reason = refusal == NULL ? NULL : refusal(name, user);
	if (reason != NULL)
		return err_set(e, ERR_INPUT, "%s", reason);
	nearest_init(&typed, name);
	for (int i = 0; i < s->count; i++)
		if (s->rows[i]->help != NULL)
			nearest_add(&typed, s->rows[i]->name);
	return err_set(e, ERR_INPUT, "unknown option '%s'%s", err_quote(q, argument), nearest_text(near, &typed, "--"));
}

int
options_parse(const struct option_row *const *tables, int argc, char **argv, option_refusal_fn *refusal, const void *user, struct err *e)
{
	struct option_set s = { .shorts = ":" };
	int got, at, k;
	char q[48];

	for (; *tables != NULL; tables++)
		add_rows(&s, *tables);
	opterr = 0;
	for (;;) {
		at = optind;
		got = getopt_long(argc, argv, s.shorts, s.longs, &k);
		if (got == -1)
			return 0;
		if (got == ':')
			return err_set(e, ERR_INPUT, "expected a value after '%s', got none", err_quote(q, argv[optind - 1]));
		if (got == '?')
			/* optind is still at the argument if a bad letter is in its middle. */
			return unknown(&s, argv[optind > at ? optind - 1 : at], refusal, user, e);
		for (int i = 0; got != 0 && i < s.count; i++)
			if (s.rows[i]->letter == got)
				k = i;
		if (read_value(s.rows[k], optarg, e) < 0)
			return err_at(e, "--%s", s.rows[k]->name);
	}
}
