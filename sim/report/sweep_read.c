/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_read.c - reads the results of a sweep, one JSON document a line */
#include <config.h>
#include "sim/report/report.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/units.h"

enum { NAME_MOST = 128, TEXT_MOST = 4096, NAMES_BACK = 64 };

/* The values of a line, copied out of its document, because no arena memory is taken while the document is held. */
struct line {
	char graph[NAME_MOST], device[NAME_MOST], policy[NAME_MOST], point[TEXT_MOST], error[TEXT_MOST];
	struct sweep_point figures;
	bool failed;
};

struct name_list {
	const char **names;
	size_t count, capacity;
};

struct sweep_reader {
	struct sweep *sweep;
	struct arena *arena;
	struct name_list names;
	size_t capacity, failure_capacity;	/* of points, of failures */
	uint64_t number;
};

static double
number_at(const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

/* Returns a count of bytes; values over BYTES_MAX count as unknown. */
static double
bytes_at(const json_t *obj, const char *key)
{
	double bytes = number_at(obj, key);

	return bytes >= 0 && bytes <= (double)BYTES_MAX ? bytes : NAN;
}

/* Copies a text, cut where it is too long. */
static void
text_at(char *to, size_t room, const json_t *obj, const char *key)
{
	const char *s = json_string_value(json_object_get(obj, key));
	size_t n = s == NULL ? 0 : text_prefix(s, room - 1);

	if (n > 0)
		memcpy(to, s, n);
	to[n] = '\0';
}

/* Returns 0, or -1 when the text is not one JSON object. */
static int
parse_line(struct line *l, const char *text, size_t n, json_error_t *why)
{
	json_t *obj;
	double batch, passes, out, in;
	struct err other = ERR_INIT;

	errno = 0;
	obj = json_loadb(text, n, JSON_REJECT_DUPLICATES, why);
	if (!json_is_object(obj)) {
		if (obj != NULL)
			snprintf(why->text, sizeof(why->text), "not an object");
		json_decref(obj);
		return -1;
	}
	if (json_object_get(obj, "format") != NULL && json_check_format(obj, SWEEP_LINE, 1, NULL, &other) < 0) {
		snprintf(why->text, sizeof(why->text), "%.150s", other.text);
		json_decref(obj);
		return -1;
	}
	text_at(l->graph, sizeof(l->graph), obj, json_object_get(obj, "graph") != NULL ? "graph" : "network");
	text_at(l->device, sizeof(l->device), obj, "device");
	text_at(l->policy, sizeof(l->policy), obj, "policy");
	text_at(l->point, sizeof(l->point), obj, "point");
	text_at(l->error, sizeof(l->error), obj, "error");
	batch = number_at(obj, "batch");
	passes = number_at(obj, "accumulate");
	out = number_at(obj, "d2h_bytes_per_s");
	in = number_at(obj, "h2d_bytes_per_s");
	l->failed = json_object_get(obj, "error") != NULL;
	l->figures = (struct sweep_point){ .batch = batch >= 1 && batch < 1e15 ? (uint64_t)batch : 0,
		.passes = passes >= 1 && passes < 1e9 ? (uint64_t)passes : 1,
		.budget_bytes = bytes_at(obj, "budget_bytes"), .arena_bytes = bytes_at(obj, "arena_bytes"),
		.bound_bytes = bytes_at(obj, "bound_bytes"), .host_bytes = bytes_at(obj, "host_bytes"), .step_time_us = number_at(obj, "step_time_us"),
		.overhead = number_at(obj, "overhead"), .bound_time_us = number_at(obj, "bound_time_us"),
		.link_bytes_per_s = out < in ? out : in };
	json_decref(obj);
	return 0;
}

/* Returns a stored copy of s.  Only the last NAMES_BACK names are searched, so a file of different names stays linear. */
static const char *
intern(struct sweep_reader *r, const char *s)
{
	struct name_list *n = &r->names;

	for (size_t i = n->count; i-- > 0 && n->count - i <= NAMES_BACK;)
		if (strcmp(n->names[i], s) == 0)
			return n->names[i];
	return *ARENA_PUSH(r->arena, n->names, n->count, n->capacity) = arena_strdup(r->arena, s);
}

/* Returns the budget in a point's name as a stored text; NULL: the name has none. */
static const char *
typed_budget(struct sweep_reader *r, const char *point)
{
	const char *at = strstr(point, " budget=");
	char text[NAME_MOST];

	if (at == NULL)
		return NULL;
	at += strlen(" budget=");
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, " "), at);
	return intern(r, text);
}

/* Stores a result among those with a time, or among the failures. */
static void
take(struct sweep_reader *r, const struct line *l)
{
	struct sweep *s = r->sweep;
	bool has_time = !l->failed && l->figures.step_time_us > 0;
	size_t count = has_time ? s->count : s->failure_count;
	struct sweep_point *p;

	s->failed += l->failed;
	s->unfit += !l->failed && !has_time;
	if (has_time) {
		p = ARENA_PUSH(r->arena, s->points, count, r->capacity);
		s->count = (uint32_t)count;
	} else {
		p = ARENA_PUSH(r->arena, s->failures, count, r->failure_capacity);
		s->failure_count = (uint32_t)count;
	}
	*p = l->figures;
	p->graph = intern(r, l->graph);
	p->device = intern(r, l->device);
	p->policy = intern(r, l->policy);
	p->point = arena_strdup(r->arena, l->point);
	p->budget = typed_budget(r, l->point);
	p->error = l->failed ? arena_strdup(r->arena, l->error) : NULL;
}

static bool
is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

/* Reads all lines.  A bad last line without a line end was being written and is dropped; any other bad line is an
 * error. */
static int
read_lines(struct sweep_reader *r, FILE *f, struct err *e)
{
	char *text = ARENA_NEW(r->arena, char, FILE_LINE_MOST);
	json_error_t why;
	struct line l;
	ssize_t n;

	while ((n = file_line(f, text, FILE_LINE_MOST, e)) > 0) {
		bool whole = text[n - 1] == '\n';

		r->number++;
		if (is_blank(text) && strlen(text) == (size_t)n)
			continue;
		if (parse_line(&l, text, (size_t)n, &why) == 0) {
			take(r, &l);
			continue;
		}
		if (!whole && errno != ENOMEM) {
			r->sweep->half_written = r->number;
			continue;
		}
		if (errno == ENOMEM)
			return err_set(e, ERR_SYSTEM, "out of memory");
		err_set(e, ERR_INPUT, "expected one JSON object a line: %.160s", why.text);
		return err_at(e, "line %" PRIu64, r->number);
	}
	return n < 0 ? err_at(e, "line %" PRIu64, r->number + 1) : 0;
}

/* Arguments of read_lines(), for arena_run(): the file is closed even when memory runs out. */
struct guarded_read { struct sweep_reader *reader; FILE *file; struct err *e; };

static int
run_job(void *arg)
{
	struct guarded_read *j = arg;

	return read_lines(j->reader, j->file, j->e);
}

int
sweep_read(struct sweep *s, const char *path, struct arena *a, struct err *e)
{
	struct sweep_reader r = { .sweep = s, .arena = a };
	struct guarded_read j = { .reader = &r, .e = e };
	jmp_buf *outer = a->out_of_memory;
	int rc;

	*s = (struct sweep){ .title = path };
	j.file = file_open(path, UINT64_MAX, e);
	if (j.file == NULL)
		return err_in_file(e, path);
	rc = arena_run(a, run_job, &j, e);
	a->out_of_memory = outer;
	if (j.file != stdin)
		fclose(j.file);
	return rc == 0 ? 0 : err_in_file(e, path);
}
