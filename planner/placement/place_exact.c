/* SPDX-License-Identifier: Apache-2.0 */
/* place_exact.c - the smallest arena, found by a search for one capacity after another
 *
 * Each question "do all items fit below C?" goes to a portfolio of depth-first searches (pack_search.h) that differ in the section
 * branched on and in the item tried first.  Where one search never ends, another often succeeds at once.  So a number of small budgets
 * is better than one large budget (Luby, Sinclair and Zuckerman 1993).  The first capacity is the bound, the load of the busiest moment, which is reachable
 * more often than not.  Then come the rungs of a ladder from there up to the best known arena.  A search that ends within its budget
 * without a placement proves its capacity impossible and raises the bound.  For a list of its own with given offsets, a search that fills the
 * gaps beside them (pack_gaps.h) ends the first rounds.
 *
 * The strategies of one round run in parallel.  The winner is the first in the table that fits, for any number of threads, so the same
 * problem gives the same offsets.
 */
#include <config.h>
#include <string.h>

#include "planner/placement/pack_gaps.h"
#include "planner/placement/pack_search.h"
#include "planner/placement/placement.h"
#include "src/base/clock.h"
#include "src/base/threads.h"

enum {
	MOST_ITEMS = 6000,		/* every node of the search looks at each open item */
	FIRST_WORK = 300000,		/* of one search in the first round */
	MOST_WORK = 30000000,		/* of all together without a time limit */
	THOROUGH_WORK = 60000000,	/* the same for a list of its own */
	MOST_DESCENDING = 1500,		/* items: above, a descent before the orders is too slow */
	MOST_DESCENTS = 48,		/* or so many descents of a large one */
	BOUND_SHARE = 8,		/* the question at the bound gets 8 times the work of a question at another rung */
	FAR = 16,			/* an arena that is over the bound by more than this part of it: the highest rung gets as much work, too */
	HOPELESS_SHARE = 8,		/* a problem of a planner's search that cannot fit gets an eighth, for the arena of its error message */
	GAPS_SHARE = 16,		/* 8 .. 32: the search of the gaps gets 16 times the work of a strategy, about 0.3 s */
	GAPS_ROUNDS = 3,		/* 1 .. 7: in each of so many rounds at the bound; higher capacities leave gaps that may stay empty */
	LADDER = 4
};

struct exact_placement {
	const struct place_problem *p;
	struct place_result *r;
	struct arena *arena;
	struct sections s;
	bytes_t low, high;		/* arenas below low are impossible; high has been found */
	double deadline_s;
	bytes_t *outside;		/* [p->count] offsets of the items outside the search */
	struct { bytes_t asked; struct pack_memo *of[MOST_STRATEGIES]; } memo[2];	/* [0]: at the bound, [1]: at the latest rung */
	uint64_t work, most_work;	/* spent so far; the search ends there, unless it has a deadline */
	level_t *levels;		/* [strategy_count + 1][item_count], the last of the search of the gaps */
};

/* Returns Luby's sequence 1 1 2 1 1 2 4 1 1 2 ... at i = 1, 2, 3 ... */
static uint64_t
luby(uint64_t i)
{
	uint64_t k = 1;

	while ((UINT64_C(1) << k) - 1 < i)
		k++;
	while ((UINT64_C(1) << k) - 1 != i) {
		i -= (UINT64_C(1) << (k - 1)) - 1;
		for (k = 1; (UINT64_C(1) << k) - 1 < i; k++)
			;
	}
	return UINT64_C(1) << (k - 1);
}

static void
accept(struct exact_placement *x, const level_t *level)
{
	bytes_t most = x->s.given_end > x->s.floor ? x->s.given_end : x->s.floor;

	memcpy(x->r->offsets, x->outside, sizeof(*x->outside) * x->p->count);
	for (int i = 0; i < x->s.item_count; i++) {
		const struct packed *p = &x->s.items[i];
		bytes_t end = x->s.floor + (bytes_t)(level[i] + p->size - 1) * x->s.unit + p->tail;

		x->r->offsets[p->item] = x->s.floor + (bytes_t)level[i] * x->s.unit;
		most = end > most ? end : most;
	}
	x->high = x->r->arena_bytes = most;
}

