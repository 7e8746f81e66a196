/* SPDX-License-Identifier: Apache-2.0 */
/* place_exact.c - the smallest arena, found by a search for one capacity after another
 *
 * Each question "do all items fit below C?" goes to a portfolio of depth-first searches (pack_search.h) that differ in the section
 * branched on and in the item tried first.  Where one search never ends, another often succeeds at once.  So a number of small budgets
 * is better than one large budget (Luby, Sinclair and Zuckerman 1993).  The first capacity is the bound, the load of the busiest moment, which is reachable
 * more often than not.  Then come the rungs of a ladder from there up to the best known arena.  A search that ends within its budget
 * without a placement proves its capacity impossible and raises the bound.
 *
 * The strategies of one round run in parallel.  The winner is the first in the table that fits, for any number of threads, so the same
 * problem gives the same offsets.
 */
#include <config.h>
#include <string.h>

#include "planner/placement/pack_search.h"
#include "planner/placement/placement.h"
#include "src/base/clock.h"
#include "src/base/threads.h"

enum {
	MOST_ITEMS = 6000,		/* every node of the search looks at each open item */
	FIRST_WORK = 300000,		/* of one search in the first round */
	MOST_WORK = 30000000,		/* of all together without a time limit */
	BOUND_SHARE = 8,		/* the question at the bound gets 8 times the work of a question at another rung */
	LADDER = 4
};

struct exact_placement {
	const struct place_problem *p;
	struct place_result *r;
	struct arena *arena;
	struct sections s;
	level_t low, high;		/* capacities below low are impossible; high has been found */
	double deadline_s;
	bytes_t *outside;		/* [p->count] offsets of the items outside the search */
	struct { level_t asked; struct pack_memo *of[MOST_STRATEGIES]; } memo[2];	/* [0]: at the bound, [1]: at the latest rung */
	uint64_t work;			/* spent so far */
	level_t *levels;		/* [strategy_count][item_count] */
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

static bytes_t
arena_of(const struct exact_placement *x, level_t level)
{
	return bytes_align(x->s.floor + (bytes_t)level * x->s.unit, x->p->align);
}

static void
accept(struct exact_placement *x, const level_t *level)
{
	level_t most = 0;

	memcpy(x->r->offsets, x->outside, sizeof(*x->outside) * x->p->count);
	for (int i = 0; i < x->s.item_count; i++) {
		const struct packed *p = &x->s.items[i];

		x->r->offsets[p->item] = x->s.floor + (bytes_t)level[i] * x->s.unit;
		most = level[i] + p->size > most ? level[i] + p->size : most;
	}
	for (int i = 0; i < x->s.obstacle_count; i++)
		most = x->s.obstacles[i].top > most ? x->s.obstacles[i].top : most;
	x->high = most;
	x->r->arena_bytes = arena_of(x, most);
}

/* Returns the memory of states for a capacity, emptied when it belonged to another one. */
static struct pack_memo **
memo_for(struct exact_placement *x, level_t capacity)
{
	int which = capacity != x->low;

	if (x->memo[which].asked != capacity)
		for (int i = 0; i < strategy_count; i++)
			pack_memo_clear(x->memo[which].of[i]);
	x->memo[which].asked = capacity;
	return x->memo[which].of;
}

/* One strategy's search, with an arena of its own. */
struct asking {
	const struct exact_placement *x;
	level_t capacity;
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

