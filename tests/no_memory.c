/* SPDX-License-Identifier: Apache-2.0 */
/* no_memory.c - runs commands again and again, and each time another allocation fails: the first, the second, ... until all have
 * had their turn; then the same with all later ones failing, too.  Each time the command says that memory ran
 * out, with status 3, and leaves no output; or it could do without, and its output is what it always is.  Commands
 * with very many have only some fail, unless LAYRUB_ALL is set.
 *
 * The linker sends what our code asks of the C library through the functions here (see local.mk), and Jansson
 * asks through the command's, so every allocation counts that is made for us but GLPK's.  Under the address sanitizer a leak
 * is another status. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "tests/starve.h"
#include "tests/tap.h"

#undef main	/* local.mk's, for main.c */

/* ---- runs ---- */

#define OUTPUT "output"
enum { RUNS_MOST = 40 };
static const char *before;	/* what is in the output file already; NULL: there is none */

struct child_result {
	int status;
	unsigned long asked;
	char *out, *err, *output;	/* malloced; output NULL: no such file */
};

static char *
contents(const char *path)
{
	FILE *in = __real_fopen(path, "rb");
	struct stat st;
	char *text;

	if (in == NULL)
		return NULL;
	if (fstat(fileno(in), &st) < 0)
		abort();
	text = __real_calloc(1, (size_t)st.st_size + 1);
	if (text == NULL || fread(text, 1, (size_t)st.st_size, in) != (size_t)st.st_size)
		abort();
	fclose(in);
	return text;
}

static void
redirect(const char *path, int to)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0 || dup2(fd, to) < 0)
		_exit(99);
	close(fd);
}

/* In a process of its own, as a user's would be; how many it asked for comes back through a pipe. */
static _Noreturn void
child(char **argv, int report)
{
	int argc = 0, rc;

	while (argv[argc] != NULL)
		argc++;
	redirect("out", STDOUT_FILENO);
	redirect("err", STDERR_FILENO);
	asked = 0;
	rc = layrub_main(argc, argv);
	if (write(report, &asked, sizeof(asked)) != sizeof(asked))
		_exit(98);
	exit(rc);
}

static void
put(const char *path, const char *text)
{
	FILE *out = __real_fopen(path, "wb");

	if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0)
		abort();
}

static void
run(struct child_result *o, char **argv, unsigned long at, bool later)
{
	int ends[2], status;
	pid_t pid;

	unlink(OUTPUT);
	if (before != NULL)
		put(OUTPUT, before);
	fail_at = at;
	and_later = later;
	o->asked = 0;
	fflush(stdout);
	if (pipe(ends) < 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0)
		child(argv, ends[1]);
	close(ends[1]);
	if (read(ends[0], &o->asked, sizeof(o->asked)) < 0)
		abort();
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			abort();
	o->status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
	o->out = contents("out");
	o->err = contents("err");
	o->output = contents(OUTPUT);
}

static void
forget(struct child_result *o)
{
	free(o->out);
	free(o->err);
	free(o->output);
}

/* ---- verdicts ---- */

/* But for lines that tell of a clock. */
static bool
same_text(const char *x, const char *y)
{
	while (*x != '\0' || *y != '\0') {
		size_t n = strcspn(x, "\n"), m = strcspn(y, "\n");

		if ((n != m || memcmp(x, y, n) != 0) && memmem(x, n, "time_s", 6) == NULL && memmem(x, n, "planned in", 10) == NULL)
			return false;
		x += n + (x[n] == '\n');
		y += m + (y[m] == '\n');
	}
	return true;
}

static bool
one_line_of_memory(const char *err)
{
	const char *end = strchr(err, '\n');

	return end != NULL && end[1] == '\0' && (strncmp(err, "layrub: ", 8) == 0 || strncmp(err, "{\"format\": \"layrub-error\"", 25) == 0) &&
	    (strstr(err, "out of memory") != NULL || strstr(err, "Cannot allocate memory") != NULL);
}

/* NULL: as it should be. */
static const char *
fault(const struct child_result *o, const struct child_result *whole)
{
	if (o->status == whole->status)
		return !same_text(o->out, whole->out) ? "another result on standard output" :
		    (o->output == NULL) != (whole->output == NULL) ? "no output, or one too many" :
		    o->output != NULL && strcmp(o->output, whole->output) != 0 ? "another output" : NULL;
	/* In a sweep it is the point that fails. */
	if (before != NULL && o->status == 1 && o->output != NULL && strstr(o->output, "out of memory") != NULL)
		return NULL;
	if (o->status != 3)
		return o->status >= 1000 ? "it died" : "another status";
	if (!one_line_of_memory(o->err))
		return "no clear message";
	/* What is appended to keeps what it had. */
	if (before != NULL)
		return o->output == NULL || strncmp(o->output, before, strlen(before)) != 0 ? "what was there is lost" : NULL;
	return o->output != NULL ? "an output was left" : NULL;
}

/* A writer's temporary file that stayed. */
static bool
litter(void)
{
	return system("ls | grep -q '\\.tmp$'") == 0;
}

