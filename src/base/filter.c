/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - runs a shell command as a filter: one text to its standard input, one text from its standard output */
#include <config.h>
#include "src/base/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { IN, OUT, ERR, PIPES };	/* of the command */
enum { STEP = 1 << 16, SAID = 512, WAIT_MS = 100 };

struct running {
	const struct filter *f;
	pid_t pid;
	int ours[PIPES];	/* -1: closed */
	size_t sent;
	char *output;
	size_t size, room;
	char said[SAID + 1];	/* the end of standard error */
	size_t said_size;
	bool killed;
};

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- start ---- */

/* Makes a pipe whose ends no other program inherits. */
static int
make_pipe(int ends[2])
{
	if (pipe(ends) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) < 0)
			return -1;
	return 0;
}

/* The command begins with no signal blocked and SIGPIPE at its default, in a process group of its own. */
static int
spawn(struct running *r, int theirs[PIPES])
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)r->f->command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, standard;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return rc;
	}
	sigemptyset(&none);
	sigemptyset(&standard);
	sigaddset(&standard, SIGPIPE);
	for (int i = 0; i < PIPES && rc == 0; i++)
		rc = posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(&attr, &none);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(&attr, &standard);
	if (rc == 0)
		rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	if (rc == 0)
		rc = posix_spawn(&r->pid, "/bin/sh", &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static int
start(struct running *r, struct err *e)
{
	int ends[PIPES][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } }, theirs[PIPES], rc = 0;

	for (int i = 0; i < PIPES && rc == 0; i++)
		rc = make_pipe(ends[i]) < 0 ? errno : 0;
	for (int i = 0; i < PIPES; i++) {
		r->ours[i] = ends[i][i == IN];
		theirs[i] = ends[i][i != IN];
		if (rc == 0 && fcntl(r->ours[i], F_SETFL, O_NONBLOCK) < 0)
			rc = errno;
	}
	if (rc == 0)
		rc = spawn(r, theirs);
	for (int i = 0; i < PIPES; i++)
		shut(&theirs[i]);
	if (rc == 0)
		return 0;
	for (int i = 0; i < PIPES; i++)
		shut(&r->ours[i]);
	return err_set(e, ERR_SYSTEM, "cannot start: %s", strerror(rc));
}

/* ---- both directions ---- */

static void
send_some(struct running *r)
{
	ssize_t n = write(r->ours[IN], r->f->input + r->sent, r->f->input_size - r->sent);

	if (n > 0)
		r->sent += (size_t)n;
	/* A command may close its input early. */
	if (r->sent == r->f->input_size || (n < 0 && errno != EAGAIN && errno != EINTR))
		shut(&r->ours[IN]);
}

static int
keep_output(struct running *r, const char *text, size_t n, struct err *e)
{
	if (r->size + n > r->room) {
		size_t room = 2 * (r->size + n) + STEP;
		char *more = realloc(r->output, room);

		if (more == NULL)
			return err_set(e, ERR_SYSTEM, "out of memory");
		r->output = more;
		r->room = room;
	}
	memcpy(r->output + r->size, text, n);
	r->size += n;
	return r->size <= r->f->most ? 0 :
	    err_set(e, ERR_INPUT, "expected at most %" PRI_BYTES " bytes of output, got more", r->f->most);
}

/* Keeps the end of what the command says. */
static void
keep_said(struct running *r, const char *text, size_t n)
{
	size_t keep = n >= SAID ? 0 : r->said_size + n > SAID ? SAID - n : r->said_size;

	memmove(r->said, r->said + r->said_size - keep, keep);
	if (n > SAID) {
		text += n - SAID;
		n = SAID;
	}
	memcpy(r->said + keep, text, n);
	r->said_size = keep + n;
}