	q->answer = pack_search(q->x->levels + (size_t)i * (size_t)q->x->s.item_count, &q->x->s, q->capacity, &strategies[i], q->seed,
	    &q->limits, q->memo, &q->arena);
	return 0;
}

/* One round: every strategy once, with the same budget. */
struct asking_round {
	const struct exact_placement *x;
	level_t capacity;
	uint64_t round, work;
	struct pack_memo **memo;
	enum pack_answer answers[MOST_STRATEGIES];
	atomic_int winner;		/* the first in the table that fits; strategy_count: none yet */
	atomic_bool starved;		/* memory ran out */
};

/* Runs strategy i, unless one before it fits already. */
static void
ask_strategy(struct asking_round *k, int i)
{
	const struct exact_placement *x = k->x;
	struct asking q = { .x = x, .capacity = k->capacity, .seed = k->round == 0 ? 0 : k->round * 64 + (uint64_t)i, .memo = k->memo[i],
	    .arena = ARENA_INIT, .answer = PACK_GAVE_UP, .limits = { .work = k->work, .deadline_s = x->deadline_s,
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

/* Runs the strategies of one round in parallel.  One thread does not enter OpenMP (threads.h). */
static void
ask_all(struct asking_round *k)
{
	int threads = threads_for(k->x->p->threads), n = strategy_count;

	if (threads == 1) {
		for (int i = 0; i < n; i++)
			ask_strategy(k, i);
		return;
	}
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
#endif
	for (int i = 0; i < n; i++)
		ask_strategy(k, i);
}

/* Returns the answer of a round. */
static enum pack_answer
ask(struct exact_placement *x, level_t capacity, uint64_t round, uint64_t work)
{
	struct asking_round k = { .x = x, .capacity = capacity, .round = round, .work = work, .memo = memo_for(x, capacity) };
	bool never = false;

	atomic_init(&k.winner, strategy_count);
	atomic_init(&k.starved, false);
	ask_all(&k);
	if (atomic_load(&k.starved))
		arena_fail(x->arena);
	x->work += work * (uint64_t)strategy_count;
	for (int i = 0; i < strategy_count; i++) {
		if (k.answers[i] == PACK_FITS) {
			accept(x, x->levels + (size_t)i * (size_t)x->s.item_count);
			return PACK_FITS;
		}
		never |= k.answers[i] == PACK_NEVER;
	}
	return never ? PACK_NEVER : PACK_GAVE_UP;
}

/* Returns the capacity of rung i = 1..LADDER, in growing steps from the bound up to the best known arena. */
static level_t
rung(const struct exact_placement *x, int i)
{
	return x->low + ((x->high - x->low) >> (LADDER - i + 1));
}

static bool
is_done(const struct exact_placement *x)
{
	return x->high <= x->low || placement_stopped(x->p) || (x->p->capacity > 0 && x->r->arena_bytes <= x->p->capacity) ||
	    (x->deadline_s > 0 ? clock_seconds() > x->deadline_s : x->work >= (x->p->work > 0 ? x->p->work : MOST_WORK));
}

/* Asks for capacity c with `work` a search; true: it fits.  A proof that it does not raises the bound. */
static bool
try_capacity(struct exact_placement *x, level_t c, uint64_t round, uint64_t work)
{
	enum pack_answer answer = ask(x, c, round, work);

	if (answer == PACK_NEVER) {
		x->low = c + 1;
		if (arena_of(x, x->low) > x->r->bound_bytes)
			x->r->bound_bytes = arena_of(x, x->low);
	}
	if (answer != PACK_GAVE_UP)
		placement_tell(x->p, x->r);
	return answer == PACK_FITS;
}

/* Returns the work of the first round, in which every strategy has its turn. */
static uint64_t
first_work(const struct exact_placement *x)
{
	uint64_t share = x->p->work / (uint64_t)strategy_count;

	return x->p->work > 0 && share < FIRST_WORK ? share : FIRST_WORK;
}

static void
climb(struct exact_placement *x)
{
	for (uint64_t round = 0; !is_done(x); round++) {
		uint64_t work = first_work(x) * luby(round + 1);

		if (x->p->capacity > 0) {	/* a given capacity is the only question */
			level_t c = (level_t)((x->p->capacity - x->s.floor) / x->s.unit);

			if (c < x->low)
				return;
			try_capacity(x, c, round, work);
			continue;
		}
		if (try_capacity(x, x->low, round, work))
			continue;
		for (int i = 1; i <= LADDER && !is_done(x); i++) {
			level_t c = rung(x, i);

			if (c > x->low && c < x->high && try_capacity(x, c, round, work / BOUND_SHARE))
				break;
		}
	}
}

void
place_exact(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	struct exact_placement x = { .p = p, .r = r, .arena = a };

	if (r->arena_bytes <= r->bound_bytes || (p->capacity > 0 && r->arena_bytes <= p->capacity))
		return;
	x.outside = ARENA_NEW(a, bytes_t, p->count);
	sections_init(&x.s, p, x.outside, a);
	if (x.s.item_count == 0 || x.s.item_count > MOST_ITEMS || x.s.floor > r->bound_bytes ||
	    (p->capacity > 0 && p->capacity < r->bound_bytes))
		return;
	x.levels = ARENA_NEW(a, level_t, (size_t)strategy_count * (size_t)x.s.item_count);
	for (int i = 0; i < strategy_count; i++)
		x.memo[0].of[i] = pack_memo_new(a), x.memo[1].of[i] = pack_memo_new(a);
	x.deadline_s = p->time_limit_s > 0 ? clock_seconds() + p->time_limit_s : 0;
	x.low = (level_t)((r->bound_bytes - x.s.floor + x.s.unit - 1) / x.s.unit);
	x.high = (level_t)((r->arena_bytes - x.s.floor) / x.s.unit);
	climb(&x);
}
