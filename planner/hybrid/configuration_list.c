/* SPDX-License-Identifier: Apache-2.0 */
/* configuration_list.c - the values that parameters may take, in starts and in neighbours */
#include <config.h>
#include "planner/hybrid/configuration_list.h"

#include <assert.h>
#include <math.h>

#define LENGTH(list) ((int)(sizeof(list) / sizeof((list)[0])))

/* The first configurations are every combination of these.  The most useful come first, because large graphs evaluate only those. */
static const double shares[] = { 0, 0.8, 1, 0.5, 0.3, 2 };
static const int checkpoints[] = { 14, 0, 40 };

/* The values of neighbours; of the share, their factors. */
static const double share_factors[] = { 0.7, 0.85, 0.95, 1.05, 1.15, 1.4 };
static const int other_checkpoints[] = { 0, 7, 10, 14, 20, 28, 40 };
static const double holds[] = { START_HOLD, 0, 0.1, 0.35 };
static const int look_aheads[] = { 0, 1, 4, 8, 24 };
static const double homes[] = { 0, 0.3, 1, 0.15, 0.6 };	/* of the first configurations, in turn, where persistent tensors move */
static const double home_steps[] = { -0.2, -0.07, -0.02, 0.02, 0.07, 0.2 };
static const double squeezes[] = { 1, 0.98, 0.95, 0.9 };

_Static_assert((int)STARTS == LENGTH(checkpoints) + 1 + (LENGTH(shares) - 1) * LENGTH(checkpoints) * ORDERS, "all combinations");
_Static_assert((int)MOST_NEIGHBOURS == LENGTH(share_factors) + LENGTH(other_checkpoints) + LENGTH(holds) + LENGTH(look_aheads) + LENGTH(home_steps) +
    LENGTH(squeezes) + 1, "all values");

/* Returns the i-th of STARTS, where persistent tensors stay. */
static struct configuration
configuration_at(int i)
{
	struct configuration c = configuration_default;
	int rest = i - LENGTH(checkpoints) - 1;

	c.checkpoints = checkpoints[i % LENGTH(checkpoints)];
	if (i < LENGTH(checkpoints))		/* nothing is offloaded by choice: no order */
		return c;
	if (i == LENGTH(checkpoints)) {		/* nothing is dropped: reruns need no memory of their own */
		c.share = 1;
		c.look_ahead = 0;
		return c;
	}
	c.share = shares[1 + rest / (LENGTH(checkpoints) * ORDERS)];
	c.order = (enum order)(rest % ORDERS);
	c.checkpoints = checkpoints[rest / ORDERS % LENGTH(checkpoints)];
	return c;
}

/* The first configurations where persistent tensors move, before those of configuration_at(): what won the searches of language models with
 * their optimizer's state. */
static const struct { double share; enum order order; int checkpoints; double homes; int look_ahead; } moving_starts[] = {
	{ 0.95, BY_SPAN_AND_COST, 14, 0.15, 8 },
	{ 0.92, BY_SPAN_AND_COST, 0, 1, 8 },
	{ 0.8, BY_SPAN_AND_COST, 14, 0.6, 8 },
	{ 0.95, CHECKPOINTS_FIRST, 14, 0.15, 8 },
	{ 0.8, CHECKPOINTS_FIRST, 14, 0, 8 },
	{ 0.8, BY_SPAN, 14, 0.3, 8 },
	{ 1, BY_SPAN, 14, 0.15, 0 },
	{ 0, BY_SPAN, 14, 0, 8 },
	{ 0, BY_SPAN, 0, 0.3, 8 },
	{ 0.95, CHECKPOINTS_FIRST, 0, 0.15, 8 },
};
_Static_assert((int)MOVING_STARTS == LENGTH(moving_starts), "all of them");

struct configuration
configuration_start(int i, const struct freedom *f)
{
	struct configuration c = configuration_at(i);

	if (!f->homes)
		return c;
	c.homes = homes[i % LENGTH(homes)];
	if (i < LENGTH(moving_starts)) {
		c.share = moving_starts[i].share;
		c.order = moving_starts[i].order;
		c.checkpoints = moving_starts[i].checkpoints;
		c.homes = moving_starts[i].homes;
		c.look_ahead = moving_starts[i].look_ahead;
	}
	return c;
}

static void
add_neighbour(struct neighbours *n, const struct configuration *c, bool differs)
{
	if (!differs)
		return;
	assert(n->count < MOST_NEIGHBOURS);
	n->of[n->count++] = *c;
}

void
configuration_neighbours(struct neighbours *n, const struct configuration *c, const struct freedom *f)
{
	n->count = 0;
#define EACH(length, member, value) \
	for (int i = 0; i < (length); i++) { \
		struct configuration other = *c; \
		other.member = value; \
		add_neighbour(n, &other, other.member > c->member || other.member < c->member); \
	}
	EACH(f->gradients ? 1 : 0, gradients, !c->gradients)
	EACH(LENGTH(share_factors), share, c->share * share_factors[i])
	EACH(LENGTH(other_checkpoints), checkpoints, other_checkpoints[i])
	EACH(LENGTH(holds), hold, holds[i])
	EACH(LENGTH(look_aheads), look_ahead, look_aheads[i])
	EACH(f->homes ? LENGTH(home_steps) : 0, homes, fmin(1, fmax(0, c->homes + home_steps[i])))
	EACH(LENGTH(squeezes), squeeze, squeezes[i])
#undef EACH
}

bool
configuration_is_same(const struct configuration *c, const struct configuration *d)
{
	return fabs(c->share - d->share) < 1e-9 && c->order == d->order && c->checkpoints == d->checkpoints &&
	    c->look_ahead == d->look_ahead && fabs(c->homes - d->homes) < 1e-9 &&
	    fabs(c->hold - d->hold) < 1e-9 && c->gradients == d->gradients && fabs(c->squeeze - d->squeeze) < 1e-9;
}
