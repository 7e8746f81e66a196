/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that are not trained, and steps of several passes: ops, bytes and FLOPs of small networks by hand; every shipped network
 * in every lowering, half frozen and in two passes, planned and checked. */
#include <config.h>
#include "src/network/lower.h"

#include <stdlib.h>
#include <string.h>

#include "planner/planner.h"
#include "sim/check/check.h"
#include "src/base/json.h"
#include "src/network/layer.h"
#include "tests/network_text.h"
#include "tests/tap.h"

static bool
is_read(struct network *n, const char *text, struct arena *a)
{
	return ok(network_from_text(n, text, a), "a network is read");
}

static bool
lower_or_fail(struct graph *g, const struct network *n, const struct lowering *by, const struct device *d, struct arena *a)
{
	struct err e = ERR_INIT;

	return ok(lower(g, n, by, d, a, &e) == 0, "%s, %s, %u passes: lowered %s %s", n->name, by->name, n->accumulate, e.path, e.text);
}

/* ---- op by op ---- */

/* "f conv1 conv 0 1>2": phase, layer, name, tensors read and written. */
static const char *
op_text(const struct op *o, struct arena *a)
{
	char *s = arena_printf(a, "%c %s %s", phase_names[o->phase][0], o->layer, o->name);

	for (uint32_t i = 0; i < o->input_count; i++)
		s = arena_printf(a, "%s %u", s, o->inputs[i]);
	for (uint32_t i = 0; i < o->output_count; i++)
		s = arena_printf(a, "%s%c%u", s, i == 0 ? '>' : ' ', o->outputs[i]);
	return s;
}

static void
test_ops(const char *text, const struct lowering *by, const char *const *want)
{
	struct arena a = ARENA_INIT;
	struct network n;
	struct graph g;
	uint32_t i;

	if (is_read(&n, text, &a) && lower_or_fail(&g, &n, by, NULL, &a)) {
		for (i = 0; want[i] != NULL; i++)
			is_string(i < g.op_count ? op_text(&g.ops[i], &a) : "", want[i], "%s op %u", by->name, i);
		is_uint(g.op_count, i, "%s: as many ops", by->name);
	}
	arena_free(&a);
}

#define LOSS "{'name':'y','type':'input','shape':[1],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['f','y']}]}"
#define DOC(keys) "{'format':'layrub-network','version':2,'name':'small','batch':2,'optimizer':'momentum'," keys "'layers':["

/* 'c' is frozen and before all that is trained: it has no backward.  'd' is frozen and behind 'b': its backward is the data's. */
#define IMAGE DOC("'accumulate':2,") "{'name':'x','type':'input','shape':[3,8,8]}," \
	"{'name':'c','type':'conv','channels':4,'kernel':3,'pad':1,'trainable':false},{'name':'b','type':'batch-norm'}," \
	"{'name':'d','type':'conv','channels':4,'kernel':1,'trainable':false},{'name':'v','type':'flatten'}," \
	"{'name':'f','type':'linear','features':5}," LOSS

/* PyTorch's convolution keeps its input map (9), of which a frozen one's backward reads no byte. */
static const char *const framework_ops[] = {
	"f c@1 conv 0 1 2>3", "f b@1 count-batch 8>8", "f b@1 batch-norm 3 4 5 6 7>9 10 11 6 7", "f d@1 conv 9 12 13>14",
	"f f@1 linear 14 15 16>17", "f l@1 log-softmax 17>20", "f l@1 nll-loss 20 18>19 21",
	"b l@1 ones 19>22", "b l@1 nll-loss-backward 20 18 21 22>23", "b l@1 log-softmax-backward 20 23>24",
	"b f@1 linear-backward-data 15 24>25", "b f@1 linear-backward-weight 14 24>26", "b f@1 sum 24>27",
	"b d@1 conv-backward-data 12 25 9>28", "b b@1 batch-norm-backward 3 28 4 10 11>29 30",
	"f c@2 conv 31 1 2>32", "f b@2 count-batch 8>8", "f b@2 batch-norm 32 4 5 6 7>33 34 35 6 7", "f d@2 conv 33 12 13>36",
	"f f@2 linear 36 15 16>37", "f l@2 log-softmax 37>40", "f l@2 nll-loss 40 38>39 41",
	"b l@2 ones 39>42", "b l@2 nll-loss-backward 40 38 41 42>43", "b l@2 log-softmax-backward 40 43>44",
	"b f@2 linear-backward-data 15 44>45", "b f@2 linear-backward-weight 36 44>46", "b f@2 accumulate-gradient 26 46>26",
	"b f@2 sum 44>47", "b f@2 accumulate-gradient 27 47>27",
	"b d@2 conv-backward-data 12 45 33>48", "b b@2 batch-norm-backward 32 48 4 34 35>49 50",
	"b b@2 accumulate-gradient 29 49>29", "b b@2 accumulate-gradient 30 50>30",
	"u b update-multiply 51>51", "u b update-add 29 51>51", "u b update-add 51 4>4",
	"u b update-multiply 52>52", "u b update-add 30 52>52", "u b update-add 52 5>5",
	"u f update-multiply 53>53", "u f update-add 26 53>53", "u f update-add 53 15>15",
	"u f update-multiply 54>54", "u f update-add 27 54>54", "u f update-add 54 16>16", NULL
};

