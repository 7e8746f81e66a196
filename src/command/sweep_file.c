/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_file.c - the file of results: lock, points found, whole lines */
#include <config.h>
#include "src/command/sweep_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "sim/report/report.h"
#include "src/base/file.h"
#include "src/base/json.h"

static int
system_error(const char *what, const char *path, struct err *e)
{
	err_set(e, ERR_SYSTEM, "cannot %s: %s", what, strerror(errno));
	return err_in_file(e, path);
}

static uint64_t
digest_of(const char *key)
{
	return XXH3_64bits(key, strlen(key));
}

static int
by_digest(const void *a, const void *b)
{
	const struct found_point *x = a, *y = b;

	return (x->digest > y->digest) - (x->digest < y->digest);
}

static int
take_line(struct sweep_file *f, const char *line, size_t length, size_t number, struct arena *a, struct err *e)
{
	struct found_point found = { 0, false };
	json_t *root, *point;
	bool ours;

	errno = 0;
	root = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	if (root == NULL && errno == ENOMEM)
		return system_error("read", f->path, e);
	point = json_object_get(root, "point");
	ours = json_is_string(point) && (json_object_get(root, "format") == NULL || json_check_format(root, SWEEP_LINE, 1, NULL, e) == 0);
	if (ours)
		found = (struct found_point) { digest_of(json_string_value(point)), json_object_get(root, "error") != NULL };
	json_decref(root);
	if (!ours) {
		if (e->code == ERR_NONE)
			err_set(e, ERR_INPUT, "expected a sweep's result on each line, got something else");
		err_at(e, "line %zu", number);
		return err_in_file(e, f->path);
	}
	*ARENA_PUSH(a, f->found, f->found_count, f->found_capacity) = found;
	return 0;
}

struct sweep_reading { struct sweep_file *f; FILE *in; struct arena *a; struct err *e; };

static int
read_lines(void *arg)
{
	struct sweep_reading *r = arg;
	struct sweep_file *f = r->f;
	char *line = ARENA_NEW(r->a, char, FILE_LINE_MOST);
	size_t number = 0;
	off_t whole = 0;
	ssize_t n;

	while ((n = file_line(r->in, line, FILE_LINE_MOST, r->e)) > 0 && line[n - 1] == '\n') {
		whole += n;
		if (take_line(f, line, (size_t)n, ++number, r->a, r->e) < 0)
			return -1;
	}
	if (n < 0) {
		err_at(r->e, "line %zu", number + 1);
		return err_in_file(r->e, f->path);
	}
	f->dropped_bytes = (size_t)n;
	if (n > 0 && ftruncate(f->fd, whole) < 0)
		return system_error("cut off the last line", f->path, r->e);
	return 0;
}

/* Reads in an arena_run of its own, so that the stream is closed when memory runs out. */
static int
read_found(struct sweep_file *f, struct arena *a, struct err *e)
{
	struct sweep_reading r = { f, file_open(f->path, UINT64_MAX, e), a, e };
	int rc;

	if (r.in == NULL)
		return err_in_file(e, f->path);
	rc = arena_run(a, read_lines, &r, e);
	fclose(r.in);
	if (f->found_count > 0)
		qsort(f->found, f->found_count, sizeof(*f->found), by_digest);
	return rc;
}

int
sweep_file_open(struct sweep_file *f, const char *path, struct arena *a, struct err *e)
{
	struct stat st;

	*f = (struct sweep_file) { .path = path, .fd = STDOUT_FILENO };
	if (path == NULL || strcmp(path, "-") == 0) {
		f->path = "(standard output)";
		return 0;
	}
	f->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (f->fd < 0)
		return system_error("open", path, e);
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	/* A file system without locks gives another errno: the sweep goes on without a lock. */
	if (flock(f->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		err_set(e, ERR_SYSTEM, "another sweep is writing this file: give each shard a file of its own");
		return err_in_file(e, path);
	}
	if (read_found(f, a, e) == 0)
		return 0;
	close(f->fd);
	f->fd = -1;
	return -1;
}

const struct found_point *
sweep_file_find(const struct sweep_file *f, const char *key)
{
	struct found_point wanted = { digest_of(key), false };

	return f->found_count == 0 ? NULL : bsearch(&wanted, f->found, f->found_count, sizeof(*f->found), by_digest);
}

int
sweep_file_write(const struct sweep_file *f, const char *line, size_t length, struct err *e)
{
	while (length > 0) {
		ssize_t n = write(f->fd, line, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return system_error("write", f->path, e);
		line += n;
		length -= (size_t)n;
	}
	return 0;
}

int
sweep_file_close(struct sweep_file *f, struct err *e)
{
	int fd = f->fd;

	f->fd = -1;
	if (fd < 0 || fd == STDOUT_FILENO)
		return 0;
	/* A pipe or a device cannot be synchronised. */
	if ((fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP) && close(fd) == 0)
		return 0;
	return system_error("write", f->path, e);
}
