/* SPDX-License-Identifier: Apache-2.0 */
/* From layers to a training step: which ops, in which order, on which tensors; properties of
 * every shipped network in every lowering; and how near they come to the traces. */
#include <config.h>
#include "src/network/lower.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/json.h"
#include "src/network/layer.h"
#include "tests/network_text.h"
#include "tests/tap.h"

static int
network_parse(struct network *n, json_t *root, struct arena *a, struct err *e)
{
	int r = root == NULL ? -1 : network_from_json(n, root, a, e);

	json_decref(root);
	return r;
}

static bool
is_read(struct network *n, const char *text, struct arena *a)
{
	return ok(network_from_text(n, text, a), "a network is read");
}

static bool
read_shipped(struct network *n, const char *name, struct arena *a)
{
	struct err e = ERR_INIT;
	char file[300];

	snprintf(file, sizeof(file), "%s.json", name);
	if (network_parse(n, json_read_file(data_path(file), &e), a, &e) == 0)
		return true;
	err_print(&e, "lower", stderr);
	return ok(false, "%s is read", name);
}

static bool
lower_or_fail(struct graph *g, const struct network *n, const struct lowering *by, const struct device *d, struct arena *a)
{
	struct err e = ERR_INIT;

	if (lower(g, n, by, d, a, &e) == 0)
		return true;
	err_print(&e, "lower", stderr);
	return ok(false, "%s in lowering %s", n->name, by->name);
}

/* ---- op by op ---- */

/* "f conv1 conv 0 1>2": phase, layer, name, tensors read and written; "2~3": 3 may share 2's bytes. */
static char *
op_text(const struct op *o, struct arena *a)
{
	char *s = arena_printf(a, "%c %s %s", phase_names[o->phase][0], o->layer, o->name);

	for (uint32_t i = 0; i < o->input_count; i++)
		s = arena_printf(a, "%s %u", s, o->inputs[i]);
	for (uint32_t i = 0; i < o->output_count; i++)
		s = arena_printf(a, "%s%c%u", s, i == 0 ? '>' : ' ', o->outputs[i]);
	for (uint32_t i = 0; i < o->inplace_count; i++)
		s = arena_printf(a, "%s %u~%u", s, o->inplace[i].input, o->inplace[i].output);
	return s;
}

#define SMALL(optimizer) "{'format':'layrub-network','version':1,'name':'small','batch':2," optimizer "'layers':[" \
	"{'name':'x','type':'input','shape':[3,8,8]},{'name':'c','type':'conv','channels':4,'kernel':3,'pad':1}," \
	"{'name':'b','type':'batch-norm'},{'name':'r','type':'relu','inplace':true}," \
	"{'name':'d','type':'conv','channels':4,'kernel':1,'bias':false},{'name':'a','type':'add','inputs':['d','r']}," \
	"{'name':'p','type':'max-pool','kernel':2},{'name':'v','type':'flatten'},{'name':'f','type':'linear','features':5}," \
	"{'name':'y','type':'input','shape':[1],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['f','y']}]}"

static const char *const framework_ops[] = {
	"f c conv 0 1 2>3",
	"f b count-batch 8>8",
	"f b batch-norm 3 4 5 6 7>9 10 11 6 7",
	"f r relu 9>9",
	"f d conv 9 12>13",
	"f a add 13 9>14",
	"f p max-pool 14>15 16",
	"f f linear 15 17 18>19",
	"f l log-softmax 19>22",
	"f l nll-loss 22 20>21 23",
	"b l ones 21>24",
	"b l nll-loss-backward 22 20 23 24>25",
	"b l log-softmax-backward 22 25>26",
	"b f linear-backward-data 17 26>27",
	"b f linear-backward-weight 15 26>28",
	"b f sum 26>29",
	"b p max-pool-backward 14 16 27>30",
	"b d conv-backward 9 12 30>31 32",
	"b d add-gradients 30 31>33",
	"b r relu-backward 9 33>34",
	"b b batch-norm-backward 3 34 4 10 11>35 36 37",
	"b c conv-backward 0 1 35>38 39",
	"u c update-multiply 40>40", "u c update-add 38 40>40", "u c update-add 40 1>1",
	"u c update-multiply 41>41", "u c update-add 39 41>41", "u c update-add 41 2>2",
	"u b update-multiply 42>42", "u b update-add 36 42>42", "u b update-add 42 4>4",
	"u b update-multiply 43>43", "u b update-add 37 43>43", "u b update-add 43 5>5",
	"u d update-multiply 44>44", "u d update-add 32 44>44", "u d update-add 44 12>12",
	"u f update-multiply 45>45", "u f update-add 28 45>45", "u f update-add 45 17>17",
	"u f update-multiply 46>46", "u f update-add 29 46>46", "u f update-add 46 18>18", NULL
};

