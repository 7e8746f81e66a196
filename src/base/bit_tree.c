/* SPDX-License-Identifier: Apache-2.0 */
/* bit_tree.c - members and neighbours in levels of 64-bit words */
#include <config.h>
#include "src/base/bit_tree.h"

void
bit_tree_init(struct bit_tree *t, size_t count, struct arena *a)
{
	t->levels = 0;
	do {
		count = (count + 63) / 64;
		t->bits[t->levels++] = ARENA_NEW(a, uint64_t, count + 1);
	} while (count > 1);
}

void
bit_tree_add(struct bit_tree *t, size_t i)
{
	for (int l = 0; l < t->levels; l++, i /= 64)
		t->bits[l][i / 64] |= UINT64_C(1) << i % 64;
}

void
bit_tree_drop(struct bit_tree *t, size_t i)
{
	for (int l = 0; l < t->levels; l++, i /= 64) {
		t->bits[l][i / 64] &= ~(UINT64_C(1) << i % 64);
		if (t->bits[l][i / 64] != 0)
			return;
	}
}

size_t
bit_tree_up_to(const struct bit_tree *t, size_t i)
{
	for (int l = 0; l < t->levels; l++) {
		uint64_t word = t->bits[l][i / 64] & UINT64_MAX >> (63 - i % 64);

		i /= 64;
		if (word != 0) {
			i = i * 64 + (size_t)(63 - __builtin_clzll(word));
			while (l-- > 0)
				i = i * 64 + (size_t)(63 - __builtin_clzll(t->bits[l][i]));
			return i;
		}
		if (i-- == 0)	/* no word below this one */
			break;
	}
	return BIT_NONE;
}

size_t
bit_tree_after(const struct bit_tree *t, size_t i)
{
	for (int l = 0; l < t->levels; l++) {
		/* The shift is in two steps, as i % 64 may be 63. */
		uint64_t word = t->bits[l][i / 64] & UINT64_MAX << 1 << i % 64;

		i /= 64;
		if (word != 0) {
			i = i * 64 + (size_t)__builtin_ctzll(word);
			while (l-- > 0)
				i = i * 64 + (size_t)__builtin_ctzll(t->bits[l][i]);
			return i;
		}
	}
	return BIT_NONE;
}
