/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - files read up to a limit, and files written whole under a temporary name or none
 *
 * Order of a write: a file without a name (O_TMPFILE), else PATH.layrub-N.tmp; all bytes, the mode, fsync; then a link or a rename to
 * PATH.  A lock on the temporary file tells a live writer from a killed one.
 */
#include <config.h>
#include "src/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_NAMES = 1000 };

/* A file that is being written. */
struct fresh {
	const char *path;		/* its final name */
	const struct stat *old;		/* of the file that has that name now; NULL: none */
	bool named;			/* its name is `temporary`; else it has none and the system removes it with the process */
	bool refused;			/* the system refused a name to a file without one */
	char temporary[4096];
	FILE *out;
};

static int
system_error(const char *what, const char *path, struct err *e)
{
	/* A stream keeps the fact of a failure but not its errno. */
	err_set(e, ERR_SYSTEM, "cannot %s: %s", what, strerror(errno != 0 ? errno : EIO));
	return err_in_file(e, path);
}

/* Writes to a device or a pipe (/dev/stdout, /dev/full), whose name no rename may replace. */
static int
write_straight(const char *path, FILE *out, int (*write)(FILE *, void *, struct err *), void *arg, struct err *e)
{
	int rc;

	errno = 0;
	rc = write(out, arg, e);
	if (rc == 0 && (ferror(out) || fflush(out) != 0))
		rc = system_error("write", path, e);
	if (out != stdout && fclose(out) != 0 && rc == 0)
		rc = system_error("write", path, e);
	return rc;
}

/* ---- temporary names ---- */

static bool
is_at(int fd, const char *path)
{
	struct stat mine, theirs;

	return fstat(fd, &mine) == 0 && lstat(path, &theirs) == 0 && mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino;
}

/* Removes a temporary file that a killed writer left; true when it did.  A writer holds a lock for as long as its file has a temporary
 * name, and a lock ends with its process: a file without a lock has no writer. */