static const char *const reuse_ops[] = {
	"f c conv 0 1 2>3",
	"f b batch-norm 3 4 5>9 10 11",
	"f b batch-norm-running 10 11 6 7 8>6 7 8",
	"f r relu 9>9",
	"f d conv 9 12>13",
	"f a add 13 9>14 13~14 9~14",
	"f p max-pool 14>15 16",
	"f f linear 15 17 18>19",
	"f l softmax-loss 19 20>22 21 19~22",
	"b l softmax-loss-backward 22 20>23 22~23",
	"b f linear-backward-weight 15 23>24 25",
	"b f linear-backward-data 17 23>26",
	"b p max-pool-backward 16 26>27",
	"b d conv-backward-filter 9 27>28",
	"b d conv-backward-data 12 27>29",
	"b d add-gradients 27 29>30 27~30 29~30",
	"b r relu-backward 9 30>31 9~31 30~31",
	"b b batch-norm-backward 3 31 4 10 11>32 33 34",
	"b c conv-backward-filter 0 32>35 36",
	"u c adam-update 35 37 38 39>37 38 39 1",
	"u c adam-update 36 40 41 42>40 41 42 2",
	"u b adam-update 33 43 44 45>43 44 45 4",
	"u b adam-update 34 46 47 48>46 47 48 5",
	"u d adam-update 28 49 50 51>49 50 51 12",
	"u f adam-update 24 52 53 54>52 53 54 17",
	"u f adam-update 25 55 56 57>55 56 57 18", NULL
};

/* Attention in ops of its own, with all probabilities kept: 2 heads of 3 features over 4 tokens, query, key and value in one map ... */
#define PLAIN "{'format':'layrub-network','version':1,'name':'plain','batch':2,'layers':[" \
	"{'name':'x','type':'input','shape':[4,6]},{'name':'q','type':'linear','features':18,'bias':false}," \
	"{'name':'a','type':'attention','heads':2,'fused':false,'dropout':0.1},{'name':'v','type':'flatten'}," \
	"{'name':'y','type':'input','shape':[1],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['v','y']}]}"

static const char *const plain_ops[] = {
	"f q linear 0 1>2",
	"f a attention-scores 2>3", "f a softmax 3>4 3~4", "f a dropout 4>6 5", "f a attention-output 2 6>7",
	"f l softmax-loss 7 8>10 9 7~10",
	"b l softmax-loss-backward 10 8>11 10~11",
	"b a attention-output-backward 6 11>13",		/* the value's third of the map's gradient */
	"b a attention-output-backward 2 11>12", "b a dropout-backward 5 12>14 12~14", "b a softmax-backward 4 14>15 4~15 14~15",
	"b a attention-scores-backward 2 15 13>13", "b a attention-scores-backward 2 15 13>13",	/* the other two join it */
	"b q linear-backward-weight 0 13>16",
	"u q sgd-update 16 1>1", NULL
};

/* ... and a product of two maps that both learn. */
#define PRODUCT "{'format':'layrub-network','version':1,'name':'product','batch':2,'layers':[" \
	"{'name':'x','type':'input','shape':[4,6]},{'name':'q','type':'linear','features':3,'bias':false}," \
	"{'name':'k','type':'linear','inputs':['x'],'features':3,'bias':false}," \
	"{'name':'m','type':'matmul','inputs':['q','k'],'transpose_b':true},{'name':'v','type':'flatten'}," \
	"{'name':'y','type':'input','shape':[1],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['v','y']}]}"

static const char *const product_ops[] = {
	"f q linear 0 1>2", "f k linear 0 3>4", "f m matmul 2 4>5",
	"f l softmax-loss 5 6>8 7 5~8",
	"b l softmax-loss-backward 8 6>9 8~9",
	"b m matmul-backward 4 9>10", "b m matmul-backward 2 9>11",
	"b k linear-backward-weight 0 11>12", "b q linear-backward-weight 0 10>13",
	"u q sgd-update 13 1>1", "u k sgd-update 12 3>3", NULL
};

