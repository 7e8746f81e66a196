/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that ship against known answers: published parameter counts and map sizes, the
 * traces of the same networks op for op, and what Caffe is known to allocate for the authors' own. */
#include <config.h>
#include "src/network/network.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/json.h"
#include "src/documents/graph.h"
#include "src/network/layer.h"
#include "tests/tap.h"

/* Parameters: as published with the weights of each (torchvision's with auxiliary classifiers where it has
 * them); resnet1517's are its trace's; unet's and Caffe's are counted from their definitions.  Layers: with repeats unrolled, inputs and views counted; for Caffe, the layers of its train phase,
 * the label and the views that it does not need.  GiB: Caffe's feature maps, gradient maps,
 * temporaries of batch norm and scale, and parameters with their gradients, at the document's batch; 0: no Caffe network. */
static const struct network_row {
	const char *name;
	uint64_t parameters;
	uint32_t layers, losses, batch;
	double gib;
} rows[] = {
	{ "alexnet", 61100840, 25, 1, 512, 0 },
	{ "bert-large", 335174458, 351, 1, 32, 0 },
	{ "convnext-tiny", 28589128, 220, 1, 128, 0 },
	{ "densenet121", 7978856, 429, 1, 32, 0 },
	{ "densenet201", 20013928, 709, 1, 32, 0 },
	{ "googlenet", 13004888, 219, 3, 32, 0 },
	{ "gpt2", 124439808, 152, 1, 16, 0 },
	{ "gpt2-xl", 1557611200, 584, 1, 4, 0 },
	{ "inception-v3", 27161264, 326, 2, 32, 0 },
	{ "llama-1b", 1235814400, 261, 1, 4, 0 },
	{ "llama-8b", 8030261248, 517, 1, 1, 0 },
	{ "llama-8b-lora", 8072204288, 1636, 1, 4, 0 },
	{ "mixtral-8x7b", 46702792704, 644, 1, 1, 0 },
	{ "resnet18", 11689512, 71, 1, 32, 0 },
	{ "resnet34", 21797672, 127, 1, 32, 0 },
	{ "resnet50", 25557032, 177, 1, 128, 0 },
	{ "resnet101", 44549160, 347, 1, 32, 0 },
	{ "resnet152", 60192808, 517, 1, 64, 0 },
	{ "resnet1517", 555316520, 5067, 1, 16, 0 },
	{ "sd-unet", 859520964, 753, 1, 4, 0 },
	{ "t5-base", 222903552, 471, 1, 16, 0 },
	{ "unet", 17263042, 71, 1, 8, 0 },
	{ "vgg16", 138357544, 43, 1, 64, 0 },
	{ "vit-b16", 86567656, 158, 1, 64, 0 },
	{ "wide-resnet101-2", 126886696, 347, 1, 32, 0 },
	{ "caffe/alexnet", 60965224, 24 + 2, 1, 256, 3.00 },
	{ "caffe/densenet121", 7978856, 549 + 2, 1, 16, 8.84 },
	{ "caffe/googlenet", 13378280, 159 + 4, 3, 32, 1.72 },
	{ "caffe/inception-v4", 42711400, 638 + 2, 1, 16, 8.95 },
	{ "caffe/resnet18", 11693736, 93 + 2, 1, 32, 2.25 },
	{ "caffe/resnet34", 21801896, 165 + 2, 1, 32, 3.37 },
	{ "caffe/resnet50", 25557096, 229 + 2, 1, 32, 9.15 },
	{ "caffe/resnet101", 44549160, 450 + 2, 1, 32, 13.76 },
	{ "caffe/resnet152", 60192808, 671 + 2, 1, 32, 19.41 },
	{ "caffe/resnet1001", 335337000, 4350 + 2, 1, 32, 108.84 },
	{ "caffe/resnet1517", 505727528, 6586 + 2, 1, 32, 162.22 },
	{ "caffe/resnet2504", 827239464, 10863 + 2, 1, 16, 171.36 },
	{ "caffe/vgg16", 138357544, 40 + 2, 1, 64, 8.26 },
};
enum { ROW_COUNT = sizeof(rows) / sizeof(*rows) };

