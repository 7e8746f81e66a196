/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - one run of a subcommand: options, help, errors, and the exit status */
#include <config.h>
#include "src/command/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/process.h"
#include "src/command/math_warning.h"
#include "src/documents/lookup.h"

enum { LABEL_WIDTH = 20 };

static bool want_help, want_json;

static const struct option_row common_options[] = {
	{ "json", 0, OPTION_FLAG, NULL, &want_json, "print the result as one JSON document", NULL },
	{ "max-input", 0, OPTION_SIZE, "SIZE", &json_max_input, "refuse larger input files (default: 256MiB)", NULL },
	{ "help", 'h', OPTION_FLAG, NULL, &want_help, "print this help", NULL },
	OPTION_END
};

/* Keeps a message that repeats a document's text on one line. */
static void
make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
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
need_device(const char *device, struct err *e)
{
	return device != NULL ? 0 : usage_error(e, "--device", "expected a device ('layrub list devices' shows them), got none");
}

int
begin_plan(struct plan *p, struct cli *c, struct err *e)
{
	const char *name = c->operands[0], *path;
	struct err none = ERR_INIT;
	char q[48];

	if (plan_read(p, name, &c->arena, e) == 0)
		return 0;
	path = access(name, F_OK) == 0 ? NULL : lookup(name, LOOKUP_NETWORK, &c->arena, &none);
	if (path == NULL || path == name)
		return -1;
	*e = (struct err) ERR_INIT;
	return usage_error(e, NULL, "expected the file of a plan, got the name of a network, '%s'; 'layrub plan %s --device DEVICE -o FILE' makes a plan",
	    err_quote(q, name), q);
}

int
begin_planning(struct planning *n, struct task *t, struct cli *c, struct err *e)
{
	char q[48], r[48];

	if (need_device(plan_given.task.device, e) < 0 || plan_request_check(&plan_given, e) < 0 ||
	    (plan_given.write_lp != NULL && file_check_output(plan_given.write_lp, e) < 0) ||
	    plan_request_task(t, c->operands[0], NULL, &plan_given, &c->arena, e) < 0 || planning_begin(n, &plan_given, t, &c->arena, e) < 0)
		return -1;
	if (task_has_foreign_times(t))
		warn("op times were measured on '%s', not on '%s'; --times scaled would scale them",
		    err_quote(q, t->graph.measured.device), err_quote(r, t->device.name));
	warn_of_math(t, &c->arena);
	return 0;
}

bool
interrupted(void *user)
{
	(void)user;
	return interrupt_came();
}

progress_fn *
watch_begin(void)
{
	interrupt_watch();
	return progress_begin();
}

void
watch_end(bool answered)
{
	progress_end();
	interrupt_end(answered);
}

static void
print_help(const struct command *c)
{
	struct option_row planning[PLAN_OPTIONS_MAX + 1];

	plan_options(planning, c->plans);
	printf("Usage: layrub %s %s [OPTION]...\n%s.\n\n", c->name, c->operands, c->summary);
	options_print(planning);
	options_print(c->options);
	options_print(common_options);
	fputs("\nSizes are 12GiB, 12GB or bytes, rates 16GB/s, times 20us, 1.5ms or 2s, PCT 25%.\n"
	    "As a file, '-' is standard input or output.  Exit status: 0 done or yes, 1 the\n"
	    "answer is no, 2 bad usage or input, 3 the system failed.\n", stdout);
}

/* True: the arguments ask for JSON, wherever a mistake among them is. */
static bool
asks_for_json(char *const *argv)
{
	for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "--json") == 0)
			return true;
	return false;
}

static bool
has_option(const struct command *c, const char *name)
{
	const struct option_row *o = c->options;
	struct option_row planning[PLAN_OPTIONS_MAX + 1];

	while (o->name != NULL && strcmp(o->name, name) != 0)
		o++;
	if (o->name != NULL)
		return o->help != NULL;
	plan_options(planning, c->plans);
	for (o = planning; o->name != NULL && strcmp(o->name, name) != 0;)
		o++;
	return o->name != NULL;
}