static void
test_ops(const char *text, const struct lowering *by, const char *const *want)
{
	struct arena a = ARENA_INIT;
	struct network n;
	struct graph g;
	uint32_t i = 0;

	if (is_read(&n, text, &a) && lower_or_fail(&g, &n, by, NULL, &a)) {
		for (; want[i] != NULL; i++)
			is_string(i < g.op_count ? op_text(&g.ops[i], &a) : "", want[i], "%s op %u", by->name, i);
		is_uint(g.op_count, i, "%s: as many ops", by->name);
	}
	arena_free(&a);
}

/* ---- what must hold for any network ---- */

struct op_tally { uint32_t unwritten, unread_gradients, unclassed, phases, pure, late; };

/* Walk the graph once; seen[t]: 1 written, 2 read. */
static struct op_tally
tally(const struct graph *g, struct arena *a)
{
	unsigned char *seen = ARENA_NEW(a, unsigned char, g->tensor_count);
	enum phase phase = PHASE_FORWARD;
	struct op_tally t = { 0 };

	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];
		bool persistent = false;

		t.phases += o->phase < phase || o->layer == NULL;
		phase = o->phase;
		t.unclassed += o->class == CLASS_OTHER;
		for (uint32_t i = 0; i < o->input_count; i++) {
			t.unwritten += !kind_is_persistent(g->tensors[o->inputs[i]].kind) && (seen[o->inputs[i]] & 1) == 0;
			seen[o->inputs[i]] |= 2;
		}
		for (uint32_t i = 0; i < o->output_count; i++) {
			persistent |= kind_is_persistent(g->tensors[o->outputs[i]].kind);
			seen[o->outputs[i]] |= 1;
		}
		t.pure += o->recomputable != (o->phase != PHASE_UPDATE && !persistent);
		t.late += o->phase == PHASE_UPDATE && o->class != CLASS_UPDATE && o->class != CLASS_COPY;
	}
	for (uint32_t i = 0; i < g->tensor_count; i++) {
		t.unread_gradients += g->tensors[i].kind == KIND_GRADIENT && (seen[i] & 2) == 0;
		t.late += g->tensors[i].kind == KIND_PARAMETER && seen[i] != 3;
	}
	return t;
}

static bytes_t
peak_of(const struct graph *g, double *time_us, struct arena *a)
{
	int64_t *change = ARENA_NEW(a, int64_t, g->op_count + 1), live = 0;
	uint32_t *first = ARENA_NEW(a, uint32_t, g->tensor_count), *last = ARENA_NEW(a, uint32_t, g->tensor_count);
	bytes_t peak = 0;

	*time_us = 0;
	for (uint32_t k = 0; k < g->op_count; k++) {
		*time_us += g->ops[k].time_us;
		for (uint32_t i = 0; i < g->ops[k].input_count + g->ops[k].output_count; i++) {
			uint32_t t = i < g->ops[k].input_count ? g->ops[k].inputs[i] : g->ops[k].outputs[i - g->ops[k].input_count];

			first[t] = last[t] == 0 ? k + 1 : first[t];
			last[t] = k + 1;
		}
	}
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		if (kind_is_persistent(g->tensors[t].kind)) {
			live += (int64_t)g->tensors[t].bytes;
		} else if (last[t] > 0) {
			change[first[t] - 1] += (int64_t)g->tensors[t].bytes;
			change[last[t]] -= (int64_t)g->tensors[t].bytes;
		}
	}
	for (uint32_t k = 0; k < g->op_count; k++) {
		live += change[k];
		if ((bytes_t)live + g->ops[k].workspace_bytes > peak)
			peak = (bytes_t)live + g->ops[k].workspace_bytes;
	}
	return peak;
}

/* Parameters that no update changes. */
static uint32_t
frozen(const struct network *n)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->layer_count; i++)
		for (uint32_t k = n->layers[i].params_from == LAYER_NONE ? 0 : 1; k < n->layers[i].param_count; k++)
			count += n->layers[i].params_frozen[k];
	return count;
}