/* Returns the memory of states for a capacity, emptied when it belonged to another one. */
static struct pack_memo **
memo_for(struct exact_placement *x, bytes_t capacity)
{
	int which = capacity != x->low;

	for (int i = 0; i < strategy_count && x->memo[which].asked != capacity; i++)
		if (x->memo[which].of[i] != NULL)
			pack_memo_clear(x->memo[which].of[i]);
	x->memo[which].asked = capacity;
	return x->memo[which].of;
}

/* One strategy's search, with an arena of its own. */
struct asking {
	const struct exact_placement *x;
	bytes_t capacity;
	uint64_t seed;
	struct pack_limits limits;
	struct pack_memo *memo;
	struct arena arena;
	enum pack_answer answer;
};

static int
ask_one(void *arg)
{
	struct asking *q = arg;
	int i = q->limits.self;
	level_t *levels = q->x->levels + (size_t)i * (size_t)q->x->s.item_count;
	bytes_t capacity = q->capacity - q->x->s.floor;

	q->answer = i == strategy_count ? pack_gaps(levels, &q->x->s, capacity, q->seed, &q->limits, &q->arena) :
	    pack_search(levels, &q->x->s, capacity, &strategies[i], q->seed, &q->limits, q->memo, &q->arena);
	return 0;
}

/* One round: every strategy once, or one of them, with the same budget, then the search of the gaps. */
struct asking_round {
	const struct exact_placement *x;
	bytes_t capacity;
	uint64_t round, work;
	struct pack_memo **memo;
	bool fills;			/* the search of the gaps, too, with work of its own */
	bool descends;			/* only the strategy of a descent */
	enum pack_answer answers[MOST_STRATEGIES + 1];
	atomic_int winner;		/* the first in the table that fits; strategy_count: none yet, or the search of the gaps */
	atomic_bool starved;		/* memory ran out */
};

/* Runs strategy i, unless one before it fits already; strategy_count: the search of the gaps. */
static void
ask_strategy(struct asking_round *k, int i)
{
	const struct exact_placement *x = k->x;
	bool fills = i == strategy_count;
	struct asking q = { .x = x, .capacity = k->capacity, .seed = k->round == 0 ? 0 : k->round * 64 + (uint64_t)i,
	    .memo = fills ? NULL : k->memo[i], .arena = ARENA_INIT, .answer = PACK_GAVE_UP,
	    .limits = { .work = fills ? GAPS_SHARE * k->work : k->work, .deadline_s = x->deadline_s,
	    .stopped = x->p->stopped, .user = x->p->user, .winner = &k->winner, .self = i } };
	struct err ignored = ERR_INIT;

	if (atomic_load(&k->winner) >= i && arena_run(&q.arena, ask_one, &q, &ignored) < 0)
		atomic_store(&k->starved, true);
	k->answers[i] = q.answer;
	if (q.answer != PACK_GAVE_UP) {
		int best = atomic_load(&k->winner);

		while (i < best && !atomic_compare_exchange_weak(&k->winner, &best, i))
			;
	}
	arena_free(&q.arena);
}

/* Makes the memories of states of strategies [from, to) that were not asked before. */
static void
need_memos(struct asking_round *k, int from, int to)
{
	for (int i = from; i < to; i++)
		if (k->memo[i] == NULL)
			k->memo[i] = pack_memo_new(k->x->arena);
}

/* Runs the strategies of one round: the first alone, because most questions end with it and waiting threads cost processor time, then the
 * others in parallel.  One thread does not enter OpenMP (threads.h). */