static const char *const reuse_ops[] = {
	"f c@1 conv 0 1 2>3", "f b@1 batch-norm 3 4 5>9 10 11", "f b@1 batch-norm-running 10 11 6 7 8>6 7 8", "f d@1 conv 9 12 13>14",
	"f f@1 linear 14 15 16>17", "f l@1 softmax-loss 17 18>20 19", "b l@1 softmax-loss-backward 20 18>21",
	"b f@1 linear-backward-weight 14 21>22 23", "b f@1 linear-backward-data 15 21>24", "b d@1 conv-backward-data 12 24>25",
	"b b@1 batch-norm-backward 3 25 4 10 11>26 27",
	"f c@2 conv 28 1 2>29", "f b@2 batch-norm 29 4 5>30 31 32", "f b@2 batch-norm-running 31 32 6 7 8>6 7 8", "f d@2 conv 30 12 13>33",
	"f f@2 linear 33 15 16>34", "f l@2 softmax-loss 34 35>37 36", "b l@2 softmax-loss-backward 37 35>38",
	"b f@2 linear-backward-weight 33 38>39 40", "b f@2 accumulate-gradient 22 39>22", "b f@2 accumulate-gradient 23 40>23",
	"b f@2 linear-backward-data 15 38>41", "b d@2 conv-backward-data 12 41>42", "b b@2 batch-norm-backward 29 42 4 31 32>43 44",
	"b b@2 accumulate-gradient 26 43>26", "b b@2 accumulate-gradient 27 44>27",
	"u b momentum-update 26 45 4>45 4", "u b momentum-update 27 46 5>46 5",
	"u f momentum-update 22 47 15>47 15", "u f momentum-update 23 48 16>48 16", NULL
};

/* A frozen scale of Caffe copies no input and makes no products; a frozen embedding has no backward; the tied weight is the
 * table's, so it is frozen, and the bias of 'f' is trained alone. */
#define TOKENS DOC("") "{'name':'i','type':'input','shape':[3],'dtype':'int32'}," \
	"{'name':'e','type':'embedding','vocabulary':7,'features':4,'trainable':false},{'name':'n','type':'layer-norm'}," \
	"{'name':'s','type':'scale','trainable':false},{'name':'f','type':'linear','features':7,'params_from':'e'}," \
	"{'name':'y','type':'input','shape':[3],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['f','y']}]}"

static const char *const caffe_ops[] = {
	"f e embedding 0 1>2", "f n layer-norm 2 3 4>5 6 7", "f s scale 5 8 9>10", "f f linear 10 1 11>12", "f l softmax-loss 12 13>15 14",
	"b l softmax-loss-backward 15 13>16", "b f sum 16>17", "b f linear-backward-data 1 16>18", "b s scale-backward-data 8 18>19",
	"b n layer-norm-backward 2 19 3 4 6 7>20 21",
	"u n momentum-update 20 22 3>22 3", "u n momentum-update 21 23 4>23 4", "u f momentum-update 17 24 11>24 11", NULL
};

/* Two parameters of one gradient: the second pass adds to a copy for each.  A tied weight's two gradients of a pass are added
 * first, then added to those of the pass before. */
#define SHARED DOC("'accumulate':2,") "{'name':'p','type':'parameter','shape':[4]},{'name':'q','type':'parameter','shape':[4]}," \
	"{'name':'s','type':'add','inputs':['p','q']},{'name':'x','type':'input','shape':[4]},{'name':'a','type':'add','inputs':['x','s']}," \
	"{'name':'w','type':'linear','features':4,'bias':false},{'name':'f','type':'linear','features':4,'bias':false,'params_from':'w'}," LOSS