static void
test_network(const char *name, const struct device *d)
{
	struct arena a = ARENA_INIT;
	bytes_t peak, reuse = 0, framework = 0;
	struct network n;
	struct graph g;
	struct op_tally t;
	double us;

	for (int k = 0; k < LOWER_COUNT; k++) {
		if (!read_shipped(&n, name, &a) || !lower_or_fail(&g, &n, lowerings[k], d, &a))
			continue;
		t = tally(&g, &a);
		is_uint(t.unwritten, 0, "%s, %s: nothing is read before it is written", name, lowerings[k]->name);
		is_uint(t.unread_gradients, 0, "%s, %s: every gradient is used", name, lowerings[k]->name);
		is_uint(t.unclassed, 0, "%s, %s: every op has a class", name, lowerings[k]->name);
		is_uint(t.phases, 0, "%s, %s: phases in order, ops of layers", name, lowerings[k]->name);
		is_uint(t.pure, 0, "%s, %s: recomputable is what has no lasting effect", name, lowerings[k]->name);
		is_uint(t.late, frozen(&n), "%s, %s: parameters are read and updated, and only they, but for those that are frozen", name,
		    lowerings[k]->name);
		if (!lower_or_fail(&g, &n, lowerings[k], NULL, &a))
			continue;
		peak = peak_of(&g, &us, &a);
		reuse = lowerings[k] == &lowering_reuse ? peak : reuse;
		framework = lowerings[k] == &lowering_framework ? peak : framework;
	}
	ok(reuse <= framework, "%s: reuse needs no more than framework", name);
	arena_free(&a);
}

/* ---- every lowering has every type of layer ---- */

/* Two trained maps of [6, 4, 4], 'c' and 'd'; 't' stands between them and a loss. */
#define SAMPLE_HEAD "{'format':'layrub-network','version':1,'name':'sample','batch':2,'layers':[" \
	"{'name':'x','type':'input','shape':[6,4,4]},{'name':'c','type':'conv','channels':6,'kernel':1},"
#define SAMPLE_D "{'name':'d','type':'conv','inputs':['x'],'channels':6,'kernel':1},"
#define SAMPLE_TAIL ",{'name':'v','type':'flatten','inputs':['t']},{'name':'f','type':'linear','features':5}," \
	"{'name':'y','type':'input','shape':[1],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['f','y']}]}"
#define TOKENS "{'name':'s','type':'reshape','inputs':['c'],'shape':[4,24]},"
#define TARGET "{'name':'i','type':'input','shape':[6,4,4]},"
#define ROUTE TOKENS "{'name':'g','type':'linear','features':6},{'name':'r','type':'route','top':2},"
#define AFTER_LOSS "'type':'relu','inputs':['c']"

/* Types whose shape rule asks for more than a map and numbers of 2: the layers before 't', and what it says. */
static const struct { const char *type, *before, *says; } special[] = {
	{ "input", "{'name':'i','type':'input','shape':[6,4,4]},", "'type':'add','inputs':['c','i']" },
	{ "parameter", "{'name':'p','type':'parameter','shape':[6,1,1]},", "'type':'add','inputs':['c','p']" },
	{ "slice", "", "'type':'slice','begin':2,'end':5" },
	{ "reshape", "", "'type':'reshape','shape':[24,4]" },
	{ "permute", "", "'type':'permute','order':[2,0,1]" },
	{ "attention", TOKENS, "'type':'attention','heads':2" },
	{ "rotary", TOKENS, "'type':'rotary','heads':2" },
	{ "relative-bias", TOKENS "{'name':'p','type':'relative-bias','heads':2},", "'type':'attention','heads':2,'inputs':['s','p']" },
	{ "alibi", TOKENS "{'name':'p','type':'alibi','heads':2},", "'type':'attention','heads':2,'fused':false,'inputs':['s','p']" },
	{ "moe", TOKENS, "'type':'moe','experts':6,'features':5" },
	{ "route", TOKENS "{'name':'g','type':'linear','features':6},", "'type':'route','top':2" },
	{ "dispatch", ROUTE "{'name':'d','type':'dispatch','inputs':['s','r']},", "'type':'combine','inputs':['d','r']" },
	{ "combine", ROUTE "{'name':'d','type':'dispatch','inputs':['s','r']},", "'type':'combine','inputs':['d','r']" },
	{ "pixel-shuffle", "{'name':'d','type':'conv','channels':8,'kernel':1},", "'type':'pixel-shuffle','factor':2" },
	{ "mse-loss", SAMPLE_D "{'name':'o','type':'mse-loss','inputs':['c','d']},", AFTER_LOSS },
	{ "l1-loss", SAMPLE_D "{'name':'o','type':'l1-loss','inputs':['c','d']},", AFTER_LOSS },
	{ "bce-loss", TARGET "{'name':'o','type':'bce-loss','inputs':['c','i']},", AFTER_LOSS },
	{ "kl-loss", TARGET "{'name':'o','type':'kl-loss','inputs':['c','i']},", AFTER_LOSS },
	{ "linear-cross-entropy", "{'name':'k','type':'input','shape':[24],'dtype':'int64'},"
	    "{'name':'o','type':'linear-cross-entropy','inputs':['c','k'],'features':7,'bias':true},", AFTER_LOSS },
	{ "embedding", "{'name':'i','type':'input','shape':[96],'dtype':'int32'},"
	    "{'name':'e','type':'embedding','vocabulary':7,'features':1},{'name':'r','type':'reshape','shape':[6,4,4]},",
	    "'type':'add','inputs':['c','r']" },
	{ "cross-entropy", "{'name':'k','type':'input','shape':[24],'dtype':'int64'},"
	    "{'name':'o','type':'cross-entropy','inputs':['c','k']},", AFTER_LOSS },
};