/* Map sizes that the papers and the definitions state. */
static const struct { const char *network, *layer, *shape; } maps[] = {
	{ "alexnet", "pool5", "[256, 6, 6]" },
	{ "vgg16", "pool5", "[512, 7, 7]" },
	{ "googlenet", "inception3b", "[480, 28, 28]" },
	{ "googlenet", "inception4e", "[832, 14, 14]" },
	{ "googlenet", "inception5b", "[1024, 7, 7]" },
	{ "inception-v3", "Mixed_5d", "[288, 35, 35]" },
	{ "inception-v3", "Mixed_6e", "[768, 17, 17]" },
	{ "inception-v3", "AuxLogits.conv1", "[768, 1, 1]" },
	{ "inception-v3", "Mixed_7c", "[2048, 8, 8]" },
	{ "densenet121", "block1", "[256, 56, 56]" },
	{ "densenet121", "block3", "[1024, 14, 14]" },
	{ "densenet121", "block4", "[1024, 7, 7]" },
	{ "densenet201", "block4", "[1920, 7, 7]" },
	{ "resnet18", "layer4.1.relu", "[512, 7, 7]" },
	{ "resnet152", "layer3.rest.34.relu", "[1024, 14, 14]" },
	{ "resnet1517", "layer3.rest.459.conv2", "[256, 14, 14]" },
	{ "wide-resnet101-2", "layer4.0.conv2", "[1024, 7, 7]" },
	{ "unet", "down4.conv2", "[512, 32, 32]" },
	{ "unet", "logits", "[512, 512, 2]" },
	{ "vit-b16", "cat", "[197, 768]" },
	{ "vit-b16", "layers.11.mlp.0", "[197, 3072]" },
	{ "bert-large", "decoder", "[512, 30522]" },
	{ "gpt2", "h.11.attn", "[1024, 768]" },
	{ "gpt2-xl", "h.47.c_attn", "[1024, 4800]" },
	{ "llama-1b", "layers.15.k_rotary", "[2048, 512]" },
	{ "llama-1b", "lm_head", "[2048, 128256]" },
	{ "llama-8b", "layers.31.mlp.up", "[2048, 14336]" },
	{ "llama-8b-lora", "layers.31.k_proj.lora_a", "[2048, 16]" },
	{ "mixtral-8x7b", "layers.31.moe.dispatch", "[4096, 4096]" },
	{ "mixtral-8x7b", "layers.31.moe.combine", "[2048, 4096]" },
	{ "convnext-tiny", "stages.3.2.dwconv", "[768, 7, 7]" },
	{ "sd-unet", "mid_block.attentions.0.image", "[1280, 8, 8]" },
	{ "sd-unet", "up_blocks.3.concat.0", "[960, 64, 64]" },
	{ "t5-base", "decoder.11.cross_attn", "[128, 768]" },
	{ "t5-base", "encoder.bias", "[12, 512, 512]" },
	{ "caffe/alexnet", "conv1", "[96, 55, 55]" },
	{ "caffe/googlenet", "inception_3a/output", "[256, 28, 28]" },
	{ "caffe/densenet121", "pool1", "[64, 56, 56]" },
	{ "caffe/inception-v4", "inception_a4_concat", "[384, 35, 35]" },
	{ "caffe/inception-v4", "inception_c3_concat", "[1536, 8, 8]" },
	{ "caffe/resnet1517", "pool1", "[64, 56, 56]" },		/* rounded up: 112 less 3 by 2 */
	{ "caffe/resnet1517", "stage_3.414.relu", "[1024, 14, 14]" },
	{ "caffe/resnet2504", "stage_3.688.relu", "[1024, 14, 14]" },
};

static const struct { const char *network, *graph; } traces[] = {
	{ "alexnet", "alexnet" }, { "vgg16", "vgg16" }, { "resnet50", "resnet50" }, { "resnet152", "resnet152" },
	{ "resnet1517", "resnet1517" }, { "vit-b16", "vit_b_16" }, { "gpt2", "gpt2" },
};

static int
network_read(struct network *n, const char *name, struct arena *a, struct err *e)
{
	char file[128];
	json_t *root;
	int r;

	snprintf(file, sizeof(file), "%s.json", name);
	root = json_read_file(data_path(file), e);
	if (root == NULL)
		return -1;
	r = network_from_json(n, root, a, e);
	json_decref(root);
	return r < 0 ? err_in_file(e, name) : 0;
}