static int
receive_some(struct running *r, int from, struct err *e)
{
	char text[STEP];
	ssize_t n = read(r->ours[from], text, sizeof(text));

	if (n > 0 && from == OUT)
		return keep_output(r, text, (size_t)n, e);
	if (n > 0)
		keep_said(r, text, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		shut(&r->ours[from]);
	return 0;
}

static void
end(struct running *r)
{
	kill(-r->pid, SIGKILL);
	r->killed = true;
	for (int i = 0; i < PIPES; i++)
		shut(&r->ours[i]);
}

/* Copies until the command has closed its output, and what it says, or has to end. */
static int
converse(struct running *r, struct err *e)
{
	while (r->ours[OUT] >= 0 || r->ours[ERR] >= 0) {
		struct pollfd p[PIPES];

		for (int i = 0; i < PIPES; i++)
			p[i] = (struct pollfd) { .fd = r->ours[i], .events = i == IN ? POLLOUT : POLLIN };
		if (poll(p, PIPES, WAIT_MS) < 0 && errno != EINTR)
			return err_set(e, ERR_SYSTEM, "cannot wait for the command: %s", strerror(errno));
		if (r->f->stopped != NULL && r->f->stopped(r->f->arg))
			return err_set(e, ERR_NO, "the command was ended before it answered");
		if (r->ours[IN] >= 0 && p[IN].revents != 0)
			send_some(r);
		for (int i = OUT; i < PIPES; i++)
			if (r->ours[i] >= 0 && p[i].revents != 0 && receive_some(r, i, e) < 0)
				return -1;
	}
	return 0;
}

/* ---- end ---- */

/* Returns the last line of what the command said; "" if that is nothing. */
static const char *
last_line(struct running *r)
{
	char *line;

	while (r->said_size > 0 && (r->said[r->said_size - 1] == '\n' || r->said[r->said_size - 1] == '\r'))
		r->said_size--;
	r->said[r->said_size] = '\0';
	line = strrchr(r->said, '\n');
	return line == NULL ? r->said : line + 1;
}

static int
judge(struct running *r, int status, struct err *e)
{
	const char *said = last_line(r), *sep = said[0] == '\0' ? "" : ": ";

	if (WIFSIGNALED(status))
		return err_set(e, ERR_INPUT, "the command died by signal %d%s%s", WTERMSIG(status), sep, said);
	if (WEXITSTATUS(status) != 0)
		return err_set(e, ERR_INPUT, "the command ended with status %d%s%s", WEXITSTATUS(status), sep, said);
	return 0;
}

/* Waits for the command, which may go on for a while after it has closed its output. */
static int
wait_for(struct running *r)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int status = 0;
	pid_t got;

	for (;;) {
		got = waitpid(r->pid, &status, r->killed ? 0 : WNOHANG);
		if (got == r->pid || (got < 0 && errno != EINTR))
			return status;
		if (!r->killed && r->f->stopped != NULL && r->f->stopped(r->f->arg))
			end(r);
		nanosleep(&pause, NULL);
	}
}

/* Blocks SIGPIPE in this thread; *pending: one was waiting before. */
static void
hold_sigpipe(sigset_t *old, bool *pending)
{
	sigset_t pipe_set, now;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigpending(&now);
	*pending = sigismember(&now, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &pipe_set, old);
}

/* Takes back a SIGPIPE of our own, and unblocks the signal. */
static void
release_sigpipe(const sigset_t *old, bool pending)
{
	const struct timespec none = { 0, 0 };
	sigset_t pipe_set;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	while (!pending && sigtimedwait(&pipe_set, NULL, &none) < 0 && errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

int
filter_run(const struct filter *f, char **output, size_t *size, struct err *e)
{
	struct running r = { .f = f };
	bool pending;
	sigset_t old;
	int rc, status;

	*output = NULL;
	if (start(&r, e) < 0)
		return -1;
	hold_sigpipe(&old, &pending);
	rc = converse(&r, e);
	if (rc < 0)
		end(&r);
	shut(&r.ours[IN]);
	status = wait_for(&r);
	release_sigpipe(&old, pending);
	if (rc == 0)
		rc = r.killed ? err_set(e, ERR_NO, "the command was ended before it answered") : judge(&r, status, e);
	if (rc < 0) {
		free(r.output);
		return -1;
	}
	*output = r.output;
	*size = r.size;
	return 0;
}
