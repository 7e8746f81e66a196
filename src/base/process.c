/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - standard streams, exit status and interrupts of a program */
#include <config.h>
#include "src/base/process.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- streams ---- */

/* Opens /dev/null in the wrong direction for each standard stream that the parent closed.  Otherwise the next file opened would get the
 * descriptor, and printed text would land in a document. */
static void
open_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

int
exit_status_of(enum err_code code)
{
	switch (code) {
	case ERR_NONE:	return EXIT_YES;
	case ERR_INPUT:
	case ERR_USAGE:	return EXIT_BAD;
	case ERR_NO:
	case ERR_UNSOUND:
		return EXIT_NO;
	default:	return EXIT_SYSTEM;
	}
}

static bool ended;	/* by the program itself */

/* libgomp ends the program with status 1, which would say no, when it cannot make a thread. */
static void
check_end(void)
{
	if (!ended)
		_exit(EXIT_SYSTEM);
}

void
process_begin(void)
{
	open_streams();
	atexit(check_end);
	/* A closed pipe ends the program quietly, also when the parent ignores SIGPIPE. */
	signal(SIGPIPE, SIG_DFL);
	/* A file over the size limit becomes an error of write, like a full disk. */
	signal(SIGXFSZ, SIG_IGN);
#ifdef __GLIBC__
	/* Memory that one evaluation of a search freed stays in the process: the next one needs no pages zeroed by the system. */
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

int
process_end(int status)
{
	ended = true;
	return status;
}

int
process_flush(const char *program, int status)
{
	process_end(status);
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (status != EXIT_SYSTEM)
		fprintf(stderr, "%s: (standard output): cannot write: %s\n", program, strerror(errno != 0 ? errno : EIO));
	return EXIT_SYSTEM;
}

/* ---- interrupts ---- */

static const int signals[] = { SIGINT, SIGTERM };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static atomic_int came;		/* the first signal, or 0 */
static atomic_long came_s;

/* Counts signals within one second as one interrupt: programs that pass a signal on (timeout, batch systems) may send it to the
 * process and to its group. */
static void
on_signal(int number)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (came == 0) {
		came_s = (long)now.tv_sec;
		came = number;
	} else if (now.tv_sec > came_s + 1) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

void
interrupt_watch(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, before;

	came = 0;
	sigemptyset(&action.sa_mask);
	for (int i = 0; i < SIGNALS; i++)
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

bool
interrupt_came(void)
{
	return came != 0;
}

void
interrupt_end(bool answered)
{
	struct sigaction now;

	for (int i = 0; i < SIGNALS; i++)
		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == on_signal)
			signal(signals[i], SIG_DFL);
	if (came != 0 && !answered) {
		fflush(NULL);
		raise(came);
	}
}
