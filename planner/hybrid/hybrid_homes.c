/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_homes.c - chooses at one fullest op after the other, with a ledger of the link's idle time around it
 *
 * The ledger knows op times without stalls.  A set of copies is in time if, from every moment on (or up to it), the bytes that the link can
 * only copy then are at most what it copies in that time.
 */
#include <config.h>
#include "planner/hybrid/hybrid_homes.h"

#include <string.h>

#include "planner/hybrid/hybrid_heuristics.h"
#include "planner/schedule/homes.h"
#include "src/base/rank.h"

/* A choice under way.  The trees say how many bytes more than the link copies are chosen. */
struct home_choice {
	struct model *m;
	uint32_t k;			/* the op at hand */
	struct ranked *across;		/* [count] the idle intervals of persistent tensors across k, next use farthest first */
	uint32_t count;
	struct segment_tree out;	/* copies out from op i on, before k */
	struct segment_tree in;		/* copies in after k, before op i */
	struct segment_tree late;	/* copies out from op i on, before the step's end */
	struct segment_tree lack;	/* bytes by op that persistent tensors still have to free */
	int64_t pinnable;		/* bytes that the host may still pin */
};

/* Bytes that the link copies one way in the time of ops from .. to - 1. */
static int64_t
copied_in(const struct model *m, enum direction dir, uint32_t from, uint32_t to)
{
	return from >= to ? 0 : (int64_t)((m->start_us[to] - m->start_us[from]) * (double)RATE_BYTES / device_busy_us(m->device, dir, RATE_BYTES));
}

static bool
is_written(const struct model *m, uint32_t t)
{
	return versions_before(&m->versions, t, m->graph->op_count) > 0;
}

/* True: the tensor of interval j is absent there under all decisions, because its home on the host is given. */
static bool
is_given(const struct model *m, const struct model_interval *j)
{
	return m->life->homes != NULL && model_at_home(m, j);
}

/* Enters the copies of interval j.  A tensor at home on the host is copied out after its last use. */
static void
enter(struct home_choice *c, const struct model_interval *j)
{
	const struct model *m = c->m;

	if (m->on_host[j->idle.tensor] && is_written(m, j->idle.tensor))
		segment_tree_add(&c->late, 0, m->life->last[j->idle.tensor] + 1, j->bytes);
	else if (!m->on_host[j->idle.tensor])
		segment_tree_add(&c->out, 0, j->idle.from + 1, j->bytes);
	segment_tree_add(&c->in, j->idle.to, m->graph->op_count, j->bytes);
}

/* Turns to op k: lists the intervals across it, and enters those chosen already. */
static void
turn_to(struct home_choice *c, uint32_t k)
{
	const struct model *m = c->m;
	uint32_t n = m->graph->op_count;
	int64_t *out = ARENA_NEW(m->arena, int64_t, n), *in = ARENA_NEW(m->arena, int64_t, n), *late = ARENA_NEW(m->arena, int64_t, n);

	c->k = k;
	c->count = 0;
	for (uint32_t i = 0; i < n; i++) {
		out[i] = -copied_in(m, D2H, i, k);
		in[i] = -copied_in(m, H2D, k + 1, i);
		late[i] = -copied_in(m, D2H, i, n);
	}
	segment_tree_init(&c->out, out, n, m->arena);
	segment_tree_init(&c->in, in, n, m->arena);
	segment_tree_init(&c->late, late, n, m->arena);
	for (uint32_t i = 0; i < m->interval_count; i++) {
		const struct model_interval *j = &m->intervals[i];

		if (!kind_is_persistent(m->graph->tensors[j->idle.tensor].kind))
			continue;
		if (m->away[i])
			enter(c, j);
		else if ((m->life->homes != NULL ? !is_given(m, j) : !m->on_host[j->idle.tensor]) && j->idle.from <= k && k < j->idle.to)
			c->across[c->count++] = (struct ranked) { j->idle.to, (double)j->bytes, i };
	}
	rank_falling(c->across, c->count);
}

static bool
is_in_time(const struct home_choice *c, const struct model_interval *j)
{
	uint32_t n = c->m->graph->op_count;

	return j->idle.to < n && segment_tree_max(&c->in, j->idle.to, n) + j->bytes <= 0;
}

/* Chooses interval i, of a tensor that stays at home on the device.  Returns its bytes. */
static int64_t
choose(struct home_choice *c, uint32_t i)
{
	struct model *m = c->m;
	const struct model_interval *j = &m->intervals[i];

	m->away[i] = true;
	c->pinnable -= j->bytes;
	segment_tree_add(&c->lack, j->idle.from, j->idle.to, -j->bytes);
	enter(c, j);
	return j->bytes;
}

/* Moves a tensor's home to the host.  It is away across op k, before its first use and after its last one.  Returns its bytes. */
static int64_t
move_home(struct home_choice *c, uint32_t i)
{
	struct model *m = c->m;
	uint32_t t = m->intervals[i].idle.tensor, n = m->graph->op_count;

	m->on_host[t] = true;
	segment_tree_add(&m->host, 0, n, m->intervals[i].bytes);
	if (m->intervals[i].idle.from > 0)
		segment_tree_add(&c->lack, 0, m->life->first[t], -m->intervals[i].bytes);
	if (m->intervals[i].idle.to < n)
		segment_tree_add(&c->lack, m->life->last[t] + 1, n, -m->intervals[i].bytes);
	return choose(c, i);
}

/* True: at home on the host, the tensor of interval j takes one copy, because the step never writes it; at home on the device, two. */
static bool
is_cheaper_on_host(const struct home_choice *c, const struct model_interval *j)
{
	return c->m->life->first[j->idle.tensor] > c->k && !is_written(c->m, j->idle.tensor);
}