static void
ask_all(struct asking_round *k)
{
	int threads = threads_for(k->x->p->threads), n = strategy_count;

	if (k->descends) {
		need_memos(k, descent_strategy, descent_strategy + 1);
		ask_strategy(k, descent_strategy);
		return;
	}
	need_memos(k, 0, 1);
	ask_strategy(k, 0);
	if (atomic_load(&k->winner) == 0)
		return;
	need_memos(k, 1, n);
	if (threads == 1) {
		for (int i = 1; i < n; i++)
			ask_strategy(k, i);
		return;
	}
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
#endif
	for (int i = 1; i < n; i++)
		ask_strategy(k, i);
}

/* Returns the answer of a round. */
static enum pack_answer
ask(struct exact_placement *x, bytes_t capacity, uint64_t round, uint64_t work, bool descends)
{
	struct asking_round k = { .x = x, .capacity = capacity, .round = round, .work = work, .memo = memo_for(x, capacity),
	    .fills = x->p->thorough && x->s.any_given && capacity == x->low && round < GAPS_ROUNDS, .descends = descends };
	bool never = false;

	for (int i = 0; i <= strategy_count; i++)
		k.answers[i] = PACK_GAVE_UP;
	atomic_init(&k.winner, strategy_count);
	atomic_init(&k.starved, false);
	ask_all(&k);
	if (k.fills && atomic_load(&k.winner) == strategy_count)
		ask_strategy(&k, strategy_count);
	if (atomic_load(&k.starved))
		arena_fail(x->arena);
	x->work += work * (uint64_t)(descends ? 1 : strategy_count);
	for (int i = 0; i <= strategy_count; i++) {
		if (k.answers[i] == PACK_FITS) {
			accept(x, x->levels + (size_t)i * (size_t)x->s.item_count);
			return PACK_FITS;
		}
		never |= k.answers[i] == PACK_NEVER;
	}
	return never ? PACK_NEVER : PACK_GAVE_UP;
}

/* Returns the capacity of rung i = 1..LADDER, in growing steps from the bound up to the best known arena. */
static bytes_t
rung(const struct exact_placement *x, int i)
{
	return x->low + ((x->high - x->low) / x->s.step >> (LADDER - i + 1)) * x->s.step;
}

static bool
is_done(const struct exact_placement *x)
{
	return x->high <= x->low || placement_stopped(x->p) ||
	    (x->p->capacity > 0 && x->high <= x->p->capacity) ||
	    (x->deadline_s > 0 ? clock_seconds() > x->deadline_s : x->work >= x->most_work);
}

/* Takes the answer to a question for capacity c; true: it fits.  A proof that it does not raises the bound. */
static bool
take_answer(struct exact_placement *x, bytes_t c, enum pack_answer answer)
{
	if (answer == PACK_NEVER) {
		x->low = c - c % x->s.step + x->s.step;
		if (x->low > x->r->bound_bytes)
			x->r->bound_bytes = x->low;
	}
	if (answer != PACK_GAVE_UP)
		placement_tell(x->p, x->r);
	return answer == PACK_FITS;
}

/* Asks for capacity c with `work` a search; true: it fits. */
static bool
try_capacity(struct exact_placement *x, bytes_t c, uint64_t round, uint64_t work)
{
	return take_answer(x, c, ask(x, c, round, work, false));
}

/* Returns the work of a descent from the first item to the last, with few steps back: every node looks at each open item. */
static uint64_t
descent_work(const struct exact_placement *x)
{
	uint64_t n = (uint64_t)x->s.item_count;

	return n * (n * 9 / 16 + 16);
}

/* Returns the work of the first round, in which every strategy has its turn: for a list of its own, a descent at least. */
static uint64_t
first_work(const struct exact_placement *x)
{
	uint64_t share = x->p->work / (uint64_t)strategy_count, first = FIRST_WORK;

	if (x->p->thorough && descent_work(x) > first)
		first = descent_work(x);
	return x->p->work > 0 && share < first ? share : first;
}

/* Returns the work of a question at a rung, if a question at the bound has so much. */
static uint64_t
rung_work(const struct exact_placement *x, uint64_t work)
{
	return x->p->thorough && work / BOUND_SHARE < descent_work(x) ? descent_work(x) : work / BOUND_SHARE;
}

