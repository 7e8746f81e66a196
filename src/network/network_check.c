/* SPDX-License-Identifier: Apache-2.0 */
/* network_check.c - the rules for a whole network: every map is read, there is a loss, no map is overwritten too early */
#include <config.h>
#include "src/network/network_read.h"

/* The content of one piece of storage, which is named by the id of the layer that first wrote it. */
struct storage {
	uint32_t version;	/* the layer whose output it holds now */
	uint32_t keeper;	/* a layer whose backward reads that output, or LAYER_NONE */
	uint32_t result;	/* a layer whose output it is and is read after the step, or LAYER_NONE */
};

static int
overwritten_too_early(const struct layer *l, struct err *e, const char *why, const char *who)
{
	char q[48];

	err_set(e, ERR_INPUT, "expected an input that may be overwritten, got one that %s '%s'", why, err_quote(q, who));
	err_at(e, "inplace");
	return network_blame(l, e);
}

/* Refuses l, which overwrites storage s, when the content of s is still needed. */
static int
check_overwrite(const struct network *n, const struct layer *l, const struct storage *s, struct err *e)
{
	const struct layer *old = &n->layers[s->version];
	unsigned flags = old->trained ? old->type->flags : 0;

	if ((old->type->flags & LAYER_LASTS) != 0)
		return overwritten_too_early(l, e, "outlives the step,", old->name);
	if (s->result != LAYER_NONE)
		return overwritten_too_early(l, e, "is read after the step,", n->layers[s->result].name);
	if (s->keeper != LAYER_NONE)
		return overwritten_too_early(l, e, "is needed for the backward of", n->layers[s->keeper].name);
	if ((flags & LAYER_SAVES_OUTPUT) != 0 || ((flags & LAYER_SAVES_SIGN) != 0 && (l->type->flags & LAYER_KEEPS_SIGN) == 0))
		return overwritten_too_early(l, e, "is needed for the backward of", old->name);
	return 0;
}

/* Every layer finds the maps that it reads, and backward those that it keeps, in spite of in-place layers.  root is the
 * storage of each layer's output, version the layer whose output it names there. */
static int
check_inplace(const struct network *n, struct arena *a, struct err *e)
{
	struct storage *storage = ARENA_NEW(a, struct storage, n->layer_count);
	uint32_t *root = ARENA_NEW(a, uint32_t, n->layer_count), *version = ARENA_NEW(a, uint32_t, n->layer_count), in;
	const struct layer *l;
	struct storage *s;
	char q[48], q2[48];
	bool inplace;

	for (uint32_t i = 0; i < n->layer_count; i++) {
		l = &n->layers[i];
		inplace = layer_is_inplace(l) && !layer_is_view(l);
		for (uint32_t k = 0; k < l->input_count; k++) {
			in = l->inputs[k];
			s = &storage[root[in]];
			if (s->version != version[in]) {
				err_set(e, ERR_INPUT, "expected a map that is still there, got '%s', which '%s' has overwritten",
				    err_quote(q, n->layers[in].name), err_quote(q2, n->layers[s->version].name));
				err_at(e, "inputs[%" PRIu32 "]", k);
				return network_blame(l, e);
			}
			if ((l->type->flags & LAYER_SAVES_INPUT) != 0 && l->trained && !(inplace && k == 0))
				s->keeper = i;
		}
		root[i] = version[i] = i;
		if (inplace || layer_is_view(l) || (l->type->flags & LAYER_PART) != 0)
			root[i] = root[l->inputs[0]];
		if (!inplace && root[i] != i) {
			version[i] = version[l->inputs[0]];
			if (l->result)
				storage[root[i]].result = i;
			continue;
		}
		if (inplace && check_overwrite(n, l, &storage[root[i]], e) < 0)
			return -1;
		storage[root[i]] = (struct storage) { i, LAYER_NONE, l->result ? i : LAYER_NONE };
	}
	return 0;
}

/* Refuses a network all of whose parameters are frozen. */
static int
check_trainable(const struct network *n, struct err *e)
{
	const struct layer *frozen = NULL;

	for (uint32_t i = n->layer_count; i-- > 0;)
		for (uint32_t k = 0; k < n->layers[i].param_count; k++) {
			if (layer_trains(&n->layers[i], k))
				return 0;
			if (n->layers[i].params_frozen[k])
				frozen = &n->layers[i];
		}
	if (frozen == NULL)
		return 0;
	err_set(e, ERR_INPUT, "expected at least one layer with parameters that is trainable, got none");
	err_at(e, "trainable");
	return network_blame(frozen, e);
}

int
network_check(struct network *n, struct arena *a, struct err *e)
{
	const struct layer *l;
	bool loss = false;
	char q[48];

	for (uint32_t i = 0; i < n->layer_count; i++) {
		l = &n->layers[i];
		loss |= (l->type->flags & LAYER_LOSS) != 0;
		if (l->reader_count == 0 && !l->result && (l->type->flags & LAYER_LOSS) == 0) {
			err_set(e, ERR_INPUT, "expected a reader of '%s', which is no loss, got none", err_quote(q, l->name));
			return network_blame(l, e);
		}
	}
	if (!loss) {
		err_set(e, ERR_INPUT, "expected a loss, got none");
		return err_at(e, "layers");
	}
	return check_trainable(n, e) < 0 ? -1 : check_inplace(n, a, e);
}
