/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
system_error(const char *what, const char *path, struct err *e)
{
	err_set(e, ERR_SYSTEM, "cannot %s: %s", what, strerror(errno));
	return err_in_file(e, path);
}

/* A device or a pipe (/dev/stdout, /dev/full) has nothing to rename over. */
static int
write_straight(const char *path, FILE *out, int (*write)(FILE *, void *, struct err *), void *arg, struct err *e)
{
	int rc = write(out, arg, e);

	if (rc == 0 && (fflush(out) != 0 || ferror(out)))
		rc = system_error("write", path, e);
	if (out != stdout && fclose(out) != 0 && rc == 0)
		rc = system_error("write", path, e);
	return rc;
}

int
file_write(const char *path, int (*write)(FILE *, void *, struct err *), void *arg, struct err *e)
{
	char temporary[4096];
	struct stat st;
	FILE *out;
	mode_t mask;
	int fd;

	if (strcmp(path, "-") == 0)
		return write_straight("(standard output)", stdout, write, arg, e);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		out = fopen(path, "wb");
		return out == NULL ? system_error("create", path, e) : write_straight(path, out, write, arg, e);
	}
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return system_error("create", path, e);
	}
	fd = mkstemp(temporary);
	if (fd < 0)
		return system_error("create", path, e);
	out = fdopen(fd, "wb");
	if (out == NULL) {
		system_error("create", path, e);
		close(fd);
		goto remove;
	}
	if (write(out, arg, e) < 0) {
		fclose(out);
		goto remove;
	}
	mask = umask(0);
	umask(mask);
	if (fflush(out) != 0 || ferror(out) || fsync(fd) != 0 || fchmod(fd, 0666 & ~mask) != 0) {
		system_error("write", path, e);
		fclose(out);
		goto remove;
	}
	if (fclose(out) != 0) {
		system_error("write", path, e);
		goto remove;
	}
	if (rename(temporary, path) == 0)
		return 0;
	system_error("rename to", path, e);
remove:
	unlink(temporary);
	return -1;
}
