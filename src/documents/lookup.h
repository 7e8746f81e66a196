/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.h - find a document by the name a person types
 *
 * A NAME that is a file is that file.  Else it is looked up in the data folder: $LAYRUB_DATA when set, else
 * `networks` beside the program (a tree built in place) or above it (a build folder in the tree), else
 * ../share/layrub/networks from the program (installed), else where `make install` was told to put it.
 * Networks are NAME.json, caffe/NAME.json; graphs graphs/NAME.graph.json; devices devices/NAME.json.
 */
#ifndef SRC_DOCUMENTS_LOOKUP_H
#define SRC_DOCUMENTS_LOOKUP_H
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"

enum lookup_what { LOOKUP_NETWORK, LOOKUP_GRAPH, LOOKUP_DEVICE };

/* The path of a document, in the arena.  LOOKUP_NETWORK finds graphs/NAME too. ERR_INPUT names what was looked
 * for and where, and the nearest existing name when there is one. */
const char *lookup(const char *name, enum lookup_what what, struct arena *a, struct err *e);

/* All names of a kind, sorted. */
const char **lookup_list(enum lookup_what what, uint32_t *count, struct arena *a, struct err *e);
#endif
