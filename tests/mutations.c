/* SPDX-License-Identifier: Apache-2.0 */
/* Breaks sound plans in every way that we know, and expects of check the reference's verdict on
 * every mutant, by the same rule, and for each way of breaking only the messages that it
 * can cause.  MUTANTS=N in the environment: at least N mutants; SEED=N: others. */
#include <config.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check/check.h"
#include "tests/mutants.h"
#include "tests/reference_check.h"
#include "tests/tap.h"

enum { PLANS = 1200, TRIES = 6, STACKED = 8, SHOWN = 10 };

#define ROW(id, rule, text) { #id, text, BAD_##rule },
static const struct { const char *id, *text; enum verdict rule; } messages[] = { MESSAGES(ROW) };
#undef ROW
static unsigned message_seen[M_COUNT];

static enum message
message_of(const struct err *e)
{
	enum message m = 0;

	while (m < M_COUNT && strstr(e->text, messages[m].text) == NULL)
		m++;
	return m;
}

#define ROW(fn, ...) ROW_##fn,
enum { MUTATIONS(ROW) MUTATION_COUNT };
#undef ROW

static struct mutation_tally { unsigned made, unsound, disagreed, unexpected; } tallies[MUTATION_COUNT + 1];

static bool
expected(const struct mutation *row, enum message m)
{
	if (row == NULL || row->may[0] == M_COUNT)
		return row == NULL || row->mutate != mutant_add_edge;
	for (size_t i = 0; row->may[i] != M_COUNT; i++)
		if (row->may[i] == m)
			return true;
	return false;
}

/* Both look at a mutant; row is NULL where several mutations were stacked. */
static enum verdict
judge(struct mutant *m, const struct mutation *row, struct mutation_tally *t)
{
	struct err e = ERR_INIT;
	enum verdict want = reference_check(&m->plan, m->a), got = SOUND;
	enum message said = M_COUNT;

	if (want != BAD_STRUCTURE) {
		struct plan_figures f, g = reference_figures(&m->plan, m->a);

		check_figures(&f, &m->plan, m->a);
		if (memcmp(&f, &g, sizeof(f)) != 0 && t->disagreed++ < SHOWN)
			diag("%s: figures differ from the reference's", row == NULL ? "stacked" : row->name);
	}
	if (check_plan(&m->plan, m->a, &e) < 0) {
		said = message_of(&e);
		got = said == M_COUNT || e.code != ERR_NO || e.path[0] == '\0' ? VERDICT_COUNT : messages[said].rule;
		if (said != M_COUNT)
			message_seen[said]++;
	}
	if (got != want && t->disagreed++ < SHOWN)
		diag("%s: reference says %s, check: %s: %s", row == NULL ? "stacked" : row->name, verdict_names[want], e.path, e.text);
	else if (got == want && want != SOUND && want != BAD_FIGURES && !expected(row, said) && t->unexpected++ < SHOWN)
		diag("%s: unexpected %s: %s: %s", row->name, messages[said].id, e.path, e.text);
	return want;
}

/* Figures of a mutant that follow from what it is now hide nothing else. */
static void
judge_twice(struct mutant *m, const struct mutation *row, struct mutation_tally *t)
{
	enum verdict v = judge(m, row, t);

	if (v == BAD_FIGURES && (row == NULL || row->mutate != mutant_wrong_figure)) {
		m->plan.figures = reference_figures(&m->plan, m->a);
		v = judge(m, row, t);
	}
	t->made++;
	t->unsound += v != SOUND;
	if (row != NULL && row->always && v == SOUND && t->unexpected++ < SHOWN)
		diag("%s: a mutant is sound", row->name);
}

static void
break_plan(const struct plan *p, struct random *r)
{
	for (size_t k = 0; k < MUTATION_COUNT; k++)
		for (int tries = 0; tries < TRIES; tries++) {
			struct arena a = ARENA_INIT;
			struct mutant m;
			bool done;

			mutant_init(&m, p, r, &a);
			done = mutations[k].mutate(&m);
			if (done)
				judge_twice(&m, &mutations[k], &tallies[k]);
			arena_free(&a);
			if (done)
				break;
		}
	for (int n = 0; n < STACKED; n++) {
		struct arena a = ARENA_INIT;
		struct mutant m;
		enum verdict v = SOUND;

		/* until one breaks the structure: the mutations rely on it */
		mutant_init(&m, p, r, &a);
		for (int tries = 0; tries < 4 && v != BAD_STRUCTURE; tries++)
			if (mutations[random_below(r, MUTATION_COUNT)].mutate(&m))
				v = reference_check(&m.plan, &a);
		judge_twice(&m, NULL, &tallies[MUTATION_COUNT]);
		arena_free(&a);
	}
}

static uint64_t
from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text == NULL || *text == '\0' ? otherwise : strtoull(text, NULL, 10);
}

static uint64_t
mutants_made(void)
{
	uint64_t n = 0;

	for (size_t k = 0; k <= MUTATION_COUNT; k++)
		n += tallies[k].made;
	return n;
}

int
main(void)
{
	struct random r = { from_environment("SEED", 20) };
	uint64_t wanted = from_environment("MUTANTS", 0);
	unsigned made = 0, unsound = 0, plans = 0, total = 0, disagreed = 0;

	while (plans < PLANS || mutants_made() < wanted) {
		struct arena a = ARENA_INIT;
		struct plan *p = random_plan(&r, &a);
		struct err e = ERR_INIT;

		if (p != NULL && p->instruction_count + 2 < MAX_INSTRUCTIONS) {
			p->figures = reference_figures(p, &a);
			unsound += check_plan(p, &a, &e) < 0 || reference_check(p, &a) != SOUND;
			if (e.code != ERR_NONE)
				diag("plan %u: %s: %s", plans, e.path, e.text);
			break_plan(p, &r);
			plans++;
		}
		arena_free(&a);
	}
	is_uint(unsound, 0, "%u random plans are sound before they are broken", plans);
	for (size_t k = 0; k <= MUTATION_COUNT; k++) {
		const struct mutation_tally *t = &tallies[k];

		made += t->made;
		total += t->unsound;
		disagreed += t->disagreed;
		ok(t->made > 0 && t->disagreed == 0 && t->unexpected == 0, "%s: %u mutants, %u unsound",
		    k == MUTATION_COUNT ? "several at once" : mutations[k].name, t->made, t->unsound);
	}
	ok(made >= 20000 && made >= wanted, "%u mutants in all: %u unsound, %u sound, %u verdicts not the reference's", made, total,
	    made - total, disagreed);
	for (size_t k = 0; k < M_COUNT; k++)
		ok(message_seen[k] > 0, "message '%s' was heard %u times", messages[k].text, message_seen[k]);
	return tap_done();
}