static const char *const shared_ops[] = {
	"f s@1 add 0 1>2", "f a@1 add 3 2>4", "f w@1 linear 4 5>6", "f f@1 linear 6 5>7", "f l@1 softmax-loss 7 8>10 9",
	"b l@1 softmax-loss-backward 10 8>11", "b f@1 linear-backward-weight 6 11>12", "b f@1 linear-backward-data 5 11>13",
	"b w@1 linear-backward-weight 4 13>14", "b w@1 add-gradients 12 14>15", "b w@1 linear-backward-data 5 13>16", "b a@1 sum 16>17",
	"b q@1 copy 17>18", "b p@1 copy 17>19",
	"f s@2 add 0 1>20", "f a@2 add 21 20>22", "f w@2 linear 22 5>23", "f f@2 linear 23 5>24", "f l@2 softmax-loss 24 25>27 26",
	"b l@2 softmax-loss-backward 27 25>28", "b f@2 linear-backward-weight 23 28>29", "b f@2 linear-backward-data 5 28>30",
	"b w@2 linear-backward-weight 22 30>31", "b w@2 add-gradients 29 31>32", "b w@2 accumulate-gradient 15 32>15",
	"b w@2 linear-backward-data 5 30>33", "b a@2 sum 33>34",
	"b q@2 accumulate-gradient 18 34>18", "b p@2 accumulate-gradient 19 34>19",
	"u p momentum-update 19 35 0>35 0", "u q momentum-update 18 36 1>36 1", "u w momentum-update 15 37 5>37 5", NULL
};

/* Attention over frozen queries and keys: only the values' gradient, a product of the probabilities. */
#define VALUES DOC("") "{'name':'x','type':'input','shape':[3,4]},{'name':'q','type':'linear','features':4,'bias':false,'trainable':false}," \
	"{'name':'v','type':'linear','inputs':['x'],'features':4,'bias':false}," \
	"{'name':'t','type':'attention','heads':1,'fused':false,'inputs':['q','q','v']},{'name':'f','type':'flatten'}," LOSS

static const char *const values_ops[] = {
	"f q linear 0 1>2", "f v linear 0 3>4", "f t attention-scores 2>5", "f t softmax 5>6", "f t attention-output 4 6>7", "f l softmax-loss 7 8>10 9",
	"b l softmax-loss-backward 10 8>11", "b t attention-output-backward 6 11>12", "b v linear-backward-weight 0 12>13",
	"u v momentum-update 13 14 3>14 3", NULL
};

/* ---- counts, bytes and FLOPs by hand ---- */

/* Two linear layers over 2 samples: 4 -> 3 ('w') and 3 -> 5 ('f'). */
#define TWO(keys, w, f) DOC(keys) "{'name':'x','type':'input','shape':[4]},{'name':'w','type':'linear','features':3" w "}," \
	"{'name':'f','type':'linear','features':5" f "}," LOSS
#define FROZEN ",'trainable':false"

enum { W = 4 * 3 + 3, F = 3 * 5 + 5, LOGITS = 2 * 5, HIDDEN = 2 * 3 };

