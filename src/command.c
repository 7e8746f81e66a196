/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "src/process.h"

enum { OPTION_MAX = 32, HELP_COLUMN = 28, LABEL_WIDTH = 20 };

static bool want_help, want_json;

static const struct option_row common_options[] = {
	{ "json", 0, OPTION_FLAG, NULL, &want_json, "print the result as one JSON document", NULL },
	{ "max-input", 0, OPTION_SIZE, "SIZE", &json_max_input, "refuse larger input files (default: 256MiB)", NULL },
	{ "help", 'h', OPTION_FLAG, NULL, &want_help, "print this help", NULL },
	OPTION_END
};

/* A message that repeats a stranger's text stays one line. */
static void
make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
}

int
usage_error(struct cli *c, struct err *e, const char *option, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->usage = true;
	err_set(e, ERR_INPUT, "%s", text);
	return option == NULL ? -1 : err_at(e, "%s", option);
}

void
warn(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_printable(text);
	fprintf(stderr, "layrub: warning: %s\n", text);
}

void
text_row(FILE *out, const char *label, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_printable(text);
	fprintf(out, "%-*s %s\n", LABEL_WIDTH, label, text);
}

int
option_seconds(double *seconds, const char *option, const char *text, struct cli *c, struct err *e)
{
	double us;
	char *end;

	*seconds = 0;
	if (text == NULL)
		return 0;
	*seconds = strtod(text, &end);
	if (end != text && *end == '\0' && *seconds > 0 && *seconds <= 1e9)
		return 0;
	if (units_parse_time(text, &us, e) == 0 && us > 0) {
		*seconds = us / 1e6;
		return 0;
	}
	*e = (struct err) ERR_INIT;
	return usage_error(c, e, option, "expected a time such as 10 (seconds) or 500ms, got '%s'", text);
}

/* ---- help ---- */

static void
help_option(const struct option_row *o)
{
	const char *help, *line_end;
	char left[80], letter[8] = "    ";
	unsigned i = 0;

	if (o->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name, o->value == NULL ? "" : " ", o->value == NULL ? "" : o->value);
	printf("%-*s ", HELP_COLUMN, left);
	for (help = o->help; (line_end = strchr(help, '\n')) != NULL; help = line_end + 1)
		printf("%.*s\n%*s ", (int)(line_end - help), help, HELP_COLUMN, "");
	printf("%s\n", help);
	if (o->choices == NULL)
		return;
	printf("%*s ", HELP_COLUMN, "");
	for (const char *name; (name = o->choices(i, NULL)) != NULL; i++)
		printf("%s%s", i == 0 ? "one of: " : ", ", name);
	putchar('\n');
}

static void
print_help(const struct command *c)
{
	printf("Usage: layrub %s %s [OPTION]...\n%s.\n\n", c->name, c->operands, c->summary);
	for (const struct option_row *o = c->options; o->name != NULL; o++)
		help_option(o);
	for (const struct option_row *o = common_options; o->name != NULL; o++)
		help_option(o);
	fputs("\nSizes are written 12GiB, 12GB or in bytes, rates 16GB/s, times 20us or 1.5ms; '-' is\n"
	    "standard input or output.  Exit status: 0 done or yes, 1 the answer is no, 2 bad usage\n"
	    "or input, 3 the system failed.\n", stdout);
}

/* ---- options ---- */

static int
read_choice(const struct option_row *o, const char *value, struct err *e)
{
	char all[256] = "", q[48];
	const char *name;
	size_t n = 0;

	for (unsigned i = 0; (name = o->choices(i, NULL)) != NULL; i++) {
		if (strcmp(name, value) == 0) {
			*(const char **)o->to = name;
			return 0;
		}
		if (n < sizeof(all))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s'%s'", i == 0 ? "" : ", ", name);
	}
	return err_set(e, ERR_INPUT, "expected one of %s, got '%s'", all, err_quote(q, value));
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
read_option(const struct option_row *o, const char *value, struct err *e)
{
	uint64_t n;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)o->to = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)o->to = value;
		return 0;
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

/* getopt's forms of the command's own rows and the common ones. */
struct option_set {
	const struct option_row *rows[OPTION_MAX];
	struct option longs[OPTION_MAX + 1];
	char shorts[2 * OPTION_MAX + 2];
	int count;
};

static void
add_options(struct option_set *s, const struct option_row *o)
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

static int
parse_options(struct cli *c, int argc, char **argv, struct err *e)
{
	struct option_set s = { .shorts = ":" };
	int got, at, k;
	char q[48];

	add_options(&s, c->command->options);
	add_options(&s, common_options);
	opterr = 0;
	for (;;) {
		at = optind;
		got = getopt_long(argc, argv, s.shorts, s.longs, &k);
		if (got == -1)
			return 0;
		if (got == ':')
			return usage_error(c, e, NULL, "expected a value after '%s', got none", err_quote(q, argv[optind - 1]));
		if (got == '?')
			/* A bad letter may stand inside an argument that getopt has not left yet. */
			return usage_error(c, e, NULL, "unknown option '%s'", err_quote(q, argv[optind > at ? optind - 1 : at]));
		for (int i = 0; got != 0 && i < s.count; i++)
			if (s.rows[i]->letter == got)
				k = i;
		if (read_option(s.rows[k], optarg, e) < 0) {
			c->usage = true;
			return err_at(e, "--%s", s.rows[k]->name);
		}
	}
}

static int
parse(struct cli *c, int argc, char **argv, struct err *e)
{
	char q[48];

	if (parse_options(c, argc, argv, e) < 0)
		return -1;
	c->operands = (const char *const *)argv + optind;
	c->json = want_json;
	if (want_help)
		return 0;
	if (argc - optind < c->command->operand_min)
		return usage_error(c, e, NULL, "expected %s, got nothing", c->command->operands);
	if (argc - optind > c->command->operand_max)
		return usage_error(c, e, NULL, "unexpected argument '%s'", err_quote(q, argv[optind + c->command->operand_max]));
	return 0;
}

/* ---- running ---- */

struct run { struct cli *cli; struct err *err; };

static int
run_in_arena(void *arg)
{
	struct run *r = arg;

	return r->cli->command->run(r->cli, r->err);
}

/* The one place that turns an error into an exit status. */
static int
exit_status(enum err_code code)
{
	switch (code) {
	case ERR_NONE:	return EXIT_YES;
	case ERR_INPUT:	return EXIT_BAD;
	case ERR_NO:	return EXIT_NO;
	default:	return EXIT_SYSTEM;
	}
}

int
command_finish(int status)
{
	return process_flush("layrub", status);
}

int
command_run(const struct command *command, int argc, char **argv)
{
	struct cli c = { .command = command, .arena = ARENA_INIT };
	struct run r = { &c, NULL };
	struct err e = ERR_INIT;
	int rc;

	r.err = &e;
	rc = parse(&c, argc, argv, &e);
	if (rc == 0 && want_help)
		print_help(command);
	else if (rc == 0)
		rc = arena_run(&c.arena, run_in_arena, &r, &e);
	json_decref(c.document);
	arena_free(&c.arena);
	if (rc == 0)
		return command_finish(EXIT_YES);
	if (e.code == ERR_NONE)
		err_set(&e, ERR_SYSTEM, "failed without a reason");
	fflush(stdout);
	err_print(&e, "layrub", stderr);
	if (c.usage)
		fprintf(stderr, "Try 'layrub %s --help'.\n", command->name);
	return command_finish(exit_status(e.code));
}