static bool
reclaim(const char *temporary)
{
	int fd = open(temporary, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool gone;

	if (fd < 0)
		return false;
	gone = flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(fd, temporary) && unlink(temporary) == 0;
	close(fd);
	return gone;
}

/* Gives the file the first free temporary name: creates it, or links `unnamed`, the path of the open file.  Returns the
 * descriptor or 0, or -1. */
static int
take_name(struct fresh *f, const char *unnamed)
{
	for (unsigned i = 0; i < MOST_NAMES; i++) {
		int fd;

		if (snprintf(f->temporary, sizeof(f->temporary), "%s.layrub-%u.tmp", f->path, i) >= (int)sizeof(f->temporary)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		do {
			fd = unnamed == NULL ? open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) :
			    linkat(AT_FDCWD, unnamed, AT_FDCWD, f->temporary, AT_SYMLINK_FOLLOW);
		} while (fd < 0 && errno == EEXIST && reclaim(f->temporary));
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* Creates a locked file under a temporary name; returns the descriptor, or -1.  The kernel applies the umask, because reading the
 * umask would change it for other threads. */
static int
create_named(struct fresh *f)
{
	int fd;

	/* Another writer may reclaim the file between its creation and its lock. */
	do {
		fd = take_name(f, NULL);
		if (fd < 0)
			return -1;
		flock(fd, LOCK_EX);
		f->named = is_at(fd, f->temporary);
		if (!f->named)
			close(fd);
	} while (!f->named);
	return fd;
}

/* ---- whole files ---- */

/* Returns the folder of path, which the caller frees; NULL: out of memory. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int
create_unnamed(const char *path)
{
#ifdef O_TMPFILE
	char *folder = folder_of(path);
	int fd = folder == NULL ? -1 : open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);

	free(folder);
	return fd;
#else
	(void)path;
	return -1;
#endif
}

static int
create(struct fresh *f, bool named)
{
	int fd = named ? create_named(f) : create_unnamed(f->path);

	if (fd < 0)
		return -1;
	f->out = fdopen(fd, "wb");
	if (f->out != NULL)
		return 0;
	if (f->named)
		unlink(f->temporary);
	close(fd);
	return -1;
}

/* Brings all bytes to the disk and takes the mode of the file that is replaced; 0 or -1. */
static int
settle(const struct fresh *f)
{
	return ferror(f->out) || fflush(f->out) != 0 || (f->old != NULL && fchmod(fileno(f->out), f->old->st_mode & 0777) != 0) ||
	    fsync(fileno(f->out)) != 0 ? -1 : 0;
}

/* Puts the file at its path; 0 or -1.  Only a rename replaces another file, so a file without a name gets a temporary one for the
 * time between two system calls. */
static int
publish(struct fresh *f)
{
	char unnamed[64];

	if (!f->named) {
		snprintf(unnamed, sizeof(unnamed), "/proc/self/fd/%d", fileno(f->out));
		if (f->old == NULL && linkat(AT_FDCWD, unnamed, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (f->old == NULL && errno != EEXIST)
			return -1;
		flock(fileno(f->out), LOCK_EX);
		if (take_name(f, unnamed) < 0)
			return -1;
		f->named = true;
	}
	return rename(f->temporary, f->path);
}

/* Writes f, whose stream is open, publishes it and closes it. */
static int
fill(struct fresh *f, int (*write)(FILE *, void *, struct err *), void *arg, struct err *e)
{
	int rc;

	errno = 0;
	rc = write(f->out, arg, e);
	if (rc == 0 && settle(f) < 0)
		rc = system_error("write", f->path, e);
	if (rc == 0 && publish(f) < 0) {
		f->refused = !f->named;
		rc = f->refused ? -1 : system_error("rename to", f->path, e);
	}
	if (rc < 0 && f->named)
		unlink(f->temporary);
	fclose(f->out);		/* cannot fail after the fsync; ends the lock */
	return rc;
}

static int
write_beside(const char *path, const struct stat *old, int (*write)(FILE *, void *, struct err *), void *arg, struct err *e)
{
	struct fresh f = { .path = path, .old = old };
	int rc;

	if (create(&f, false) == 0) {
		rc = fill(&f, write, arg, e);
		if (!f.refused)
			return rc;
	}
	return create(&f, true) < 0 ? system_error("create", path, e) : fill(&f, write, arg, e);
}

int
file_write(const char *path, int (*write)(FILE *, void *, struct err *), void *arg, struct err *e)
{
	struct stat st;
	char *target;
	FILE *out;
	int rc;

	if (strcmp(path, "-") == 0)
		return write_straight("(standard output)", stdout, write, arg, e);
	if (stat(path, &st) < 0)
		return write_beside(path, NULL, write, arg, e);
	if (!S_ISREG(st.st_mode)) {
		out = fopen(path, "wb");
		return out == NULL ? system_error("create", path, e) : write_straight(path, out, write, arg, e);
	}
	/* A symbolic link stays: the file that it names is replaced. */
	target = realpath(path, NULL);
	if (target == NULL)
		return system_error("create", path, e);
	rc = write_beside(target, &st, write, arg, e);
	free(target);
	return rc;
}

int
file_check_output(const char *path, struct err *e)
{
	char *target, *folder = NULL;
	struct stat st;
	bool good;

	if (strcmp(path, "-") == 0)
		return 0;
	errno = ENOENT;
	if (*path == '\0')
		return system_error("create", "''", e);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = EISDIR;
		return S_ISDIR(st.st_mode) || access(path, W_OK) < 0 ? system_error("create", path, e) : 0;
	}
	/* Only the folder matters: a file is replaced and not written to. */
	target = realpath(path, NULL);
	folder = folder_of(target != NULL ? target : path);
	good = folder != NULL && stat(folder, &st) == 0;
	if (good && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		good = false;
	}
	good = good && access(folder, W_OK | X_OK) == 0;
	if (!good)
		system_error("create", path, e);
	free(folder);
	free(target);
	return good ? 0 : -1;
}

/* ---- reading ---- */

FILE *
file_open(const char *path, bytes_t most, struct err *e)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	struct stat st;

	if (in == NULL) {
		bool ours = errno == ENOMEM || errno == EMFILE || errno == ENFILE || errno == EIO;

		err_set(e, ours ? ERR_SYSTEM : ERR_INPUT, "cannot open: %s", strerror(errno));
		return NULL;
	}
	if (fstat(fileno(in), &st) < 0 || !S_ISREG(st.st_mode) || (bytes_t)st.st_size <= most)
		return in;
	err_set(e, ERR_INPUT, "expected at most %" PRI_BYTES " bytes (--max-input), got %jd", most, (intmax_t)st.st_size);
	if (in != stdin)
		fclose(in);
	return NULL;
}

ssize_t
file_line(FILE *in, char *line, size_t room, struct err *e)
{
	size_t n = 0;
	int c;

	while (n + 1 < room && (c = getc_unlocked(in)) != EOF) {
		line[n++] = (char)c;
		if (c == '\n')
			break;
	}
	line[n] = '\0';
	if (ferror(in))
		return err_set(e, errno == EISDIR ? ERR_INPUT : ERR_SYSTEM, "cannot read: %s", strerror(errno));
	if (n + 1 == room && line[n - 1] != '\n')
		return err_set(e, ERR_INPUT, "expected lines of less than %zu bytes, got a longer one", room);
	return (ssize_t)n;
}