/* Gives the search its work or its time from now on. */
static void
allow(struct exact_placement *x, double time_s)
{
	uint64_t most = x->p->work > 0 ? x->p->work : MOST_WORK;

	if (x->p->thorough && x->p->work == 0)
		most = THOROUGH_WORK > MOST_DESCENTS * descent_work(x) ? THOROUGH_WORK : MOST_DESCENTS * descent_work(x);
	if (!x->p->thorough && x->p->capacity > 0 && x->low > x->p->capacity)
		most /= HOPELESS_SHARE;
	x->most_work = x->work + most;
	x->deadline_s = time_s > 0 ? clock_seconds() + time_s : 0;
}

/* Asks for the given capacity alone. */
static void
ask_given(struct exact_placement *x)
{
	for (uint64_t round = 0; !is_done(x) && x->low <= x->p->capacity; round++)
		try_capacity(x, x->p->capacity, round, first_work(x) * luby(round + 1));
}

/* Asks for the bound, then halves the way from a capacity that did not fit to the best arena, with half of the work.  For problems so large that
 * few descents are left for the rungs of the first round. */
static void
halve(struct exact_placement *x)
{
	bytes_t floor = x->low;
	uint64_t most = x->most_work;
	bool fits = try_capacity(x, floor, 0, first_work(x));

	x->most_work -= most / 2;
	while (!fits && !is_done(x)) {
		bytes_t c = floor + (x->high - floor) / x->s.step / 2 * x->s.step;

		if (c <= floor || c < x->low)
			break;
		if (!try_capacity(x, c, 0, first_work(x)))
			floor = c;
	}
	x->most_work = most;
}

/* Asks for the bound and the rungs in one round after the other. */
static void
climb(struct exact_placement *x)
{
	uint64_t round = 0;

	if (first_work(x) > FIRST_WORK) {
		halve(x);
		round++;
	}
	for (; !is_done(x); round++) {
		uint64_t work = first_work(x) * luby(round + 1);

		if (try_capacity(x, x->low, round, work))
			continue;
		for (int i = 1; i <= LADDER && !is_done(x); i++) {
			bytes_t c = rung(x, i);

			if (c > x->low && c < x->high && try_capacity(x, c, round, i == LADDER && x->high - x->low > x->low / FAR ? work : rung_work(x, work)))
				break;
		}
	}
}

/* Fills x from a problem with a placement in r; false: it is too large for the search, or needs none. */
static bool
exact_init(struct exact_placement *x, struct place_result *r, const struct place_problem *p, struct arena *a)
{
	bytes_t bound;

	*x = (struct exact_placement) { .p = p, .r = r, .arena = a };
	if (r->arena_bytes <= placement_target(p, r))
		return false;
	x->outside = ARENA_NEW(a, bytes_t, p->count);
	if (!sections_init(&x->s, p, x->outside, a) || x->s.item_count == 0 || x->s.item_count > MOST_ITEMS)
		return false;
	bound = pack_root_bound(&x->s, a);
	if (bound > r->bound_bytes)
		r->bound_bytes = bound;
	x->levels = ARENA_NEW(a, level_t, (size_t)(strategy_count + 1) * (size_t)x->s.item_count);
	x->low = bytes_align(r->bound_bytes, x->s.step);
	x->high = r->arena_bytes;
	return true;
}

void
place_descent(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	struct exact_placement x;
	bytes_t target;

	if (p->count > MOST_DESCENDING || !exact_init(&x, r, p, a))
		return;
	target = bytes_align(placement_target(p, r), x.s.step);
	take_answer(&x, target, ask(&x, target, 0, descent_work(&x), true));
}

void
place_exact(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	struct exact_placement x;

	if (!exact_init(&x, r, p, a))
		return;
	if (p->capacity > 0) {
		allow(&x, p->time_limit_s / 2);
		ask_given(&x);
	}
	/* The search without a capacity finds what the question for the capacity alone did not; so a capacity never harms. */
	allow(&x, p->capacity > 0 ? p->time_limit_s / 2 : p->time_limit_s);
	climb(&x);
}
