/* SPDX-License-Identifier: Apache-2.0 */
/* network_read.h - state and functions that the three files of the network reader share, and no other file uses
 *
 * network.c walks the document and unrolls repeats, network_layer.c reads one layer, network_check.c checks the whole.
 */
#ifndef SRC_NETWORK_NETWORK_READ_H
#define SRC_NETWORK_NETWORK_READ_H
#include "src/base/json.h"
#include "src/network/layer.h"

enum { NETWORK_VERSION = 2 };	/* the newest of a document */

/* The longest name of a layer, the names of the repeats around it included. */
enum { NAME_MOST = 1000 };

/* An entry of the name table; an empty entry has no name. */
struct layer_name { const char *name; uint32_t layer; };

struct network_reader {
	struct network *net;
	struct arena *arena;
	struct err *e;
	uint32_t version;		/* of the document */
	size_t count, room;		/* of net->layers */
	struct layer_name *names;		/* [name_room], a power of two, open addressing */
	size_t name_count, name_room;
	uint64_t words;			/* keys and inputs of all layers so far */
};

/* The names that a layer sees: first the names of its repeat, then the names around it.  The outermost scope is the document's. */
struct scope {
	const struct scope *outer;
	const char *prefix;		/* "h.3." */
	uint32_t in;			/* the layer that `in` names inside a repeat */
	uint32_t previous;		/* the layer before, or LAYER_NONE */
	uint32_t depth;
	bool frozen;			/* its layers are not trained, unless they say otherwise */
};

uint32_t network_name_find(const struct network_reader *r, const char *name);
int network_name_add(struct network_reader *r, const char *name, uint32_t layer) WARN_UNUSED;
uint32_t network_scope_find(const struct network_reader *r, const struct scope *s, const char *name);

/* The name with its scope's prefix; NULL with e filled when the name is refused. */
const char *network_full_name(struct network_reader *r, const struct scope *s, const char *name);
/* Sets *id to the layer that an entry of `inputs` names. */
int network_read_input(struct network_reader *r, const struct scope *s, json_t *value, uint32_t *id) WARN_UNUSED;
int network_read_layer(struct network_reader *r, struct scope *s, json_t *obj, const char *path) WARN_UNUSED;
/* Reads the layers that stand for layer l (layer_type.parts), named "L.PART".  They see l's first input as `in`, and the last one
 * has l's name, too. */
int network_read_parts(struct network_reader *r, struct scope *outer, const struct layer *l, json_t *list) WARN_UNUSED;
int network_check(struct network *n, struct arena *a, struct err *e) WARN_UNUSED;
#endif