static const struct count_row {
	const char *what, *text;
	const struct lowering *by;
	uint32_t ops, accumulations;
	bytes_t parameters, optimizer, inputs, gradients;
	double flops;			/* a product of 2 x m x k is 4 m k */
} counts[] = {
	/* 3 forward ops; the loss's backward, two weights' and one data's; 4 updates. */
	{ "both layers", TWO("", "", ""), &lowering_reuse, 3 + 4 + 4, 0, 4 * (W + F), 4 * (W + F), 2 * (16 + 8),
	    4 * (LOGITS + F + HIDDEN + W), 2 * 48 + 3 * 60 },
	/* The backward of 'f' makes no gradient of its input; 'w' has none.  Two updates. */
	{ "the first frozen", TWO("", FROZEN, ""), &lowering_reuse, 3 + 2 + 2, 0, 4 * (W + F), 4 * F, 2 * (16 + 8),
	    4 * (LOGITS + F), 48 + 2 * 60 },
	/* The backward of 'f' is the product with the weight alone. */
	{ "the second frozen", TWO("", "", FROZEN), &lowering_reuse, 3 + 3 + 2, 0, 4 * (W + F), 4 * W, 2 * (16 + 8),
	    4 * (LOGITS + HIDDEN + W), 2 * 48 + 2 * 60 },
	/* Everything twice but the updates; the second pass adds a weight's and a bias's gradient. */
	{ "two passes, the first frozen", TWO("'accumulate':2,", FROZEN, ""), &lowering_reuse, 2 * (3 + 2) + 2 + 2, 2, 4 * (W + F), 4 * F,
	    2 * 2 * (16 + 8), 2 * 4 * (LOGITS + F), 2 * (48 + 2 * 60) },
	{ "three passes", TWO("'accumulate':3,", "", ""), &lowering_reuse, 3 * (3 + 4) + 2 * 4 + 4, 8, 4 * (W + F), 4 * (W + F),
	    3 * 2 * (16 + 8), 3 * 4 * (LOGITS + F + HIDDEN + W), 3 * (2 * 48 + 3 * 60) },
	/* Two linear ops, two of the loss; three of its backward, a weight's product and a bias's sum; three ops an update.  Gradients:
	 * the loss's own (4 bytes), two of the logits. */
	{ "the first frozen", TWO("", FROZEN, ""), &lowering_framework, 4 + 5 + 6, 0, 4 * (W + F), 4 * F, 2 * (16 + 8),
	    4 + 4 * (2 * LOGITS + F), 48 + 2 * 60 },
	{ "two passes, the first frozen", TWO("'accumulate':2,", FROZEN, ""), &lowering_framework, 2 * (4 + 5) + 2 + 6, 2, 4 * (W + F), 4 * F,
	    2 * 2 * (16 + 8), 2 * (4 + 4 * (2 * LOGITS + F)), 2 * (48 + 2 * 60) },
	/* In bfloat16 with a master copy: a frozen layer has none. */
	{ "a master copy", TWO("'dtype':'bfloat16','master_dtype':'float32',", FROZEN, ""), &lowering_caffe, 3 + 2 + 2, 0, 2 * (W + F),
	    2 * 4 * F, 2 * (8 + 8), 2 * (LOGITS + F), 48 + 2 * 60 },
};

static bytes_t
kind_bytes(const struct graph *g, enum kind k)
{
	bytes_t sum = 0;

	for (uint32_t i = 0; i < g->tensor_count; i++)
		sum += g->tensors[i].kind == k ? g->tensors[i].bytes : 0;
	return sum;
}

static void
test_counts(const struct count_row *r)
{
	/* An op's time is its FLOPs. */
	struct device d = { .name = "counting", .memory_bytes = 1 << 20, .compute.flops = { [MATH_FLOAT32] = 1e6 } };
	struct arena a = ARENA_INIT;
	struct network n;
	struct graph g;
	double flops = 0;
	uint32_t adds = 0;

	if (is_read(&n, r->text, &a) && lower_or_fail(&g, &n, r->by, &d, &a)) {
		for (uint32_t k = 0; k < g.op_count; k++) {
			flops += g.ops[k].time_us;
			adds += strcmp(g.ops[k].name, "accumulate-gradient") == 0;
		}
		is_uint(g.op_count, r->ops, "%s, %s: ops", r->what, r->by->name);
		is_uint(adds, r->accumulations, "%s: of these add to gradients of earlier passes", r->what);
		is_uint(kind_bytes(&g, KIND_PARAMETER), r->parameters, "%s: bytes of parameters", r->what);
		is_uint(kind_bytes(&g, KIND_OPTIMIZER), r->optimizer, "%s: bytes of the optimizer", r->what);
		is_uint(kind_bytes(&g, KIND_INPUT), r->inputs, "%s: bytes of inputs", r->what);
		is_uint(kind_bytes(&g, KIND_GRADIENT), r->gradients, "%s: bytes of gradients", r->what);
		is_near(flops, r->flops, 1e-6, "%s: FLOPs", r->what);
	}
	arena_free(&a);
}

static void
test_limit(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;
	struct graph g;

	if (is_read(&n, TWO("", "", ""), &a)) {
		n.accumulate = 200001;
		ok(lower(&g, &n, &lowering_reuse, NULL, &a, &e) < 0 && e.code == ERR_INPUT, "more layers than a document may have are refused");
		is_string(e.path, "accumulate", "where");
	}
	arena_free(&a);
}

/* ---- every shipped network ---- */

