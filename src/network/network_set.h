/* SPDX-License-Identifier: Apache-2.0 */
/* network_set.h - changes of a network document before it is read: PATH=VALUE
 *
 * PATH is LAYER.ATTRIBUTE, or a key of the document: batch, accumulate, layout, dtype, master_dtype, optimizer, math, math.CLASS.  LAYER is a
 * layer's name or a pattern with the wildcards of fnmatch(3), in which "*" matches dots, too.  Names are as written in the
 * document, before repeats are unrolled; a layer inside of a repeat is REPEAT.LAYER.  VALUE is JSON, or else a string.
 */
#ifndef SRC_NETWORK_NETWORK_SET_H
#define SRC_NETWORK_NETWORK_SET_H
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"

struct json_t;

/* One value that was set. */
struct network_place {
	const char *path;	/* as given */
	const char *place;	/* of the layer in the document, "layers[3]"; "": the document itself */
	const char *key;
};

/* All values that were set, in order. */
struct network_changes {
	struct network_place *places;	/* [count] */
	size_t count, room;
};

/* Refuses a change that is not PATH=VALUE, whatever the document. */
int network_set_check(const char *change, struct err *e) WARN_UNUSED;

/* Applies changes in order, each to all layers that its pattern matches.  A change that matches no layer is an error.  A key of version 2
 * makes the document one of version 2.  *c is for network_set_blame(). */
int network_set(struct network_changes *c, struct json_t *root, const char *const *changes, uint32_t count, struct arena *a,
    struct err *e) WARN_UNUSED;

/* Names the change as the source of e, an error of the document's reader, if e lies in the changed value or layer.  Returns -1. */
int network_set_blame(const struct network_changes *c, struct err *e);

/* Returns " --set CHANGE" for each change, quoted for a shell. */
const char *network_set_text(const char *const *changes, uint32_t count, struct arena *a);
#endif
