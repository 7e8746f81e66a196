/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - layers as a person writes them, forward only
 */
#ifndef SRC_NETWORK_H
#define SRC_NETWORK_H
#include "src/arena.h"
#include "src/err.h"

struct network {
	const char *name;
	uint32_t batch;		/* the document's; a command's --batch overwrites it */
};

struct json_t;
/* Read a "layrub-network" document (docs/networks.md): strict, repeats unrolled, shapes derived. */
int network_from_json(struct network *n, struct json_t *root, struct arena *a, struct err *e) WARN_UNUSED;
#endif
