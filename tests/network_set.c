/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a network before it is read: which layers a path reaches, what is refused and by which name, and the text for a shell. */
#include <config.h>
#include "src/network/network_set.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/json.h"
#include "src/network/layer.h"
#include "tests/tap.h"

/* ' stands for ". */
static const char document[] = "{'format':'layrub-network','version':1,'name':'n','batch':2,'layers':["
	"{'name':'x','type':'input','shape':[3,4]},{'name':'w','type':'linear','features':8},"
	"{'name':'block','type':'repeat','count':2,'layers':[{'name':'up','type':'linear','features':8},{'name':'act','type':'gelu'},"
	"{'name':'inner','type':'repeat','count':1,'layers':[{'name':'down.1','type':'linear','features':8}]}]},"
	"{'name':'odd[1]','type':'dropout'},{'name':'f','type':'flatten'},"
	"{'name':'y','type':'input','shape':[1],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['f','y']}]}";

static json_t *
parse(const char *text)
{
	char *copy = strdup(text);
	json_t *root;

	for (char *c = copy; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	root = json_loads(copy, 0, NULL);
	free(copy);
	return root;
}

/* Changes the document and reads it, as the command does. */
static int
read_changed(struct network *n, const char *const *set, uint32_t count, struct arena *a, struct err *e)
{
	struct network_changes c;
	json_t *root = parse(document);
	int rc = network_set(&c, root, set, count, a, e);

	if (rc == 0 && network_from_json(n, root, a, e) < 0)
		rc = network_set_blame(&c, e);
	json_decref(root);
	return rc;
}

/* frozen: names of the layers whose parameters are not trained, in the order of the network. */
static const struct { const char *set[3]; const char *frozen; } patterns[] = {
	{ { "w.trainable=false" }, " w" },
	{ { "block.trainable=false" }, " block.0.up block.0.inner.0.down.1 block.1.up block.1.inner.0.down.1" },
	{ { "block.*.trainable=false" }, " block.0.up block.0.inner.0.down.1 block.1.up block.1.inner.0.down.1" },
	{ { "block.up.trainable=false" }, " block.0.up block.1.up" },
	{ { "block.inner.down.1.trainable=false" }, " block.0.inner.0.down.1 block.1.inner.0.down.1" },
	{ { "*down*.trainable=false" }, " block.0.inner.0.down.1 block.1.inner.0.down.1" },
	{ { "[vw].trainable=false" }, " w" },
	{ { "odd[1].trainable=false", "w.trainable=false" }, " w" },
	/* the later change wins */
	{ { "*.trainable=false", "w.trainable=true" }, " block.0.up block.0.inner.0.down.1 block.1.up block.1.inner.0.down.1" },
	{ { "*.trainable=false", "block.up.trainable=true" }, " w block.0.inner.0.down.1 block.1.inner.0.down.1" },
	{ { "block.count=1", "block.*.trainable=false" }, " block.0.up block.0.inner.0.down.1" },
};

static uint32_t
count_of(const char *const *set)
{
	uint32_t count = 0;

	while (count < 3 && set[count] != NULL)
		count++;
	return count;
}

static void
test_patterns(void)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct network n;
		const char *frozen = "";

		if (ok(read_changed(&n, patterns[i].set, count_of(patterns[i].set), &a, &e) == 0, "%s: read %s %s", patterns[i].set[0], e.path, e.text)) {
			for (uint32_t k = 0; k < n.layer_count; k++)
				if (n.layers[k].param_count > 0 && !layer_trains(&n.layers[k], 0))
					frozen = arena_printf(&a, "%s %s", frozen, n.layers[k].name);
			is_string(frozen, patterns[i].frozen, "%s: frozen", patterns[i].set[0]);
		}
		arena_free(&a);
	}
}

static void
test_keys(void)
{
	static const char *const set[] = { "batch=6", "accumulate=3", "dtype=bfloat16", "master_dtype=\"float32\"", "optimizer=adam",
		"math.linear=float16", "w.features=7", "w.bias=false", "odd[1].p=0.25" };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;

	if (ok(read_changed(&n, set, sizeof(set) / sizeof(*set), &a, &e) == 0, "keys of the document: read %s %s", e.path, e.text)) {
		is_uint(n.batch, 6, "batch");
		is_uint(n.accumulate, 3, "accumulate");
		is_string(dtype_names[n.dtype], "bfloat16", "dtype, a string without quotes");
		ok(n.has_master && n.master_dtype == DTYPE_FLOAT32, "master_dtype, a string of JSON");
		is_uint(n.optimizer, OPTIMIZER_ADAM, "optimizer");
		is_string(math_names[n.math[CLASS_LINEAR]], "float16", "math.linear, where the document has no math");
		is_string(math_names[n.math[CLASS_CONV]], "bfloat16", "and no other class");
		is_uint(n.layers[1].shape.size[1], 7, "features of a layer");
		is_uint(n.layers[1].param_count, 1, "its bias");
	}
	arena_free(&a);
}

