/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - fuzz target for devices: read, written, transfers timed, and a small step planned */
#include <config.h>
#include <math.h>
#include <string.h>

#include "src/base/json.h"
#include "src/network/lower.h"
#include "tests/fuzz/fuzz.h"

static const char network_text[] =
	"{\"format\":\"layrub-network\",\"version\":1,\"name\":\"small\",\"batch\":4,\"layers\":["
	"{\"name\":\"data\",\"type\":\"input\",\"shape\":[3,8,8]},"
	"{\"name\":\"label\",\"type\":\"input\",\"shape\":[1],\"dtype\":\"int64\"},"
	"{\"name\":\"conv\",\"type\":\"conv\",\"inputs\":[\"data\"],\"channels\":8,\"kernel\":3,\"pad\":1},"
	"{\"name\":\"pool\",\"type\":\"max-pool\",\"kernel\":2},"
	"{\"name\":\"bn\",\"type\":\"batch-norm\"},"
	"{\"name\":\"relu\",\"type\":\"relu\"},"
	"{\"name\":\"all\",\"type\":\"global-avg-pool\"},"
	"{\"name\":\"fc\",\"type\":\"linear\",\"features\":10},"
	"{\"name\":\"loss\",\"type\":\"cross-entropy\",\"inputs\":[\"fc\",\"label\"]}]}";

static void
write_and_read(struct fuzz *f, const struct device *d)
{
	struct device again;
	size_t size, again_size;
	char *text;

	EXPECT(f, device_write(d, "-", &f->err) == 0);
	text = fuzz_written(f, &size);
	fuzz_put(text, size);
	EXPECT(f, device_read(&again, fuzz_output, &f->arena, &f->err) == 0);
	fuzz_put("", 0);
	EXPECT(f, device_write(&again, "-", &f->err) == 0);
	EXPECT(f, memcmp(text, fuzz_written(f, &again_size), size) == 0 && size == again_size);
}

/* More bytes never take less time. */
static void
time_transfers(struct fuzz *f, const struct device *d)
{
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		double before = 0, us;

		for (bytes_t bytes = 1; bytes < BYTES_MAX; bytes *= 3) {
			us = device_transfer_us(d, (enum direction)dir, bytes);
			EXPECT(f, isfinite(us) && us >= before * (1 - 1e-12));
			before = us;
		}
	}
}

int
fuzz_case(struct fuzz *f)
{
	static json_t *root;		/* kept over all cases */
	struct device d;
	struct network n;
	struct graph g;

	if (device_read(&d, f->path, &f->arena, &f->err) < 0)
		return -1;
	write_and_read(f, &d);
	time_transfers(f, &d);
	if (root == NULL)
		root = json_loads(network_text, 0, NULL);
	EXPECT(f, root != NULL && network_from_json(&n, root, &f->arena, &f->err) == 0);
	for (int i = 0; i < LOWER_COUNT; i++) {
		struct err e = ERR_INIT;

		n.batch = lowerings[i] == &lowering_framework ? 1000000 : 4;
		if (lower(&g, &n, lowerings[i], &d, &f->arena, &e) < 0) {
			f->err = e;
			return -1;
		}
		fuzz_plan(f, &g, &d, "keep", 5);
		fuzz_plan(f, &g, &d, i == 0 ? "layrub" : "g10", fuzz_choice(f, 5));
	}
	return 0;
}