/* Lets tensors leave the device, the next use farthest first, as long as their copies are in time.  Returns their bytes. */
static int64_t
leave(struct home_choice *c, int64_t wanted)
{
	const struct model *m = c->m;
	int64_t bytes = 0;

	for (uint32_t x = 0; x < c->count && bytes < wanted; x++) {
		const struct model_interval *j = &m->intervals[c->across[x].id];

		if (j->bytes <= c->pinnable && !is_cheaper_on_host(c, j) && is_in_time(c, j) && segment_tree_max(&c->out, 0, j->idle.from + 1) + j->bytes <= 0)
			bytes += choose(c, c->across[x].id);
	}
	return bytes;
}

/* Which tensors may move their home: those of which the step needs nothing more after op k, those whose copies are in time, those not used
 * before op k, all. */
enum movable { DONE, IN_TIME, USED_LATER, ANY };

static bool
may_move(const struct home_choice *c, uint32_t i, enum movable which)
{
	const struct model *m = c->m;
	const struct model_interval *j = &m->intervals[i];
	uint32_t first = m->life->first[j->idle.tensor], last = m->life->last[j->idle.tensor];

	if (m->life->homes != NULL || m->away[i] || j->bytes > c->pinnable || first == 0 || last + 1 == m->graph->op_count)
		return false;
	if (which == DONE)
		return j->idle.to == m->graph->op_count && !is_written(m, j->idle.tensor) && m->start_us[first] >= j->copy_us[H2D];
	if (which == IN_TIME && !(is_in_time(c, j) && (!is_written(m, j->idle.tensor) || segment_tree_max(&c->late, 0, last + 1) + j->bytes <= 0)))
		return false;
	return which == ANY || first > c->k;
}

/* Moves homes to the host, evenly spread over the tensors that may move, so that the link is evenly busy.  Returns their bytes. */
static int64_t
move_homes(struct home_choice *c, int64_t wanted, enum movable which)
{
	const struct model *m = c->m;
	int64_t all = 0, bytes = 0;
	double share, due = 0;

	for (uint32_t x = 0; x < c->count; x++)
		all += may_move(c, c->across[x].id, which) ? m->intervals[c->across[x].id].bytes : 0;
	share = all > wanted ? (double)wanted / (double)all : 1;
	for (uint32_t x = 0; x < c->count && bytes < wanted; x++) {
		uint32_t i = c->across[x].id;

		if (!may_move(c, i, which))
			continue;
		due += share * (double)m->intervals[i].bytes;
		if ((double)bytes + (double)m->intervals[i].bytes / 2 <= due)
			bytes += move_home(c, i);
	}
	return bytes;
}

/* The bytes that the step's first or last op lacks: only homes on the host help there. */
static int64_t
lack_of_ends(const struct home_choice *c)
{
	int64_t first = segment_tree_at(&c->lack, 0), last = segment_tree_at(&c->lack, c->m->graph->op_count - 1);

	return first > last ? first : last;
}

/* Frees what op k lacks, if enough persistent tensors may be away there.  False: none may. */
static bool
relieve(struct home_choice *c, uint32_t k)
{
	int64_t wanted = segment_tree_at(&c->lack, k), ends = lack_of_ends(c), got;

	if (wanted <= 0)
		return false;
	turn_to(c, k);
	got = leave(c, ends > 0 ? wanted - ends : wanted);
	for (int which = DONE; which <= ANY && got < wanted; which++)
		got += move_homes(c, wanted - got, (enum movable)which);
	return got > 0;
}

/* Finds what persistent tensors have to free: the bytes over the budget, less the part 1 - `part` of those that transient tensors could free. */
static void
find_lack(struct home_choice *c, double part)
{
	struct model *m = c->m;
	uint32_t n = m->graph->op_count;
	int64_t *lack = ARENA_NEW(m->arena, int64_t, (size_t)n + 1), *change = ARENA_NEW(m->arena, int64_t, (size_t)n + 1), sum = 0;

	for (uint32_t i = 0; i < m->interval_count; i++) {
		const struct model_interval *j = &m->intervals[i];

		if (kind_is_persistent(m->graph->tensors[j->idle.tensor].kind))
			continue;
		change[j->idle.from] += j->bytes;
		change[j->idle.to] -= j->bytes;
	}
	for (uint32_t k = 0; k < n; k++) {
		sum += change[k];
		lack[k] = segment_tree_at(&m->over, k) - (int64_t)((1 - part) * (double)sum);
	}
	segment_tree_init(&c->lack, lack, n, m->arena);
	for (uint32_t i = 0; i < m->interval_count; i++)
		if (is_given(m, &m->intervals[i]))
			segment_tree_add(&c->lack, m->intervals[i].idle.from, m->intervals[i].idle.to, -m->intervals[i].bytes);
}

/* Takes the homes that are given.  A tensor at home on the host is absent before its first use and after its last. */
static void
take_given(struct model *m)
{
	const struct graph *g = m->graph;

	memcpy(m->on_host, m->life->homes->on_host, sizeof(*m->on_host) * g->tensor_count);
	segment_tree_add(&m->host, 0, g->op_count, (int64_t)m->life->homes->host_bytes);
}

void
homes_choose(struct model *m, double part)
{
	struct home_choice c = { .m = m, .across = ARENA_NEW(m->arena, struct ranked, m->interval_count) };

	if (m->life->homes != NULL)
		take_given(m);
	c.pinnable = -segment_tree_max_all(&m->host);
	if (segment_tree_max_all(&m->over) <= 0)
		return;
	find_lack(&c, part);
	while (relieve(&c, segment_tree_argmax(&c.lack)))
		;
	relieve(&c, 0);
	relieve(&c, m->graph->op_count - 1);
}