/* The layer 't' of a type, with every required number 2; extra: more attributes, or "". */
static const char *
sample(const struct layer_type *type, const char *extra, struct arena *a)
{
	const char *says = arena_printf(a, "'type':'%s'", type->name);

	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (strcmp(special[i].type, type->name) == 0)
			return arena_printf(a, SAMPLE_HEAD "%s{'name':'t',%s%s}" SAMPLE_TAIL, special[i].before, special[i].says, extra);
	for (const struct layer_attribute *at = type->attributes; at != NULL && at->key != NULL; at++)
		if (at->required)
			says = arena_printf(a, "%s,'%s':2", says, at->key);
	return arena_printf(a, SAMPLE_HEAD "%s{'name':'t',%s,'inputs':['c'%s]%s}" SAMPLE_TAIL, type->min_inputs > 1 ? SAMPLE_D : "", says,
	    type->min_inputs > 1 ? ",'d'" : "", extra);
}

static void
test_sample(const struct layer_type *type, const char *extra)
{
	struct arena a = ARENA_INIT;
	struct network n;
	struct graph g;
	struct op_tally t;
	bool has = false;

	if (is_read(&n, sample(type, extra, &a), &a)) {
		for (uint32_t i = 0; i < n.layer_count; i++)
			has |= n.layers[i].type == type || (type->parts != NULL && strncmp(n.layers[i].name, "t.", 2) == 0);
		ok(has, "a sample of %s%s", type->name, extra);
		for (int k = 0; k < LOWER_COUNT; k++)
			if (lower_or_fail(&g, &n, lowerings[k], NULL, &a)) {
				t = tally(&g, &a);
				is_uint(t.unwritten + t.unread_gradients + t.unclassed + t.phases + t.pure + t.late, 0,
				    "%s%s in lowering %s", type->name, extra, lowerings[k]->name);
			}
	}
	arena_free(&a);
}

/* Every type as it comes, and with each of its switches either way. */
static void
test_types(void)
{
	struct arena a = ARENA_INIT;

	for (size_t i = 0; layer_types[i] != NULL; i++) {
		const struct layer_type *type = layer_types[i];
		bool own = strstr(sample(type, "", &a), arena_printf(&a, "'t','type':'%s'", type->name)) != NULL;

		test_sample(type, "");
		for (const struct layer_attribute *at = type->attributes; own && at != NULL && at->key != NULL; at++)
			if (at->type == LAYER_BOOL) {
				test_sample(type, arena_printf(&a, ",'%s':true", at->key));
				test_sample(type, arena_printf(&a, ",'%s':false", at->key));
			}
	}
	for (int k = 0; k < LOWER_COUNT; k++)
		ok(lowering_find(lowerings[k]->name) == lowerings[k], "%s is found by its name", lowerings[k]->name);
	arena_free(&a);
}

/* ---- against the traces ---- */

static const struct { const char *network, *trace; } traced[] = {
	{ "alexnet", "alexnet" }, { "vgg16", "vgg16" }, { "resnet50", "resnet50" }, { "resnet152", "resnet152" },
	{ "resnet1517", "resnet1517" }, { "vit-b16", "vit_b_16" }, { "gpt2", "gpt2" },
};