static bool
read_or_fail(struct network *n, const char *name, struct arena *a)
{
	struct err e = ERR_INIT;

	if (network_read(n, name, a, &e) == 0)
		return true;
	ok(false, "%s is read", name);
	err_print(&e, "networks", stderr);
	return false;
}

/* Blobs written in place count once, and so do views; inputs have no gradient map.  Batch
 * norm and scale keep two maps each on the side. */
static double
caffe_gib(const struct network *n)
{
	uint64_t maps_and_gradients = 0, temporaries = 0, parameters = 0;

	for (uint32_t i = 0; i < n->layer_count; i++) {
		const struct layer *l = &n->layers[i];
		uint64_t size = shape_elements(&l->shape) * n->batch;
		bool norm = strcmp(l->type->name, "batch-norm") == 0 || strcmp(l->type->name, "scale") == 0;

		for (uint32_t p = 0; p < l->param_count; p++)
			parameters += l->params[p].elements;
		if (norm)
			temporaries += 2 * size;
		if (layer_is_inplace(l) || layer_is_view(l) || (l->type->flags & LAYER_LOSS) != 0)
			continue;
		maps_and_gradients += strcmp(l->type->name, "input") == 0 ? size : 2 * size;
	}
	return (double)(maps_and_gradients + temporaries + 2 * parameters) * 4 / (UINT64_C(1) << 30);
}

static void
test_row(const struct network_row *r)
{
	struct arena a = ARENA_INIT;
	struct network n;
	uint32_t losses = 0;

	if (read_or_fail(&n, r->name, &a)) {
		const char *base = strrchr(r->name, '/');

		is_string(n.name, base != NULL ? base + 1 : r->name, "%s: its name is its file's", r->name);
		ok(n.source != NULL, "%s: says where it comes from", r->name);
		is_uint(network_parameters(&n), r->parameters, "%s: parameters", r->name);
		is_uint(n.layer_count, r->layers, "%s: layers", r->name);
		is_uint(n.batch, r->batch, "%s: batch", r->name);
		for (uint32_t i = 0; i < n.layer_count; i++)
			losses += (n.layers[i].type->flags & LAYER_LOSS) != 0;
		is_uint(losses, r->losses, "%s: losses", r->name);
		if (r->gib > 0)
			is_near(caffe_gib(&n), r->gib, 0.006, "%s: GiB in Caffe", r->name);
	}
	arena_free(&a);
}

static const struct layer *
layer_find(const struct network *n, const char *name)
{
	for (uint32_t i = 0; i < n->layer_count; i++)
		if (strcmp(n->layers[i].name, name) == 0)
			return &n->layers[i];
	return NULL;
}

static void
test_map(const char *network, const char *layer, const char *shape)
{
	struct arena a = ARENA_INIT;
	struct network n;
	char text[160];

	if (read_or_fail(&n, network, &a)) {
		const struct layer *l = layer_find(&n, layer);

		is_string(l != NULL ? shape_text(text, &l->shape) : "no such layer", shape, "%s: %s", network, layer);
	}
	arena_free(&a);
}

static uint64_t
kind_bytes(const struct graph *g, enum kind k)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < g->tensor_count; i++)
		sum += g->tensors[i].kind == k ? g->tensors[i].bytes : 0;
	return sum;
}

/* Sizes of the graph's parameters in the order of their first use. */
static uint32_t
parameters_in_order(const struct graph *g, bytes_t *bytes, bool *met)
{
	uint32_t count = 0;

	for (uint32_t k = 0; k < g->op_count; k++)
		for (uint32_t i = 0; i < g->ops[k].input_count; i++) {
			uint32_t t = g->ops[k].inputs[i];

			if (g->tensors[t].kind != KIND_PARAMETER || met[t])
				continue;
			met[t] = true;
			bytes[count++] = g->tensors[t].bytes;
		}
	return count;
}

/* Layer by layer the trace must meet as many new parameters, of the same bytes together: which comes
 * first, weight or bias, differs between a framework's ops.  A tied weight is not new. */
