/* SPDX-License-Identifier: Apache-2.0 */
/* gnuplot.c - starts gnuplot, tests its picture, and passes it on as a file or as a part of a page */
#include <config.h>
#include "sim/report/gnuplot.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/file.h"

extern char **environ;

const struct gnuplot_format gnuplot_svg = { ".svg", "svg", 1, "</svg>", 6 };
const struct gnuplot_format gnuplot_png = { ".png", "pngcairo fontscale 0.76 dashlength 1.4", 1, "IEND\xae\x42\x60\x82", 8 };
/* With 90 pixels an inch a whole picture fits on a sheet. */
const struct gnuplot_format gnuplot_pdf = { ".pdf", "pdfcairo fontscale 0.85 dashlength 1.4", 90, "%%EOF", 5 };
const struct gnuplot_format gnuplot_dumb = { "term", "dumb noenhanced", 1, "", 0 };

int
gnuplot_is_there(struct err *e)
{
	return GNUPLOT[0] != '\0' ? 0 : err_set(e, ERR_SYSTEM, "cannot draw: this program was built without gnuplot");
}

void
gnuplot_terminal(FILE *out, const struct drawing *d)
{
	const struct gnuplot_format *f = d->format;

	fprintf(out, "set terminal %s size %.6g,%.6g", f->terminal, d->width / f->unit, d->height / f->unit);
	if (f != &gnuplot_dumb)
		fprintf(out, " font 'sans-serif,%d' background rgb '#FFFFFF'", d->font);
	fputs("\nset encoding utf8\n", out);
}

/* Starts gnuplot with three files as its standard streams.  With files instead of pipes neither side can block the
 * other, and the death of one raises no signal in the other. */
static int
start(pid_t *pid, FILE *in, FILE *out, FILE *errors, struct err *e)
{
	static char name[] = GNUPLOT, no_init_file[] = "-d";
	char *const argv[] = { name, no_init_file, NULL };
	posix_spawn_file_actions_t actions;
	int rc;

	rc = posix_spawn_file_actions_init(&actions);
	if (rc != 0)
		return err_set(e, ERR_SYSTEM, "cannot start %s: %s", GNUPLOT, strerror(rc));
	rc = posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, fileno(errors), STDERR_FILENO);
	if (rc == 0)
		rc = posix_spawnp(pid, GNUPLOT, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc == ENOENT)
		return err_set(e, ERR_SYSTEM, "cannot draw: '%s' is not installed (Debian: gnuplot-nox); .json needs none", GNUPLOT);
	return rc == 0 ? 0 : err_set(e, ERR_SYSTEM, "cannot start %s: %s", GNUPLOT, strerror(rc));
}

/* Reports the first line of gnuplot's messages that is more than its prompt. */
static int
say_why(FILE *errors, int status, struct err *e)
{
	char line[256];

	rewind(errors);
	while (fgets(line, sizeof(line), errors) != NULL) {
		const char *text = line + strspn(line, " \t^");

		line[strcspn(line, "\r\n")] = '\0';
		if (*text != '\0' && strncmp(text, "gnuplot>", 8) != 0)
			return err_set(e, ERR_SYSTEM, "%s failed: %s", GNUPLOT, text);
	}
	if (WIFSIGNALED(status))
		return err_set(e, ERR_SYSTEM, "%s was ended by signal %d", GNUPLOT, WTERMSIG(status));
	return err_set(e, ERR_SYSTEM, "%s failed with status %d", GNUPLOT, WEXITSTATUS(status));
}

static bool
is_complete(FILE *picture, const struct gnuplot_format *f)
{
	char tail[16] = "";
	size_t n;

	if (fseek(picture, -(long)(f->end_bytes + 4), SEEK_END) != 0)
		return false;
	n = fread(tail, 1, sizeof(tail), picture);
	for (size_t i = 0; i + f->end_bytes <= n; i++)
		if (memcmp(tail + i, f->end, f->end_bytes) == 0)
			return true;
	return false;
}

/* Draws into picture.  All three files are temporary and have no name. */
static int
draw(const struct drawing *d, FILE *script, FILE *picture, FILE *errors, struct err *e)
{
	int status;
	pid_t pid;

	d->script(script, d);
	if (fflush(script) != 0 || ferror(script))
		return err_set(e, ERR_SYSTEM, "cannot write gnuplot's script: %s", strerror(errno));
	rewind(script);
	if (start(&pid, script, picture, errors, e) < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, ERR_SYSTEM, "cannot wait for %s: %s", GNUPLOT, strerror(errno));
	if (status != 0)
		return say_why(errors, status, e);
	if (!is_complete(picture, d->format))
		return err_set(e, ERR_SYSTEM, "%s left an incomplete picture", GNUPLOT);
	rewind(picture);
	return 0;
}