/* Larger graphs, of the deepest ResNets, repeat the blocks of smaller ones: their plans would take most of the test's time. */
enum { PLANNED_OPS = 12000 };

/* Sets `trainable` of every second layer that shares no parameter, repeats gone into; of all: false of every layer. */
static void
freeze(json_t *list, bool all, unsigned *count)
{
	json_t *object;
	size_t i;

	json_array_foreach(list, i, object) {
		if (strcmp(json_string_value(json_object_get(object, "type")), "repeat") == 0)
			freeze(json_object_get(object, "layers"), all, count);
		else if (all || (++*count % 2 == 0 && json_object_get(object, "params_from") == NULL))
			json_object_set_new(object, "trainable", json_false());
	}
}

/* The layer at a place such as "layers[3].layers[1]". */
static json_t *
layer_at(json_t *root, const char *path)
{
	json_t *object = root;
	char *end;

	while (object != NULL && *path != '\0') {
		path += strcspn(path, "[") + 1;
		object = json_array_get(json_object_get(object, "layers"), strtoul(path, &end, 10));
		path = end + 1;
	}
	return object;
}

/* Freezes a document: every second layer, or all but the last with parameters of its own. */
static bool
read_frozen(struct network *n, const char *name, bool backbone, struct arena *a)
{
	char file[320];
	struct err e = ERR_INIT;
	unsigned count = 0;
	const char *last = NULL;
	json_t *root;
	bool good;

	snprintf(file, sizeof(file), "%s.json", name);
	root = json_read_file(data_path(file), &e);
	good = root != NULL && network_from_json(n, root, a, &e) == 0;
	for (uint32_t i = 0; good && i < n->layer_count; i++)
		if (n->layers[i].param_count > 0 && n->layers[i].params_from == LAYER_NONE)
			last = n->layers[i].path;
	if (good) {
		json_object_set_new(root, "version", json_integer(2));
		freeze(json_object_get(root, "layers"), backbone, &count);
		if (backbone)
			json_object_set_new(layer_at(root, last), "trainable", json_true());
		good = network_from_json(n, root, a, &e) == 0;
	}
	json_decref(root);
	return ok(good, "%s, %s: read %s %s", name, backbone ? "the last layer trained" : "every second layer frozen", e.path, e.text);
}

struct use_tally { uint32_t unwritten, unread_gradients, wrong_parameters, orphans; };

/* Walks the graph once; seen[t]: 1 written, 2 read. */
static struct use_tally
tally(const struct graph *g, struct arena *a)
{
	unsigned char *seen = ARENA_NEW(a, unsigned char, g->tensor_count);
	struct use_tally t = { 0 };

	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		for (uint32_t i = 0; i < o->input_count; i++) {
			t.unwritten += !kind_is_persistent(g->tensors[o->inputs[i]].kind) && (seen[o->inputs[i]] & 1) == 0;
			seen[o->inputs[i]] |= 2;
		}
		for (uint32_t i = 0; i < o->output_count; i++)
			seen[o->outputs[i]] |= 1;
	}
	for (uint32_t i = 0; i < g->tensor_count; i++) {
		t.orphans += seen[i] == 0;
		t.unread_gradients += g->tensors[i].kind == KIND_GRADIENT && (seen[i] & 2) == 0;
		t.wrong_parameters += g->tensors[i].kind == KIND_PARAMETER && (seen[i] & 1) != 0;
	}
	return t;
}

/* Bytes of the optimizer's states of a parameter whose master copy has `bytes` bytes. */
static bytes_t
state_bytes(const struct network *n, uint64_t elements, bytes_t bytes)
{
	switch (n->optimizer) {
	case OPTIMIZER_SGD:		return 0;
	case OPTIMIZER_MOMENTUM:	return bytes;
	case OPTIMIZER_ADAM:
	case OPTIMIZER_ADAMW:		return 2 * bytes;
	default:			return elements < 4096 ? 2 * 4 * elements : 2 * (elements + (elements + 255) / 256 * 4);
	}
}

/* Bytes of master copies and states of the parameters that are trained, and the number of these parameters. */
static bytes_t
optimizer_bytes(const struct network *n, uint32_t *count)
{
	bytes_t sum = 0, bytes;

	*count = 0;
	for (uint32_t i = 0; i < n->layer_count; i++)
		for (uint32_t k = n->layers[i].params_from == LAYER_NONE ? 0 : 1; k < n->layers[i].param_count; k++)
			if (layer_trains(&n->layers[i], k)) {
				bytes = n->layers[i].params[k].elements * dtype_bytes(n->has_master ? n->master_dtype : n->dtype);
				sum += state_bytes(n, n->layers[i].params[k].elements, bytes) + (n->has_master ? bytes : 0);
				++*count;
			}
	return sum;
}

