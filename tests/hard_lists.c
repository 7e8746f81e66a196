/* SPDX-License-Identifier: Apache-2.0 */
/* Makes lists of buffers that are hard to place, as CSV for `layrub place`.
 *
 *   hard_lists KIND COUNT SEED [PERCENT]
 *
 * cut       a rectangle of 2^16 units of 64 bytes by 10,000 times (for up to 100 buffers: 64 units by 40), cut by straight cuts: the
 *           arena of a perfect placement is known
 * pinwheel  the same rectangle, cut into a centre and four blades that no straight cut separates
 * awkward   sizes log-uniform from 1 B to 64 MiB, lifetimes exponential with a mean of PERCENT of all times (default: 1)
 * sync      buffers of four threads that meet at barriers, in pairs, or in a ring; a vector clock tells each thread what it knows of the
 *           others, and a buffer lives until all threads know of its end
 *
 * PERCENT: so many of the buffers of cut and pinwheel have their offset in the perfect placement.  Three of four buffers of these kinds
 * are aligned to 64 bytes.  Same arguments, same bytes.  The kinds follow the generators of omnimalloc (tiling, pinwheel, sync patterns).
 */
#include <config.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/random.h"

enum { UNIT = 64, THREADS = 4, PERIOD = 8 };

static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
	return random_xorshift(&seed) % below;
}

static double
draw_real(void)
{
	return (double)(random_xorshift(&seed) >> 11) * 0x1p-53;
}

/* ---- rectangles that are cut ---- */

struct tile { uint64_t lower, upper, offset, size; };

/* Cuts a tile in two; false: it is too small. */
static int
cut_straight(struct tile *t, struct tile *made)
{
	uint64_t width = t->upper - t->lower;
	int by_size = width < 2 || (t->size >= 2 && draw(2) == 0);

	if (width < 2 && t->size < 2)
		return 0;
	made[0] = *t;
	if (by_size) {
		t->size = 1 + draw(t->size - 1);
		made[0].offset += t->size;
		made[0].size -= t->size;
	} else {
		t->upper = t->lower + 1 + draw(width - 1);
		made[0].lower = t->upper;
	}
	return 1;
}

static int
cut_pinwheel(struct tile *t, struct tile *made)
{
	struct tile c = *t;
	uint64_t width = t->upper - t->lower, p, q;

	if (width < 3 || t->size < 3)
		return 0;
	p = 1 + draw((width - 1) / 2);
	q = 1 + draw((t->size - 1) / 2);
	*t = (struct tile) { c.lower, c.upper - p, c.offset, q };
	made[0] = (struct tile) { c.upper - p, c.upper, c.offset, c.size - q };
	made[1] = (struct tile) { c.lower + p, c.upper, c.offset + c.size - q, q };
	made[2] = (struct tile) { c.lower, c.lower + p, c.offset + q, c.size - q };
	made[3] = (struct tile) { c.lower + p, c.upper - p, c.offset + q, c.size - 2 * q };
	return 4;
}

/* Returns a tile drawn with its area as its weight. */
static uint32_t
draw_tile(const struct tile *tiles, uint32_t count)
{
	uint32_t best = 0;
	double most = -1;

	for (int i = 0; i < 8; i++) {	/* the largest of a few */
		uint32_t k = (uint32_t)draw(count);
		double area = (double)(tiles[k].upper - tiles[k].lower) * (double)tiles[k].size;

		if (area > most) {
			most = area;
			best = k;
		}
	}
	return best;
}

static void
make_tiles(uint32_t count, unsigned percent, int pinwheel)
{
	struct tile *tiles = calloc((size_t)count + 4, sizeof(*tiles));
	uint32_t n = 1, failed = 0;

	if (tiles == NULL)
		exit(3);
	tiles[0] = count > 100 ? (struct tile) { 0, 10000, 0, 65536 } : (struct tile) { 0, 40, 0, 64 };
	while (n < count && failed < 1000000) {
		struct tile *t = &tiles[draw_tile(tiles, n)];
		int made = pinwheel ? cut_pinwheel(t, tiles + n) : cut_straight(t, tiles + n);

		n += (uint32_t)made;
		failed += made == 0;
	}
	puts("id,lower,upper,size,alignment,offset");
	for (uint32_t i = n; i-- > 1;) {	/* shuffled, so that the list's order tells nothing */
		uint32_t k = (uint32_t)draw(i + 1);
		struct tile t = tiles[i];

		tiles[i] = tiles[k];
		tiles[k] = t;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct tile *t = &tiles[i];

		printf("b%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d,", i, t->lower, t->upper, t->size * UNIT, draw(4) ? UNIT : 1);
		if (draw(100) < percent)
			printf("%" PRIu64, t->offset * UNIT);
		puts("");
	}
	free(tiles);
}