/* Passes a complete picture on. */
typedef int pass_fn(FILE *to, FILE *picture, const struct drawing *d, const char *class, struct err *e);

static int
draw_and_pass(FILE *out, const struct drawing *d, pass_fn *pass, const char *class, struct err *e)
{
	FILE *files[3];
	int rc;

	if (gnuplot_is_there(e) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		files[i] = tmpfile();
	if (files[0] == NULL || files[1] == NULL || files[2] == NULL)
		rc = err_set(e, ERR_SYSTEM, "cannot create a temporary file: %s", strerror(errno));
	else
		rc = draw(d, files[0], files[1], files[2], e);
	if (rc == 0)
		rc = pass(out, files[1], d, class, e);
	if (rc == 0 && ferror(files[1]))
		rc = err_set(e, ERR_SYSTEM, "cannot read the picture back: %s", strerror(errno));
	for (int i = 0; i < 3; i++)
		if (files[i] != NULL)
			fclose(files[i]);
	return rc;
}

static int
pass_copy(FILE *to, FILE *picture, const struct drawing *d, const char *class, struct err *e)
{
	char buf[16384];
	size_t n;

	(void)d;
	(void)class;
	while ((n = fread(buf, 1, sizeof(buf), picture)) > 0)
		if (fwrite(buf, 1, n, to) != n)
			return err_set(e, ERR_SYSTEM, "cannot write: %s", strerror(errno));
	return 0;
}

/* ---- pictures within a page ---- */

/* Writes a line of an svg for a page: colours become the page's, ids that gnuplot repeats in every picture become
 * unique, and coordinates lose empty decimals. */
static void
put_line(FILE *to, const char *s, const char *id)
{
	static const struct { const char *from, *to; } table[] = {
		{ "\"black\"", "\"currentColor\"" }, { "'black'", "'currentColor'" },
		{ "rgb(  0,   0,   0)", "currentColor" }, { "rgb( 64,  64,  64)", "currentColor" },
		{ "rgb(32,32,32)", "currentColor" }, { "rgb(64,64,64)", "currentColor" },
		{ ".00,", "," }, { ".00 ", " " }
	};
	enum { ROWS = sizeof(table) / sizeof(table[0]) };

	while (*s != '\0') {
		size_t plain = strcspn(s, "\"'rg.");
		int k = 0;

		fwrite(s, 1, plain, to);
		s += plain;
		if (strncmp(s, "gpPt", 4) == 0 || strncmp(s, "gpDot", 5) == 0)
			fprintf(to, "%s-", id);
		while (k < ROWS && strncmp(s, table[k].from, strlen(table[k].from)) != 0)
			k++;
		if (k < ROWS) {
			fputs(table[k].to, to);
			s += strlen(table[k].from);
		} else if (*s != '\0')
			fputc(*s++, to);
	}
}

static int
pass_embed(FILE *to, FILE *picture, const struct drawing *d, const char *class, struct err *e)
{
	char *line = NULL;
	size_t room = 0;
	bool begun = false, filter = false;

	fprintf(to, "<svg class=\"%s\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", class, d->width, d->height, d->label);
	while (getline(&line, &room, picture) > 0) {
		const char *s = line + strspn(line, " \t"), *title;

		begun = begun || strncmp(s, "<g id=\"gnuplot_canvas\"", 22) == 0;
		filter = filter || strncmp(s, "<filter", 7) == 0;
		if (!begun || filter || *s == '\n' || strncmp(s, "<rect x=\"0\" y=\"0\"", 17) == 0) {
			filter = filter && strncmp(s, "</filter", 8) != 0;
			continue;
		}
		if (strncmp(s, "<g id=\"gnuplot_", 15) == 0) {
			fputs("<g>", to);
			title = strstr(s, "</title>");
			s = title != NULL ? title + 8 : "\n";
		}
		put_line(to, s, d->id);
	}
	free(line);
	return ferror(to) ? err_set(e, ERR_SYSTEM, "cannot write: %s", strerror(errno)) : 0;
}

int
gnuplot_draw(FILE *out, const struct drawing *d, struct err *e)
{
	return draw_and_pass(out, d, pass_copy, NULL, e);
}

int
gnuplot_embed(FILE *out, const struct drawing *d, const char *class, struct err *e)
{
	return draw_and_pass(out, d, pass_embed, class, e);
}

/* ---- scripts beside a picture ---- */

static int
write_script(FILE *out, void *arg, struct err *e)
{
	const struct drawing *d = arg;

	(void)e;
	fprintf(out, "# Change it and draw again: gnuplot THIS-FILE >PICTURE%s\n", d->format->suffix);
	d->script(out, d);
	return 0;
}

int
gnuplot_keep(const char *path, const struct drawing *d, struct err *e)
{
	struct drawing copy = *d;

	return file_write(path, write_script, &copy, e);
}