static void
test_trace(const char *network, const char *trace, const struct device *d)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct graph g, t;
	struct network n;
	double us, traced_us;
	bytes_t peak, traced_peak;
	char file[128];

	snprintf(file, sizeof(file), "graphs/%s.graph.json", trace);
	if (ok(graph_read(&t, data_path(file), &a, &e) == 0, "%s is read", file) && read_shipped(&n, network, &a) &&
	    lower_or_fail(&g, &n, &lowering_framework, d, &a)) {
		peak = peak_of(&g, &us, &a);
		traced_peak = peak_of(&t, &traced_us, &a);
		diag("%s: peak %.4f of the trace's, time %.3f", network, (double)peak / (double)traced_peak, us / traced_us);
		is_near((double)peak / (double)traced_peak, 1, 0.01, "%s: peak within 1 %% of the trace", network);
		is_near((double)peak / (double)t.measured.peak_bytes, 1, 0.05, "%s: and within 5 %% of the measured one", network);
		is_near(us / traced_us, 1, 0.12, "%s: ideal time within 12 %%", network);
	}
	arena_free(&a);
}

/* ---- types, optimizers, sizes ---- */

static bytes_t
kind_bytes(const struct graph *g, enum kind k)
{
	bytes_t sum = 0;

	for (uint32_t i = 0; i < g->tensor_count; i++)
		sum += g->tensors[i].kind == k ? g->tensors[i].bytes : 0;
	return sum;
}

static void
test_optimizer(const char *text, bytes_t parameter, bytes_t optimizer)
{
	struct arena a = ARENA_INIT;
	struct network n;
	struct graph g;

	for (int k = 0; k < LOWER_COUNT; k++)
		if (is_read(&n, text, &a) && lower_or_fail(&g, &n, lowerings[k], NULL, &a)) {
			is_uint(kind_bytes(&g, KIND_PARAMETER), parameter, "%.60s: parameters", text + 60);
			is_uint(kind_bytes(&g, KIND_OPTIMIZER), optimizer, "%.60s: optimizer's", text + 60);
		}
	arena_free(&a);
}

static void
test_batch(const struct device *d)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;
	struct graph g;

	if (is_read(&n, SMALL(""), &a)) {
		n.batch = 6;
		if (lower_or_fail(&g, &n, &lowering_reuse, NULL, &a))
			is_uint(g.tensors[0].bytes, 6 * 3 * 8 * 8 * 4, "the batch may be set after reading");
	}
	if (is_read(&n, "{'format':'layrub-network','version':1,'name':'big','batch':2,'layers':["
	    "{'name':'x','type':'input','shape':[1048576,1048576]},{'name':'f','type':'linear','features':1048576},"
	    "{'name':'y','type':'input','shape':[1048576],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['f','y']}]}", &a)) {
		n.batch = INT32_MAX;
		ok(lower(&g, &n, &lowering_reuse, d, &a, &e) < 0, "a batch that overflows is refused");
		is_string(e.path, "layers[0]", "where");
		is_string(e.text, "expected tensors of at most 4611686018427387904 bytes, got more at a batch of 2147483647", "why");
	}
	arena_free(&a);
}

/* Probabilities are a number for each head and pair of tokens, their mask a byte. */
static void
test_probabilities(void)
{
	struct arena a = ARENA_INIT;
	struct network n;
	struct graph g;

	if (is_read(&n, PLAIN, &a) && lower_or_fail(&g, &n, &lowering_reuse, NULL, &a)) {
		is_uint(g.tensors[4].bytes, 2 * 2 * 4 * 4 * 4, "probabilities of 2 samples, 2 heads, 4 by 4 tokens");
		is_uint(g.tensors[5].bytes, 2 * 2 * 4 * 4, "their mask");
		is_uint(g.tensors[13].bytes, g.tensors[2].bytes, "one gradient for query, key and value");
	}
	arena_free(&a);
}

