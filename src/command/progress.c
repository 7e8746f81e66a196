/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - the last line of a terminal, which says what runs now */
#include <config.h>
#include "src/command/progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/base/clock.h"

static const double between_s = 0.1;	/* two lines of a search: faster ones cannot be read */

static struct {
	bool shown;
	double told_s;
	char stage[80];
} progress;

/* A line that is wider than the terminal would be wrapped and could not be overwritten. */
static void
show(const char *stage, const char *line)
{
	struct winsize w;
	int width = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col - 1 : 79;
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s", stage, *stage != '\0' && *line != '\0' ? ": " : "", line);
	fprintf(stderr, "\r\033[K%.*s", width, text);
	fflush(stderr);
}

static void
show_search(void *user, const char *line)
{
	double now = clock_seconds();

	(void)user;
	if (now - progress.told_s < between_s)
		return;
	progress.told_s = now;
	show(progress.stage, line);
}

progress_fn *
progress_begin(void)
{
	progress.shown = isatty(STDERR_FILENO);
	progress.told_s = clock_seconds();
	progress.stage[0] = '\0';
	return progress.shown ? show_search : NULL;
}

void
progress_stage(const char *fmt, ...)
{
	va_list ap;

	if (!progress.shown)
		return;
	va_start(ap, fmt);
	vsnprintf(progress.stage, sizeof(progress.stage), fmt, ap);
	va_end(ap);
	show(progress.stage, "");
}

void
progress_end(void)
{
	if (progress.shown)
		fputs("\r\033[K", stderr);
	progress.shown = false;
}