static void
starve(const char *line)
{
	char *copy = strdup(line), *argv[32] = { copy };
	unsigned long failed = 0, done_without = 0, runs = 0, stride;
	struct child_result whole, o;
	const char *why;
	int argc = 1;

	for (char *word = strtok(copy, " "); word != NULL && argc < 31; word = strtok(NULL, " "))
		argv[argc++] = word;
	run(&whole, argv, 0, false);
	if (!ok(whole.status == 0 && whole.asked > 0, "layrub %s: %lu allocations", line, whole.asked))
		diag("status %d: %s", whole.status, whole.err);
	stride = getenv("LAYRUB_ALL") != NULL ? 1 : whole.asked / RUNS_MOST + 1;
	for (int later = 0; later <= 1 && whole.status == 0; later++)
		for (unsigned long at = 1; at <= whole.asked; at += stride) {
			run(&o, argv, at, later);
			why = fault(&o, &whole);
			runs++;
			done_without += o.status == 0;
			if (why != NULL && failed++ < 8)
				diag("allocation %lu%s: %s: status %d, %s", at, later ? " and later ones" : "", why, o.status, o.err);
			forget(&o);
		}
	ok(failed == 0 && !litter(), "%s of them fails, alone and with all after it: %lu runs, %lu wrong, %lu did without",
	    stride == 1 ? "each" : "one after another", runs, failed, done_without);
	if (whole.output != NULL)
		put("last", whole.output);
	forget(&whole);
	free(copy);
}

/* ---- documents ---- */

static const char network[] =
	"{\"format\":\"layrub-network\",\"version\":1,\"name\":\"small\",\"batch\":64,\"layers\":["
	"{\"name\":\"data\",\"type\":\"input\",\"shape\":[3,16,16]},{\"name\":\"label\",\"type\":\"input\",\"shape\":[1],\"dtype\":\"int64\"},"
	"{\"name\":\"c1\",\"type\":\"conv\",\"inputs\":[\"data\"],\"channels\":8,\"kernel\":3,\"pad\":1},{\"name\":\"r1\",\"type\":\"relu\"},"
	"{\"name\":\"c2\",\"type\":\"conv\",\"channels\":8,\"kernel\":3,\"pad\":1},{\"name\":\"r2\",\"type\":\"relu\"},"
	"{\"name\":\"c3\",\"type\":\"conv\",\"channels\":8,\"kernel\":3,\"pad\":1},{\"name\":\"r3\",\"type\":\"relu\"},"
	"{\"name\":\"all\",\"type\":\"global-avg-pool\"},{\"name\":\"fc\",\"type\":\"linear\",\"features\":10},"
	"{\"name\":\"loss\",\"type\":\"cross-entropy\",\"inputs\":[\"fc\",\"label\"]}]}\n";

static const char device[] =
	"{\"format\":\"layrub-device\",\"version\":1,\"name\":\"small\",\"gpu\":\"none\",\"source\":\"made up\",\"memory_bytes\":1073741824,"
	"\"reserved_bytes\":0,\"compute\":{\"flops\":{\"float32\":1e12},\"memory_bytes_per_s\":1e11,\"launch_us\":5,"
	"\"flop_efficiency\":{\"default\":0.5},\"memory_efficiency\":{\"default\":0.5}},\"link\":{\"d2h\":{\"latency_us\":10,\"bytes_per_s\":1e10},"
	"\"h2d\":{\"latency_us\":10,\"bytes_per_s\":1e10},\"duplex_bytes_per_s\":1.5e10,\"copy_engines\":2},\"contention\":{\"default\":1.1},"
	"\"host\":{\"pinned_bytes\":1073741824}}\n";

/* no_memory.t N COMMAND...: this command alone, here, its N-th allocation failing ("N+": and all later ones). */
static int
run_one(int argc, char **argv)
{
	fail_at = strtoul(argv[1], NULL, 10);
	and_later = strchr(argv[1], '+') != NULL;
	return layrub_main(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	static const char plan[] = "plan net.json --device dev.json --policy layrub --budget 100% -o ";
	char folder[] = "no-memory-XXXXXX", line[128];

	if (argc > 2)
		return run_one(argc, argv);
	if (mkdtemp(folder) == NULL || chdir(folder) < 0)
		abort();
#ifdef _OPENMP
	omp_set_num_threads(1);	/* the same allocation is the n-th every time */
#endif
	put("net.json", network);
	put("dev.json", device);
	put("list.csv", "id,lower,upper,size\nA,0,2,8\nB,1,4,6\nC,3,5,4\nD,2,4,2\n");
	snprintf(line, sizeof(line), "%s%s", plan, OUTPUT);
	starve(line);
	if (rename("last", "plan.json") < 0)
		abort();
	starve("plan net.json --device dev.json --policy hybrid --budget 75% --json -o " OUTPUT);
	starve("check plan.json");
	starve("simulate plan.json --json");
	starve("explain plan.json");
	starve("report plan.json -o " OUTPUT ".json");
	starve("info net.json --device dev.json");
	starve("place list.csv -o " OUTPUT);
	starve("compare net.json --device dev.json --budget 100% --json");
	if (getenv("LAYRUB_ALL") != NULL)
		starve("fit net.json --device dev.json");	/* 17,000 */
	before = "{\"point\": \"x\"}\n{\"point\": \"y\", \"error\": \"z\"}\n";
	starve("sweep net.json --device dev.json --policy keep,layrub --ordered -o " OUTPUT);
	if (chdir("..") == 0 && fork() == 0)
		execlp("rm", "rm", "-rf", folder, (char *)NULL);
	return tap_done();
}