/* Pixel by pixel, a permute to rows, columns, channels is a view and a flatten a copy. */
static void
test_layout(void)
{
	static const char *const ops[] = { "f c conv 0 1>2", "f n layer-norm 2 3 4>5 6 7", "f v flatten 5>8", "f l softmax-loss 8 9>11 10 8~11",
		"b l softmax-loss-backward 11 9>12 11~12", "b v flatten 12>13", "b n layer-norm-backward 2 13 3 4 6 7>14 15 16",
		"b c conv-backward-filter 0 14>17", "u c sgd-update 17 1>1", "u n sgd-update 15 3>3", "u n sgd-update 16 4>4", NULL };

	test_ops("{'format':'layrub-network','version':2,'name':'layout','batch':2,'layout':'channels-last','layers':["
	    "{'name':'x','type':'input','shape':[3,4,4]},{'name':'c','type':'conv','channels':5,'kernel':3,'bias':false},"
	    "{'name':'p','type':'permute','order':[1,2,0]},{'name':'n','type':'layer-norm'},{'name':'q','type':'permute','order':[2,0,1]},"
	    "{'name':'v','type':'flatten'},{'name':'y','type':'input','shape':[1],'dtype':'int64'},"
	    "{'name':'l','type':'cross-entropy','inputs':['v','y']}]}", &lowering_reuse, ops);
}

/* A result is the map of its layer: of a view the map that it shows, of several passes one for each. */
static void
test_results(void)
{
	struct arena a = ARENA_INIT;
	struct network n;
	struct graph g;

	for (int k = 0; k < LOWER_COUNT; k++)
		if (is_read(&n, "{'format':'layrub-network','version':2,'name':'results','batch':2,'accumulate':3,'layers':["
		    "{'name':'x','type':'input','shape':[6,4,4]},{'name':'c','type':'conv','channels':5,'kernel':1},"
		    "{'name':'v','type':'flatten','result':true},{'name':'f','type':'linear','features':7},"
		    "{'name':'p','type':'softmax','result':true},{'name':'y','type':'input','shape':[1],'dtype':'int64'},"
		    "{'name':'l','type':'cross-entropy','inputs':['f','y'],'result':true}]}", &a) &&
		    lower_or_fail(&g, &n, lowerings[k], NULL, &a))
			is_uint(kind_bytes(&g, KIND_RESULT), 3 * (2 * 5 * 16 * 4 + 2 * 7 * 4 + 4), "results of 3 passes in lowering %s", lowerings[k]->name);
	arena_free(&a);
}

int
main(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct device d;
	const bytes_t parameters = (108 + 4 + 8 + 16 + 320 + 5) * 4;	/* of SMALL in float32 */

	test_ops(SMALL("'optimizer':'momentum',"), &lowering_framework, framework_ops);
	test_ops(SMALL("'optimizer':'adam','master_dtype':'float32',"), &lowering_reuse, reuse_ops);
	test_ops(PLAIN, &lowering_reuse, plain_ops);
	test_ops(PRODUCT, &lowering_reuse, product_ops);
	test_probabilities();
	test_types();
	test_optimizer(SMALL("'optimizer':'sgd',"), parameters, 0);
	test_optimizer(SMALL("'optimizer':'momentum',"), parameters, parameters);
	test_optimizer(SMALL("'optimizer':'adam',"), parameters, 2 * parameters);
	test_optimizer(SMALL("'optimizer':'adam','dtype':'bfloat16','master_dtype':'float32',"), parameters / 2, 3 * parameters);
	test_optimizer(SMALL("'optimizer':'sgd','dtype':'float16','master_dtype':'float32',"), parameters / 2, parameters);
	test_optimizer(SMALL("'optimizer':'adamw','dtype':'bfloat16','master_dtype':'float32',"), parameters / 2, 3 * parameters);
	/* below 4096 values, states of 8 bits are float32 */
	test_optimizer(SMALL("'optimizer':'adam-8bit','dtype':'bfloat16',"), parameters / 2, 2 * parameters);
	test_optimizer(SMALL("'optimizer':'adamw-8bit','master_dtype':'float32',"), parameters, 3 * parameters);
	test_results();
	test_layout();
	if (!ok(device_read(&d, data_path("devices/h200.json"), &a, &e) == 0, "devices/h200 is read"))
		err_print(&e, "lower", stderr);
	else {
		test_batch(&d);
		each_network("", test_network, &d);
		each_network("caffe/", test_network, &d);
		for (size_t i = 0; i < sizeof(traced) / sizeof(*traced); i++)
			test_trace(traced[i].network, traced[i].trace, &d);
	}
	arena_free(&a);
	return tap_done();
}