/* Counts backward ops of layers that no gradient reaches.  Backward is in reverse order of layers. */
static uint32_t
useless_backward(const struct network *n, const struct graph *g)
{
	uint32_t i = n->layer_count, wrong = 0;

	for (uint32_t k = 0; k < g->op_count; k++) {
		if (g->ops[k].phase != PHASE_BACKWARD)
			continue;
		while (i > 0 && (i == n->layer_count || n->layers[i].name != g->ops[k].layer))
			i--;
		wrong += !n->layers[i].trained;
	}
	return wrong;
}

static void
test_plan(const struct graph *g, const struct device *d, const char *policy, const char *what)
{
	struct planner_options o = { .policy = policy_find(policy), .placement = &placements[0], .bound_time_us = NO_TIME_BOUND };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct plan plan;

	o.budget_bytes = device_budget(d);
	if (planner_run(&plan, g, d, &o, &a, &e) < 0)
		ok(e.code == ERR_NO && strcmp(policy, "keep") != 0, "%s, %s: %s", what, policy, e.text);
	else
		ok(check_plan(&plan, &a, &e) == 0, "%s, %s: a sound plan %s", what, policy, e.text);
	arena_free(&a);
}

static void
test_graph(const struct network *n, const struct lowering *by, const struct device *d, bool backbone, bool every_policy)
{
	struct arena a = ARENA_INIT;
	const char *what = arena_printf(&a, "%s, %s, %u passes%s", n->name, by->name, n->accumulate, backbone ? ", one layer trained" : "");
	uint32_t count, adds = 0;
	bytes_t optimizer = optimizer_bytes(n, &count);
	struct graph g;
	struct use_tally t;

	if (lower_or_fail(&g, n, by, d, &a)) {
		t = tally(&g, &a);
		is_uint(t.unwritten + t.unread_gradients + t.orphans, 0, "%s: gradients are used, nothing is read before it is written", what);
		is_uint(t.wrong_parameters, count, "%s: trained parameters are updated, and only they", what);
		is_uint(kind_bytes(&g, KIND_OPTIMIZER), optimizer, "%s: only these have a state", what);
		for (uint32_t k = 0; k < g.op_count; k++)
			adds += strcmp(g.ops[k].name, "accumulate-gradient") == 0;
		is_uint(adds, (n->accumulate - 1) * count, "%s: each is added up", what);
		if (n->accumulate == 1)
			is_uint(useless_backward(n, &g), 0, "%s: no backward before the first trained layer", what);
		if (g.op_count <= PLANNED_OPS)
			test_plan(&g, d, "keep", what);
		for (const struct policy *p = policies; every_policy && p->name != NULL; p++)
			if (p->quick)
				test_plan(&g, d, p->name, what);
	}
	arena_free(&a);
}

static void
test_network(const char *name, const struct device *d)
{
	for (int backbone = 0; backbone < 2; backbone++) {
		struct arena a = ARENA_INIT;
		struct network n;

		if (read_frozen(&n, name, backbone, &a)) {
			n.accumulate = backbone ? 1 : 2;
			for (int k = 0; k < LOWER_COUNT; k++)
				test_graph(&n, lowerings[k], d, backbone, strcmp(name, "resnet18") == 0 || strcmp(name, "gpt2") == 0);
		}
		arena_free(&a);
	}
}

int
main(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct device d;

	test_ops(IMAGE, &lowering_framework, framework_ops);
	test_ops(IMAGE, &lowering_reuse, reuse_ops);
	test_ops(TOKENS, &lowering_caffe, caffe_ops);
	test_ops(SHARED, &lowering_reuse, shared_ops);
	test_ops(VALUES, &lowering_reuse, values_ops);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		test_counts(&counts[i]);
	test_limit();
	if (ok(device_read(&d, data_path("devices/h200.json"), &a, &e) == 0, "devices/h200 is read %s", e.text)) {
		d.memory_bytes = UINT64_C(1) << 40;	/* room for every network */
		each_network("", test_network, &d);
		each_network("caffe/", test_network, &d);
	}
	arena_free(&a);
	return tap_done();
}