static const struct { const char *set[3], *source, *path, *text; } bad[] = {
	{ { "v.features=3" }, "--set v.features", "", "expected the name of a layer or a pattern for names, got 'v', which matches none; did you mean 'x' or 'w'?" },
	{ { "blok.up.features=3" }, "--set blok.up.features", "",
	    "expected the name of a layer or a pattern for names, got 'blok.up', which matches none; did you mean 'block.up'?" },
	{ { "block.0.up.features=3" }, "--set block.0.up.features", "",
	    "expected the name of a layer or a pattern for names, got 'block.0.up', which matches none; did you mean 'block.up'?" },
	{ { "nothing of this kind.features=3" }, "--set nothing of this kind.features", "",
	    "expected the name of a layer or a pattern for names, got 'nothing of this kind', which matches none; the first layer is 'x'" },
	/* what the reader refuses */
	{ { "w.heads=3" }, "--set w.heads", "layers[1]", "expected an attribute of 'linear' ('inputs', 'trainable', 'features', 'bias', 'experts', 'lora', 'lora_dropout', 'params_from'), got 'heads'" },
	{ { "block.*.features=3" }, "--set block.*.features", "layers[2].layers[1]", "expected an attribute of 'gelu' ('inputs', 'trainable', 'inplace', 'approximate', 'fused'), got 'features'" },
	{ { "block.up.features=many" }, "--set block.up.features", "layers[2].layers[0].features", "expected a whole number, got a string" },
	{ { "odd[1].p=2" }, "--set odd[1].p", "layers[3].p", "expected a number from 0 to 1, got 2" },
	{ { "batch=-1" }, "--set batch", "batch", "expected a whole number from 1 to 2147483647, got -1" },
	{ { "dtype=\"int64\"" }, "--set dtype", "dtype", "expected one of 'float32', 'bfloat16', 'float16', got 'int64'" },
	{ { "math.cone=tf32" }, "--set math.cone", "math", "expected a class of ops, got 'cone'" },
	{ { "math.conv=[1]" }, "--set math.conv", "math.conv", "expected a string, got an array" },
	{ { "math=1", "math.conv=tf32" }, "--set math", "math", "expected an object, got a whole number" },
	{ { "*.trainable=false" }, "--set *.trainable", "layers[1].trainable", "expected at least one layer with parameters that is trainable, got none" },
	/* The last change of the value is named. */
	{ { "w.features=0", "w.features=-1" }, "--set w.features", "layers[1].features", "expected a whole number from 1 to 2147483647, got -1" },
	/* A fault elsewhere is the document's. */
	{ { "y.shape=[2]" }, "", "layers[6].inputs[1]", "expected a label for each of the 1 rows of [24], got [2]" },
	{ { "w.features=\xff" }, "--set w.features", "", "expected UTF-8, got other bytes" },
};

static void
test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct network n;

		ok(read_changed(&n, bad[i].set, count_of(bad[i].set), &a, &e) < 0 && e.code == ERR_INPUT, "bad %zu: refused", i);
		is_string(e.source, bad[i].source, "bad %zu: by the name of the change", i);
		is_string(e.path, bad[i].path, "bad %zu: where", i);
		is_string(e.text, bad[i].text, "bad %zu: why", i);
		arena_free(&a);
	}
}

/* Mistakes whatever the document. */
static const struct { const char *set, *text; } usage[] = {
	{ "", "expected PATH=VALUE such as 'h.*.trainable=false', got ''" },
	{ "batch", "expected PATH=VALUE such as 'h.*.trainable=false', got 'batch'" },
	{ "=3", "expected PATH=VALUE such as 'h.*.trainable=false', got '=3'" },
	{ "bacth=3", "expected LAYER.ATTRIBUTE or a key of the document, got 'bacth'; did you mean 'batch' or 'math'?" },
	{ ".features=3", "expected LAYER.ATTRIBUTE or a key of the document, got '.features'" },
	{ "w.=3", "expected LAYER.ATTRIBUTE or a key of the document, got 'w.'" },
	{ "layers=[]", "expected LAYER.ATTRIBUTE or a key of the document, got 'layers'; did you mean 'layout'?" },
	{ "version=2", "expected LAYER.ATTRIBUTE or a key of the document, got 'version'" },
};

static void
test_usage(void)
{
	for (size_t i = 0; i < sizeof(usage) / sizeof(*usage); i++) {
		struct err e = ERR_INIT;

		ok(network_set_check(usage[i].set, &e) < 0 && e.code == ERR_USAGE, "'%s' is a mistake of usage", usage[i].set);
		is_string(e.text, usage[i].text, "'%s': why", usage[i].set);
	}
}

static void
test_text(void)
{
	static const char *const set[] = { "h.attn.heads=8", "h.*.trainable=false", "a.x-note=it's", "w.shape=[1, 2]" };
	struct arena a = ARENA_INIT;

	is_string(network_set_text(set, 4, &a),
	    " --set h.attn.heads=8 --set 'h.*.trainable=false' --set 'a.x-note=it'\\''s' --set 'w.shape=[1, 2]'", "text for a shell");
	is_string(network_set_text(NULL, 0, &a), "", "no change");
	arena_free(&a);
}

int
main(void)
{
	test_patterns();
	test_keys();
	test_bad();
	test_usage();
	test_text();
	return tap_done();
}
