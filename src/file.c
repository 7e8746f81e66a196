/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
system_error(const char *what, const char *path, struct err *e)
{
	/* A stream remembers that it failed, but not why. */
	err_set(e, ERR_SYSTEM, "cannot %s: %s", what, strerror(errno != 0 ? errno : EIO));
	return err_in_file(e, path);
}

/* A device or a pipe (/dev/stdout, /dev/full) has nothing to rename over. */
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

/* A new file beside path, its name in temporary.  The kernel applies the umask:
 * asking for the umask would change it for the other threads. */
static FILE *
create_beside(const char *path, char *temporary, size_t size)
{
	FILE *out;
	int fd = -1;

	for (unsigned i = 0; i < 1000 && fd < 0; i++) {
		if (snprintf(temporary, size, "%s.%ld-%u.tmp", path, (long)getpid(), i) >= (int)size) {
			errno = ENAMETOOLONG;
			return NULL;
		}
		fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			return NULL;
	}
	if (fd < 0)
		return NULL;
	out = fdopen(fd, "wb");
	if (out == NULL) {
		close(fd);
		unlink(temporary);
	}
	return out;
}

/* All bytes of out on the disk, with the mode of the file that it replaces. */
static int
settle(FILE *out, const struct stat *old)
{
	int rc = ferror(out) || fflush(out) != 0 || fsync(fileno(out)) != 0 ||
	    (old != NULL && fchmod(fileno(out), old->st_mode & 0777) != 0) ? -1 : 0;
	int why = errno;

	if (fclose(out) != 0 && rc == 0)
		return -1;
	errno = why;
	return rc;
}

static int
write_beside(const char *path, const struct stat *old, int (*write)(FILE *, void *, struct err *), void *arg,
    struct err *e)
{
	char temporary[4096];
	FILE *out = create_beside(path, temporary, sizeof(temporary));

	if (out == NULL)
		return system_error("create", path, e);
	errno = 0;
	if (write(out, arg, e) < 0)
		fclose(out);
	else if (settle(out, old) < 0)
		system_error("write", path, e);
	else if (rename(temporary, path) < 0)
		system_error("rename to", path, e);
	else
		return 0;
	unlink(temporary);
	return -1;
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
	/* A link stays a link: the file that it names is replaced. */
	target = realpath(path, NULL);
	if (target == NULL)
		return system_error("create", path, e);
	rc = write_beside(target, &st, write, arg, e);
	free(target);
	return rc;
}