static void
test_trace_parameters(const struct network *n, const struct graph *g, struct arena *a)
{
	bytes_t *bytes = ARENA_NEW(a, bytes_t, g->tensor_count);
	uint32_t count = parameters_in_order(g, bytes, ARENA_NEW(a, bool, g->tensor_count)), next = 0, wrong = 0;
	uint64_t state = 0;

	for (uint32_t i = 0; i < n->layer_count; i++) {
		const struct layer *l = &n->layers[i];
		bytes_t mine = 0, theirs = 0;

		for (uint32_t p = l->params_from == LAYER_NONE ? 0 : 1; p < l->param_count; p++) {
			bytes_t size = l->params[p].elements * dtype_bytes(l->params[p].dtype);

			if (!l->params[p].trained) {
				state += size;
				continue;
			}
			mine += size;
			theirs += next < count ? bytes[next] : 0;
			next++;
		}
		if (mine != theirs && wrong++ == 0)
			diag("%s: %" PRIu64 " bytes of parameters, traced %" PRIu64, l->name, mine, theirs);
	}
	is_uint(wrong, 0, "%s: the trace's parameters, layer by layer", n->name);
	is_uint(next, count, "%s: and as many", n->name);
	is_uint(state, kind_bytes(g, KIND_STATE), "%s: bytes of running statistics", n->name);
}

/* The maps that convolutions and linear layers write, in order. */
static void
test_trace_maps(const struct network *n, const struct graph *g)
{
	uint32_t k = 0, met = 0, wrong = 0;

	for (uint32_t i = 0; i < n->layer_count; i++) {
		const struct layer *l = &n->layers[i];
		bytes_t mine = shape_elements(&l->shape) * n->batch * dtype_bytes(l->dtype);

		if (strcmp(l->type->name, "conv") != 0 && strcmp(l->type->name, "linear") != 0)
			continue;
		while (k < g->op_count && (g->ops[k].phase != PHASE_FORWARD ||
		    (g->ops[k].class != CLASS_CONV && g->ops[k].class != CLASS_LINEAR)))
			k++;
		if (k == g->op_count || mine != g->tensors[g->ops[k].outputs[0]].bytes)
			wrong++;
		met++;
		k += k < g->op_count;
	}
	while (k < g->op_count && g->ops[k].class != CLASS_CONV && g->ops[k].class != CLASS_LINEAR)
		k++;
	ok(k == g->op_count || g->ops[k].phase != PHASE_FORWARD, "%s: the trace has no more of them", n->name);
	ok(met > 0 && wrong == 0, "%s: maps of convolutions and linear layers as traced (%u of %u differ)", n->name, wrong, met);
}

static void
test_trace(const char *network, const char *graph)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;
	struct graph g;
	char file[128];
	uint64_t inputs = 0;

	snprintf(file, sizeof(file), "graphs/%s.graph.json", graph);
	if (!ok(graph_read(&g, data_path(file), &a, &e) == 0, "%s is read", file)) {
		err_print(&e, "networks", stderr);
	} else if (read_or_fail(&n, network, &a)) {
		for (uint32_t i = 0; i < n.layer_count; i++)
			if (strcmp(n.layers[i].type->name, "input") == 0)
				inputs += shape_elements(&n.layers[i].shape) * n.batch * dtype_bytes(n.layers[i].dtype);
		is_uint(inputs, kind_bytes(&g, KIND_INPUT), "%s: bytes of inputs as traced", network);
		test_trace_parameters(&n, &g, &a);
		test_trace_maps(&n, &g);
	}
	arena_free(&a);
}

/* A document that ships has a row above. */
static void
test_all_listed(const char *folder)
{
	DIR *dir = opendir(data_path(folder));
	struct dirent *f;

	if (!ok(dir != NULL, "networks/%s is there", folder))
		return;
	while ((f = readdir(dir)) != NULL) {
		size_t length = strlen(f->d_name);
		char name[300];
		bool listed = false;

		if (length < 5 || strcmp(f->d_name + length - 5, ".json") != 0 || strstr(f->d_name, ".schema.") != NULL)
			continue;
		snprintf(name, sizeof(name), "%s%.*s", folder, (int)length - 5, f->d_name);
		for (size_t i = 0; i < ROW_COUNT; i++)
			listed |= strcmp(rows[i].name, name) == 0;
		ok(listed, "%s has known answers", name);
	}
	closedir(dir);
}

int
main(void)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		test_row(&rows[i]);
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		test_map(maps[i].network, maps[i].layer, maps[i].shape);
	for (size_t i = 0; i < sizeof(traces) / sizeof(*traces); i++)
		test_trace(traces[i].network, traces[i].graph);
	test_all_listed("");
	test_all_listed("caffe/");
	return tap_done();
}