/* ---- awkward sizes ---- */

static void
make_awkward(uint32_t count, unsigned percent)
{
	puts("id,lower,upper,size");
	for (uint32_t i = 0; i < count; i++) {
		uint64_t lower = draw(count), life = 1 + (uint64_t)(-log(1 - draw_real()) * count * percent / 100);

		printf("b%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%.0f\n", i, lower, lower + life, floor(exp(draw_real() * log(67108864.0))));
	}
}

/* ---- threads that meet ---- */

static void
merge(uint32_t *x, uint32_t *y)
{
	for (int k = 0; k < THREADS; k++)
		x[k] = y[k] = x[k] > y[k] ? x[k] : y[k];
}

/* Lets the threads meet as the pattern says: 0 barrier, 1 pairs that change, 2 ring. */
static void
meet(uint32_t clocks[THREADS][THREADS], uint32_t step, int pattern)
{
	if (step % PERIOD != 0)
		return;
	for (int k = 0; k < THREADS && pattern == 0; k++)
		for (int l = 0; l < k; l++)
			merge(clocks[k], clocks[l]);
	for (int k = 0; k < THREADS / 2 && pattern == 1; k++)
		merge(clocks[step / PERIOD % 2 ? 2 * k : k], clocks[step / PERIOD % 2 ? 2 * k + 1 : k + THREADS / 2]);
	if (pattern == 2)
		merge(clocks[step / PERIOD % THREADS], clocks[(step / PERIOD + 1) % THREADS]);
}

static void
make_sync(uint32_t count)
{
	uint32_t steps = count / THREADS + 16, (*known)[THREADS][THREADS] = calloc((size_t)steps + 1, sizeof(*known));
	int pattern = (int)draw(3);

	if (known == NULL)
		exit(3);
	for (uint32_t s = 1; s <= steps; s++) {
		memcpy(known[s], known[s - 1], sizeof(*known));
		for (int k = 0; k < THREADS; k++)
			known[s][k][k] = s;
		meet(known[s], s, pattern);
	}
	puts("id,lower,upper,size");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t thread = (uint32_t)draw(THREADS), birth = 1 + (uint32_t)draw(steps - 1), death = birth + 1 + (uint32_t)draw(32), upper, lower = birth;

		death = death < steps ? death : steps;
		/* No thread can have gone on before the owner last heard of it, and all have heard of the end at upper. */
		for (int k = 0; k < THREADS; k++)
			lower = known[birth][thread][k] < lower ? known[birth][thread][k] : lower;
		for (upper = death; upper < steps; upper++) {
			int all = 1;

			for (int k = 0; k < THREADS; k++)
				all &= known[upper][k][thread] >= death;
			if (all)
				break;
		}
		printf("b%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu64 "\n", i, lower, upper > lower ? upper : lower + 1, (1 + draw(1024)) * 1024);
	}
	free(known);
}

int
main(int argc, char **argv)
{
	uint32_t count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	unsigned percent = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;

	if (argc < 4 || argc > 5 || count == 0) {
		fputs("usage: hard_lists cut|pinwheel|awkward|sync COUNT SEED [PERCENT]\n", stderr);
		return 2;
	}
	seed = (strtoull(argv[3], NULL, 10) + 1) * UINT64_C(0x9e3779b97f4a7c15);
	for (int i = 0; i < 8; i++)
		random_xorshift(&seed);
	if (strcmp(argv[1], "cut") == 0 || strcmp(argv[1], "pinwheel") == 0)
		make_tiles(count, percent, argv[1][0] == 'p');
	else if (strcmp(argv[1], "awkward") == 0)
		make_awkward(count, percent > 0 ? percent : 1);
	else if (strcmp(argv[1], "sync") == 0)
		make_sync(count);
	else
		return 2;
	return fflush(stdout) != 0 ? 3 : 0;
}
