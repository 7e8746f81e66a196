/* SPDX-License-Identifier: Apache-2.0 */
/* Output files: whole or not at all. */
#include <config.h>
#include "src/base/file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap.h"

static int
write_text(FILE *out, void *arg, struct err *e)
{
	(void)e;
	fputs(arg, out);
	return 0;
}

static int
write_half(FILE *out, void *arg, struct err *e)
{
	fputs(arg, out);
	return err_set(e, ERR_NO, "no more");
}

/* More than a stream's buffer, so that the error comes while writing. */
static int
write_much(FILE *out, void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	for (int i = 0; i < 100000; i++)
		fputs("much ", out);
	return 0;
}

static void
holds(const char *path, const char *want)
{
	char got[64] = "";
	FILE *in = fopen(path, "rb");
	size_t n = in == NULL ? 0 : fread(got, 1, sizeof(got) - 1, in);

	if (in != NULL)
		fclose(in);
	got[n] = '\0';
	is_string(got, want, "%s holds '%s'", path, want);
}

static unsigned
entries(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n - 2;
}

/* Passes when the check before the work says the same as the write after it. */
static void
check_fails(const char *path, const char *text)
{
	struct err e = ERR_INIT;

	ok(file_check_output(path, &e) < 0, "%s: refused before the work", path);
	is_uint(e.code, ERR_SYSTEM, "%s: the code before the work", path);
	is_string(e.text, text, "%s: the reason before the work", path);
}

static void
fails(const char *path, int (*write)(FILE *, void *, struct err *), enum err_code code, const char *text)
{
	struct err e = ERR_INIT;

	ok(file_write(path, write, (void *)(uintptr_t)"half", &e) < 0, "%s: refused", path);
	is_uint(e.code, code, "%s: the code", path);
	is_string(e.text, text, "%s: the reason", path);
}

int
main(void)
{
	char folder[] = "file-test.XXXXXX";
	struct err e = ERR_INIT;
	struct stat st;

	if (!ok(mkdtemp(folder) != NULL && chdir(folder) == 0, "a folder"))
		return tap_done();
	umask(027);
	ok(file_write("new", write_text, (void *)(uintptr_t)"one", &e) == 0, "a new file");
	holds("new", "one");
	ok(stat("new", &st) == 0 && (st.st_mode & 0777) == 0640, "its mode is the umask's");
	ok(chmod("new", 0604) == 0 && file_write("new", write_text, (void *)(uintptr_t)"two", &e) == 0, "written again");
	holds("new", "two");
	ok(stat("new", &st) == 0 && (st.st_mode & 0777) == 0604, "a file that is replaced keeps its mode");
	fails("new", write_half, ERR_NO, "no more");
	holds("new", "two");
	fails("other", write_half, ERR_NO, "no more");
	ok(symlink("new", "link") == 0 && file_write("link", write_text, (void *)(uintptr_t)"three", &e) == 0, "through a link");
	ok(lstat("link", &st) == 0 && S_ISLNK(st.st_mode), "the link stays");
	holds("new", "three");
	fails("none/new", write_text, ERR_SYSTEM, "cannot create: No such file or directory");
	fails(".", write_text, ERR_SYSTEM, "cannot create: Is a directory");
	check_fails("none/new", "cannot create: No such file or directory");
	check_fails(".", "cannot create: Is a directory");
	check_fails("", "cannot create: No such file or directory");
	ok(file_check_output("new", &e) == 0 && file_check_output("link", &e) == 0 && file_check_output("later", &e) == 0 &&
	    file_check_output("-", &e) == 0 && file_check_output("/dev/null", &e) == 0, "files that can be written");
	if (access("/dev/full", W_OK) == 0) {
		fails("/dev/full", write_text, ERR_SYSTEM, "cannot write: No space left on device");
		fails("/dev/full", write_much, ERR_SYSTEM, "cannot write: No space left on device");
	}
	is_uint(entries("."), 2, "nothing else is left behind");
	ok(unlink("new") == 0 && unlink("link") == 0 && chdir("..") == 0 && rmdir(folder) == 0, "cleaned up");
	return tap_done();
}
