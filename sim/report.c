/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "sim/report.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/report_private.h"
#include "src/file.h"

extern char **environ;

/* A complete picture ends with `end`: gnuplot does not say when its output did not fit on the disk. */
struct format { const char *suffix, *terminal, *end; size_t end_bytes; };

static const struct format formats[] = {
	{ ".svg", "svg", "</svg>", 6 },
	{ ".png", "pngcairo fontscale 0.76 dashlength 1.4", "IEND\xae\x42\x60\x82", 8 },
	{ NULL, NULL, NULL, 0 }
};

struct drawing {
	const struct format *format;
	const struct picture *picture;
};

static const struct format *
format_of(const char *path)
{
	size_t n = strlen(path);

	for (const struct format *f = formats; f->suffix != NULL; f++)
		if (n > strlen(f->suffix) && strcmp(path + n - strlen(f->suffix), f->suffix) == 0)
			return f;
	return NULL;
}

/* Start gnuplot with these three files as its standard streams.  Files rather than pipes: neither side can
 * block the other, and no signal comes of one that dies. */
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
		return err_set(e, ERR_SYSTEM, "cannot draw: '%s' is not installed (Debian: gnuplot-nox)", GNUPLOT);
	return rc == 0 ? 0 : err_set(e, ERR_SYSTEM, "cannot start %s: %s", GNUPLOT, strerror(rc));
}

/* The first line of gnuplot's complaint that says something. */
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
is_complete(FILE *picture, const struct format *f)
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

static int
copy(FILE *to, FILE *from, struct err *e)
{
	char buf[16384];
	size_t n;

	rewind(from);
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
		if (fwrite(buf, 1, n, to) != n)
			return err_set(e, ERR_SYSTEM, "cannot write: %s", strerror(errno));
	return ferror(from) ? err_set(e, ERR_SYSTEM, "cannot read the picture back: %s", strerror(errno)) : 0;
}

/* script, picture and errors are temporary files without a name. */
static int
draw(FILE *out, const struct drawing *d, FILE *script, FILE *picture, FILE *errors, struct err *e)
{
	int status;
	pid_t pid;

	picture_script(script, d->picture, d->format->terminal);
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
	return copy(out, picture, e);
}

static int
write_picture(FILE *out, void *arg, struct err *e)
{
	FILE *files[3] = { tmpfile(), tmpfile(), tmpfile() };
	int rc;

	if (files[0] != NULL && files[1] != NULL && files[2] != NULL)
		rc = draw(out, arg, files[0], files[1], files[2], e);
	else
		rc = err_set(e, ERR_SYSTEM, "cannot create a temporary file: %s", strerror(errno));
	for (int i = 0; i < 3; i++)
		if (files[i] != NULL)
			fclose(files[i]);
	return rc;
}

int
report_plan(const char *path, const struct plan *p, const struct sim_result *r, struct arena *a, struct err *e)
{
	struct picture picture;
	struct drawing d = { .format = format_of(path), .picture = &picture };

	if (d.format == NULL) {
		err_set(e, ERR_INPUT, "expected a file name that ends in .svg or .png");
		return err_in_file(e, path);
	}
	if (GNUPLOT[0] == '\0')
		return err_set(e, ERR_SYSTEM, "cannot draw: this program was built without gnuplot");
	picture_init(&picture, p, r, a);
	picture_titles(&picture, a);
	return file_write(path, write_picture, &d, e);
}