/* An option_refusal_fn: why the command of this run does not take an option that other commands take. */
static const char *
refusal(const char *name, const void *user)
{
	static char text[512];
	const struct command *own = user;
	const char *reason = plan_option_refusal(name, own->plans);
	size_t n = (size_t)snprintf(text, sizeof(text), "'%s' does not take --%s", own->name, name), start = n;

	if (reason != NULL) {
		snprintf(text + n, sizeof(text) - n, ": %s", reason);
		return text;
	}
	for (const struct command *const *other = commands; *other != NULL; other++)
		if (has_option(*other, name) && n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n == start ? ", an option of " : ", ", (*other)->name);
	return n == start ? NULL : text;
}

static int
parse(struct cli *c, int argc, char **argv, struct err *e)
{
	struct option_row planning[PLAN_OPTIONS_MAX + 1];
	const struct option_row *const tables[] = { planning, c->command->options, common_options, NULL };
	char q[48];

	plan_options(planning, c->command->plans);
	if (options_parse(tables, argc, argv, refusal, c->command, e) < 0)
		return usage_at(e, NULL);
	if (plan_options_parsed(e) < 0)
		return -1;
	c->operands = (const char *const *)argv + optind;
	c->argc = argc;
	c->argv = argv;
	c->json = want_json;
	if (want_help)
		return 0;
	if (argc - optind < c->command->operand_min)
		return usage_error(e, NULL, "expected %s, got nothing", c->command->operands);
	if (argc - optind > c->command->operand_max)
		return usage_error(e, NULL, "unexpected argument '%s'", err_quote(q, argv[optind + c->command->operand_max]));
	return 0;
}

/* ---- running ---- */

struct command_run { struct cli *cli; struct err *err; };

static int
run_in_arena(void *arg)
{
	struct command_run *r = arg;

	return r->cli->command->run(r->cli, r->err);
}

int
command_finish(int status)
{
	return process_flush("layrub", status);
}

/* malloc(), or the end of the program.  Jansson 2.14 does not survive an allocation that fails while it scans: a byte is lost, so that a
 * number changes, or a write goes outside its buffer.  No file is being written while one is read. */
static void *
allocate_or_leave(size_t n)
{
	void *p = malloc(n);

	if (p != NULL)
		return p;
	fputs("layrub: out of memory while reading a document\n", stderr);
	exit(EXIT_SYSTEM);
}

/* Prints an error as one line of JSON on stderr. */
static void
print_error(const struct err *e)
{
	static const char *const codes[] = { [ERR_NONE] = "system", [ERR_INPUT] = "input", [ERR_USAGE] = "usage", [ERR_NO] = "no",
		[ERR_UNSOUND] = "unsound", [ERR_SYSTEM] = "system" };
	const struct { const char *key, *text; } parts[] = {
		{ "source", e->source }, { "path", e->path }, { "subject", e->subject }, { "text", e->text }
	};
	char line[ERR_LINE];
	struct json_out o;

	json_out_init(&o, stderr);
	json_out_object(&o, NULL, false);
	json_out_string(&o, "format", "layrub-error");
	json_out_uint(&o, "version", 1);
	json_out_string(&o, "code", codes[e->code]);
	json_out_string(&o, "error", err_line(line, e));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].text[0] != '\0')
			json_out_string(&o, parts[i].key, parts[i].text);
	json_out_end(&o);
}

int
command_run(const struct command *command, int argc, char **argv)
{
	struct cli c = { .command = command, .arena = ARENA_INIT };
	struct command_run r = { &c, NULL };
	struct err e = ERR_INIT;
	int rc;

	r.err = &e;
	json_set_alloc_funcs(allocate_or_leave, free);
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
	want_json = want_json || asks_for_json(argv);
	if (want_json)
		print_error(&e);
	else
		err_print(&e, "layrub", stderr);
	if (e.code == ERR_USAGE && !want_json)
		fprintf(stderr, "Try 'layrub %s --help'.\n", command->name);
	return command_finish(exit_status_of(e.code));
}
