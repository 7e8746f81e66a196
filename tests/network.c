/* SPDX-License-Identifier: Apache-2.0 */
/* Reading networks: what is refused, where and why; shapes, repeats, ties, in-place maps. */
#include <config.h>
#include "src/network/network.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/json.h"
#include "src/network/layer.h"
#include "tests/tap.h"

#define HEAD "{\"format\":\"layrub-network\",\"version\":1,\"name\":\"t\",\"batch\":2,"
#define HEAD2 "{\"format\":\"layrub-network\",\"version\":2,\"name\":\"t\",\"batch\":2,"
#define DOC2(layers) HEAD2 "'layers':[" layers "]}"
/* Layers are written with ' for ", so that they can be read. */
#define DOC(layers) HEAD "'layers':[" layers "]}"
#define IMAGE "{'name':'x','type':'input','shape':[3,8,8]},"
#define TOKENS "{'name':'x','type':'input','shape':[5,12]},"
#define CONV "{'name':'c','type':'conv','channels':4,'kernel':3},"
#define LOSS ",{'name':'y','type':'input','shape':[1],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['f','y']}"
#define FC "{'name':'v','type':'flatten'},{'name':'f','type':'linear','features':10}"
#define END FC LOSS

static int
read_text(struct network *n, const char *text, struct arena *a, struct err *e)
{
	char *copy = strdup(text);
	json_error_t je;
	json_t *root;
	int r;

	for (char *c = copy; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	root = json_loads(copy, 0, &je);
	free(copy);
	if (root == NULL) {
		diag("%s", je.text);
		abort();
	}
	r = network_from_json(n, root, a, e);
	json_decref(root);
	return r;
}

/* text is the whole message or its beginning. */
static const struct { const char *json, *path, *text; } bad[] = {
	{ "{}", "format", "expected 'layrub-network', got n" },
	{ "{'format':'layrub-network','version':3}", "version", "expected a version from 1 to 2, got a newer one" },
	{ HEAD "'layers':[],'colour':1}", "", "unknown key 'colour'" },
	{ HEAD "'layers':[]}", "layers", "expected at least one layer, got none" },
	{ HEAD "'layers':{}}", "layers", "expected an array, got an object" },
	{ "{'format':'layrub-network','version':1,'name':'t','batch':0,'layers':[]}", "batch",
	    "expected a whole number from 1 to 2147483647, got 0" },
	{ "{'format':'layrub-network','version':1,'name':'t','batch':99999999999,'layers':[]}", "batch",
	    "expected a whole number from 1 to 2147483647, got 99999999999" },
	{ HEAD "'dtype':'int64','layers':[]}", "dtype", "expected one of 'float32', 'bfloat16', 'float16', got 'int64'" },
	{ HEAD "'math':{'cone':'tf32'},'layers':[]}", "math", "expected a class of ops, got 'cone'" },
	{ HEAD "'math':{'conv':'tf33'},'layers':[]}", "math.conv", "expected one of 'float32', 'tf32'" },
	{ HEAD "'optimizer':'adagrad','layers':[]}", "optimizer", "expected one of 'sgd', 'momentum', 'adam', 'adamw', 'adam-8bit', 'adamw-8bit', got 'adagrad'" },
	{ DOC("3"), "layers[0]", "expected an object, got a whole number" },
	{ DOC("{'type':'relu'}"), "layers[0]", "expected the key 'name', got none" },
	{ DOC("{'name':'x'}"), "layers[0]", "expected the key 'type', got none" },
	{ DOC("{'name':'x','type':'input','shape':[2]},{'name':'x','type':'relu'}"), "layers[1].name",
	    "expected a name that no other layer has, got 'x'" },
	{ DOC("{'name':'in','type':'input','shape':[2]}"), "layers[0].name", "expected a name other than '' and 'in', got 'in'" },
	{ DOC(IMAGE "{'name':'c','type':'convolution'}"), "layers[1].type", "expected a type of layer, got 'convolution'" },
	{ DOC(IMAGE "{'name':'c','type':7}"), "layers[1].type", "expected a type of layer, got a whole number" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':3,'strid':1}"), "layers[1]",
	    "expected an attribute of 'conv' ('inputs', 'trainable', 'channels', 'kernel', 'stride', 'pad', 'dilation', 'groups', 'bias'), got 'strid'; "
	    "did you mean 'stride'?" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4}"), "layers[1]", "expected the key 'kernel', got none" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':0}"), "layers[1].kernel",
	    "expected a whole number from 1 to 2147483647, got 0" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':[3]}"), "layers[1].kernel",
	    "expected a number or [height, width], got 1 numbers" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':[3,-1]}"), "layers[1].kernel[1]",
	    "expected a whole number from 1 to 2147483647, got -1" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':3,'pad':[1,2,3]}"), "layers[1].pad",
	    "expected a number, [h, w] or [top, bottom, left, right], got 3 numbers" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':9}"), "layers[1].kernel",
	    "expected a kernel of at most 8 pixels, the image with its padding, got one over 9" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':3,'groups':2}"), "layers[1].groups",
	    "expected a number that divides 3 and 4 channels, got 2" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':'4','kernel':3}"), "layers[1].channels",
	    "expected a whole number, got a string" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':3,'bias':1}"), "layers[1].bias",
	    "expected true or false, got a whole number" },
	{ DOC("{'name':'x','type':'input','shape':[5]},{'name':'c','type':'conv','channels':4,'kernel':3}"), "layers[1].inputs[0]",
	    "expected an image [channels, height, width] or a signal [channels, length], got [5]" },
	{ DOC("{'name':'x','type':'input','shape':[5,9]},{'name':'c','type':'conv','channels':4,'kernel':[3,1]}"), "layers[1].kernel",
	    "expected one number for a signal [channels, length], got 3 and 1" },
	{ DOC(IMAGE "{'name':'c','type':'conv-transposed','channels':4,'kernel':2,'pad':5}"), "layers[1].pad",
	    "expected less than the 9 pixels of the image to cut off, got 10" },
	{ DOC(IMAGE "{'name':'c','type':'conv-transposed','channels':4,'kernel':2,'stride':2,'output_pad':2}"), "layers[1].output_pad",
	    "expected less than the stride or the dilation, got 2" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':3,'output_pad':1}"), "layers[1]",
	    "expected an attribute of 'conv' ('inputs', 'trainable', 'channels', 'kernel', 'stride', 'pad', 'dilation', 'groups', 'bias'), got 'output_pad'" },
	{ DOC(IMAGE "{'name':'g','type':'group-norm','groups':2}," END), "layers[1].groups", "expected a divisor of the 3 channels, got 2" },
	{ DOC(IMAGE "{'name':'g','type':'pixel-shuffle','factor':2}," END), "layers[1].factor",
	    "expected a number whose square divides the channels, got 2" },
	{ DOC(IMAGE "{'name':'g','type':'pixel-unshuffle','factor':3}," END), "layers[1].factor",
	    "expected a number that divides height and width, got 3" },
	{ DOC(IMAGE "{'name':'z','type':'input','shape':[3,8,9]},{'name':'l','type':'mse-loss','inputs':['x','z']}"), "layers[2].inputs[1]",
	    "expected a target for each value of [3, 8, 8], got [3, 8, 9]" },
	{ DOC(IMAGE "{'name':'z','type':'scale'},{'name':'l','type':'kl-loss','inputs':['x','z']}"), "layers[2].inputs[1]",
	    "expected a target that no gradient reaches, got 'z', which is trained" },
	{ DOC(TOKENS "{'name':'y','type':'input','shape':[4],'dtype':'int64'},"
	    "{'name':'l','type':'linear-cross-entropy','features':7,'inputs':['x','y']}"), "layers[2].inputs[1]",
	    "expected a label for each of the 5 rows of [5, 12], got [4]" },
	{ DOC(TOKENS "{'name':'b','type':'alibi','heads':2},{'name':'a','type':'attention','heads':4,'kv_heads':4,'inputs':['x','b']}"),
	    "layers[2].inputs[1]", "expected [heads, tokens, tokens of keys], got [2, 5, 5]" },
	/* layers that are several */
	{ DOC(TOKENS "{'name':'m','type':'moe','experts':3,'features':8,'top':4}"), "layers[1].route.top",
	    "expected at most the 3 experts, got 4" },
	{ DOC(TOKENS "{'name':'m','type':'moe','experts':3,'features':0}"), "layers[1].features", "expected a whole number from 1 to" },
	{ DOC(TOKENS "{'name':'f','type':'linear','features':8,'lora':2,'lora_dropout':2}"), "layers[1].dropout.p",
	    "expected a number from 0 to 1, got 2" },
	{ DOC(TOKENS "{'name':'m.gate','type':'relu'},{'name':'m','type':'gated-mlp','features':8}"), "layers[2].gate.name",
	    "expected a name that no other layer has, got 'm.gate'" },
	{ DOC(TOKENS "{'name':'d','type':'dispatch','inputs':['x','x']}"), "layers[1].inputs[1]",
	    "expected a layer 'route', got 'x' of type 'input'" },
	/* 18446745 experts of 1e12 rows each are 2^64 rows and a few */
	{ DOC("{'name':'x','type':'input','shape':[20,1]},{'name':'r','type':'linear','features':18446745,'bias':false},"
	    "{'name':'w','type':'route','top':1,'capacity':1e18},{'name':'d','type':'dispatch','inputs':['x','w']}"), "layers[3]",
	    "expected at most 1099511627776 values in a sample, got more" },
	/* results */
	{ DOC(IMAGE "{'name':'r','type':'relu','result':true}," END), "layers[1]", "the key 'result' needs \"version\": 2, got 1" },
	{ DOC2(IMAGE CONV "{'name':'r','type':'relu','result':true},{'name':'s','type':'relu','inplace':true}," END), "layers[3].inplace",
	    "expected an input that may be overwritten, got one that is read after the step, 'r'" },
	{ DOC2(IMAGE CONV "{'name':'k','type':'flatten','inputs':['c'],'result':true},{'name':'r','type':'relu','inputs':['c'],'inplace':true}," END),
	    "layers[3].inplace", "expected an input that may be overwritten, got one that is read after the step, 'k'" },
	{ DOC(IMAGE "{'name':'r','type':'relu','inputs':['q']}"), "layers[1].inputs[0]", "expected a layer above, got 'q'" },
	{ DOC(IMAGE "{'name':'r','type':'relu','inputs':['r']}"), "layers[1].inputs[0]", "expected a layer above, got 'r'" },
	{ DOC(IMAGE "{'name':'a','type':'add','inputs':['x','b']},{'name':'b','type':'relu','inputs':['a']}"), "layers[1].inputs[1]",
	    "expected a layer above, got 'b'" },
	{ DOC(IMAGE "{'name':'r','type':'relu','inputs':'x'}"), "layers[1].inputs", "expected an array, got a string" },
	{ DOC(IMAGE "{'name':'r','type':'relu','inputs':[1]}"), "layers[1].inputs[0]", "expected a layer's name, got a whole number" },
	{ DOC("{'name':'r','type':'relu'}"), "layers[0].inputs", "expected 1 input for 'relu', got 0" },
	{ DOC(IMAGE "{'name':'a','type':'add'}"), "layers[1].inputs", "expected 2 to 65536 inputs for 'add', got 1" },
	{ DOC("{'name':'x','type':'input','shape':[1099511627776]}"), "layers[0].shape[0]", "expected a whole number from 1 to" },
	{ DOC("{'name':'x','type':'input','shape':[2147483647,2147483647]}"), "layers[0]",
	    "expected at most 1099511627776 values in a sample, got more" },
	{ DOC("{'name':'x','type':'input','shape':[]}"), "layers[0].shape", "expected 1 to 6 numbers, got 0" },
	{ DOC("{'name':'x','type':'input','shape':[2147483647]},{'name':'f','type':'linear','features':2147483647}"), "layers[1]",
	    "expected at most 1099511627776 values in a parameter, got more" },
	{ DOC(IMAGE "{'name':'z','type':'input','shape':[3,8,9]},{'name':'a','type':'add','inputs':['x','z']}"), "layers[2].inputs[1]",
	    "expected a shape like [3, 8, 8], got [3, 8, 9]" },
	{ DOC(IMAGE "{'name':'z','type':'input','shape':[3,8,9]},{'name':'a','type':'concat','inputs':['x','z']}"),
	    "layers[2].inputs[1]", "expected a shape like [3, 8, 8] but for axis 0, got [3, 8, 9]" },
	{ DOC(IMAGE "{'name':'a','type':'concat','axis':3}"), "layers[1].axis", "expected an axis below 3, got 3" },
	{ DOC(IMAGE "{'name':'a','type':'slice','begin':2,'end':2}"), "layers[1].end", "expected 2 < end <= 3, got 2" },
	{ DOC(IMAGE "{'name':'a','type':'reshape','shape':[3,65]}"), "layers[1].shape",
	    "expected a shape of 192 values like [3, 8, 8], got [3, 65]" },
	{ DOC(IMAGE "{'name':'a','type':'permute','order':[0,0,1]}"), "layers[1].order", "expected each of the 3 axes once, got [0, 0, 1]" },
	{ DOC(IMAGE "{'name':'a','type':'dropout','p':1.5}"), "layers[1].p", "expected a number from 0 to 1, got 1.5" },
	{ DOC("{'name':'x','type':'input','shape':[5,12]},{'name':'a','type':'attention','heads':5}"), "layers[1].inputs[0]",
	    "expected [tokens, (heads + 2 kv_heads) * d], got [5, 12]" },
	{ DOC("{'name':'x','type':'input','shape':[5,12]},{'name':'a','type':'attention','heads':3,'kv_heads':2}"), "layers[1].kv_heads",
	    "expected a number that divides 3 heads, got 2" },
	{ DOC("{'name':'x','type':'input','shape':[5],'dtype':'int32'},{'name':'a','type':'relu'}"), "layers[1].inputs[0]",
	    "expected real numbers, got 'x' of int32" },
	{ DOC("{'name':'x','type':'input','shape':[5]},{'name':'a','type':'embedding','vocabulary':3,'features':2}"),
	    "layers[1].inputs[0]", "expected whole numbers, got 'x' of float32" },
	{ DOC("{'name':'x','type':'input','shape':[5]},{'name':'y','type':'input','shape':[2],'dtype':'int64'},"
	    "{'name':'l','type':'cross-entropy','inputs':['x','y']}"), "layers[2].inputs[1]",
	    "expected a label for each of the 1 rows of [5], got [2]" },
	{ DOC("{'name':'x','type':'input','shape':[4]},{'name':'f','type':'linear','features':4},"
	    "{'name':'g','type':'linear','features':5,'params_from':'f'}"), "layers[2].params_from",
	    "expected a layer whose first parameter has 20 values, got 'f'" },
	{ DOC(IMAGE CONV "{'name':'r','type':'relu'}"), "layers[2]", "expected a reader of 'r', which is no loss, got none" },
	{ DOC(IMAGE CONV "{'name':'r','type':'relu'}," END ",{'name':'m','type':'relu','inputs':['l']}"), "layers[7].inputs[0]",
	    "expected a map, got the loss 'l'" },
	/* repeats */
	{ DOC(IMAGE "{'name':'s','type':'repeat','count':0,'layers':[{'name':'r','type':'relu'}]}"), "layers[1].count",
	    "expected a whole number from 1 to 2147483647, got 0" },
	{ DOC(IMAGE "{'name':'s','type':'repeat','count':1000000000,'layers':[{'name':'r','type':'relu'}]}"), "layers[1].count",
	    "expected at most 1000000 layers with repeats unrolled, got 1000000001 or more" },
	{ DOC(IMAGE "{'name':'s','type':'repeat','count':100000,'layers':[{'name':'t','type':'repeat','count':1000,'layers':["
	    "{'name':'r','type':'relu'}]}]}"), "layers[1].layers[0].count", "expected at most 1000000 layers with repeats unrolled, got 1000001 or more" },
	{ DOC(IMAGE "{'name':'s','type':'repeat','count':2,'layers':[]}"), "layers[1].layers", "expected at least one layer, got none" },
	{ DOC("{'name':'s','type':'repeat','count':2,'layers':[{'name':'r','type':'relu'}]}"), "layers[0].inputs",
	    "expected a layer above, got none" },
	{ DOC(IMAGE "{'name':'s','type':'repeat','inputs':['x','x'],'count':2,'layers':[{'name':'r','type':'relu'}]}"),
	    "layers[1].inputs", "expected one input, got 2" },
	{ DOC(IMAGE "{'name':'s','type':'repeat','count':2,'layers':[{'name':'r','type':'relu'},{'name':'q','type':'blur'}]}"),
	    "layers[1].layers[1].type", "expected a type of layer, got 'blur'" },
	{ DOC(IMAGE "{'name':'s','type':'repeat','count':2,'times':1,'layers':[{'name':'r','type':'relu'}]}"), "layers[1]",
	    "unknown key 'times'" },
	{ DOC(IMAGE "{'name':'r','type':'relu','inputs':['in']}"), "layers[1].inputs[0]", "expected a layer above, got 'in'" },
	/* layers that are not trained, and passes */
	{ HEAD "'accumulate':2,'layers':[]}", "", "the key 'accumulate' needs \"version\": 2, got 1" },
	{ HEAD2 "'accumulate':0,'layers':[]}", "accumulate", "expected a whole number from 1 to 2147483647, got 0" },
	{ HEAD2 "'accumulate':'2','layers':[]}", "accumulate", "expected a whole number, got a string" },
	{ DOC(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':3,'trainable':true}," END), "layers[1]",
	    "the key 'trainable' needs \"version\": 2, got 1" },
	{ DOC(IMAGE "{'name':'s','type':'repeat','count':2,'trainable':true,'layers':[{'name':'r','type':'relu'}]}," END), "layers[1]",
	    "the key 'trainable' needs \"version\": 2, got 1" },
	{ DOC2(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':3,'trainable':0}," END), "layers[1].trainable",
	    "expected true or false, got a whole number" },
	{ DOC2(IMAGE "{'name':'s','type':'repeat','count':2,'trainable':null,'layers':[{'name':'r','type':'relu'}]}," END), "layers[1].trainable",
	    "expected true or false, got null" },
	{ DOC2(IMAGE "{'name':'c','type':'conv','channels':4,'kernel':3,'trainable':false},{'name':'v','type':'flatten'},"
	    "{'name':'f','type':'linear','features':10,'trainable':false}" LOSS), "layers[1].trainable",
	    "expected at least one layer with parameters that is trainable, got none" },
	{ DOC2(IMAGE "{'name':'v','type':'flatten'},{'name':'s','type':'repeat','count':1,'trainable':false,"
	    "'layers':[{'name':'f','type':'linear','features':10}]}"
	    ",{'name':'y','type':'input','shape':[1],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['s','y']}"),
	    "layers[2].layers[0].trainable", "expected at least one layer with parameters that is trainable, got none" },
	{ DOC2("{'name':'x','type':'input','shape':[4]},{'name':'w','type':'linear','features':4},"
	    "{'name':'f','type':'linear','features':4,'params_from':'w','trainable':false}" LOSS), "layers[2].trainable",
	    "expected true, as for 'w', whose parameter the layer shares, got false" },
	/* maps overwritten that somebody needs */
	{ DOC(IMAGE "{'name':'r','type':'relu','inplace':true}," END), "layers[1].inplace",
	    "expected an input that may be overwritten, got one that outlives the step, 'x'" },
	{ DOC(IMAGE CONV "{'name':'d','type':'conv','channels':4,'kernel':1},{'name':'r','type':'relu','inputs':['c'],'inplace':true},"
	    "{'name':'a','type':'add','inputs':['d','r']}," END), "layers[3].inplace",
	    "expected an input that may be overwritten, got one that is needed for the backward of 'd'" },
	{ DOC(IMAGE CONV "{'name':'s','type':'sigmoid'},{'name':'r','type':'relu','inplace':true}," END), "layers[3].inplace",
	    "expected an input that may be overwritten, got one that is needed for the backward of 's'" },
	{ DOC(IMAGE CONV "{'name':'r','type':'relu','inplace':true},{'name':'a','type':'add','inputs':['c','r']}," END),
	    "layers[3].inputs[0]", "expected a map that is still there, got 'c', which 'r' has overwritten" },
	{ DOC(IMAGE CONV "{'name':'k','type':'flatten','inputs':['c']},{'name':'r','type':'relu','inputs':['c'],'inplace':true},"
	    "{'name':'w','type':'flatten'},{'name':'a','type':'add','inputs':['w','k']}," END),
	    "layers[5].inputs[1]", "expected a map that is still there, got 'k', which 'r' has overwritten" },
};

static void
test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct network n;

		if (ok(read_text(&n, bad[i].json, &a, &e) < 0 && e.code == ERR_INPUT, "bad %zu is refused", i)) {
			is_string(e.path, bad[i].path, "bad %zu: where", i);
			if (!ok(strncmp(e.text, bad[i].text, strlen(bad[i].text)) == 0, "bad %zu: why", i))
				diag("got '%s', expected '%s'", e.text, bad[i].text);
		}
		arena_free(&a);
	}
}

/* One layer between an image of [6, 9, 10] and the loss: its shape and parameters. */
static const struct { const char *layer, *shape; uint64_t parameters; } shapes[] = {
	{ "'type':'conv','channels':4,'kernel':3", "[4, 7, 8]", 4 * 6 * 9 + 4 },
	{ "'type':'conv','channels':4,'kernel':[3,1],'stride':[2,3],'pad':[0,1,2,2],'bias':false", "[4, 4, 5]", 4 * 6 * 3 },
	{ "'type':'conv','channels':6,'kernel':3,'dilation':2,'groups':6,'pad':2", "[6, 9, 10]", 6 * 9 + 6 },
	/* (9 - 1) * 2 - 1 - 1 + 3 + 1 = 18 rows, (10 - 1) * 2 - 1 - 1 + 3 + 1 = 20 columns */
	{ "'type':'conv-transposed','channels':4,'kernel':3,'stride':2,'pad':1,'output_pad':1", "[4, 18, 20]", 4 * 6 * 9 + 4 },
	{ "'type':'conv-transposed','channels':6,'kernel':[2,3],'dilation':[1,2],'groups':2,'bias':false", "[6, 10, 14]", 6 * 3 * 6 },
	{ "'type':'linear','features':5", "[6, 9, 5]", 55 },
	{ "'type':'linear','features':5,'experts':3", "[6, 9, 5]", 3 * 55 },
	{ "'type':'linear','features':5,'lora':2", "[6, 9, 5]", 55 + 10 * 2 + 2 * 5 },
	{ "'type':'gated-mlp','features':7,'bias':true", "[6, 9, 10]", 3 * 70 + 7 + 7 + 10 },
	{ "'type':'batch-norm'", "[6, 9, 10]", 12 },
	{ "'type':'batch-norm','affine':false", "[6, 9, 10]", 0 },
	{ "'type':'layer-norm'", "[6, 9, 10]", 20 },
	{ "'type':'rms-norm'", "[6, 9, 10]", 10 },
	{ "'type':'group-norm','groups':3", "[6, 9, 10]", 12 },
	{ "'type':'instance-norm'", "[6, 9, 10]", 0 },
	{ "'type':'instance-norm','affine':true", "[6, 9, 10]", 12 },
	{ "'type':'scale','bias':false", "[6, 9, 10]", 6 },
	{ "'type':'lrn'", "[6, 9, 10]", 0 },
	{ "'type':'max-pool','kernel':2", "[6, 4, 5]", 0 },
	{ "'type':'max-pool','kernel':2,'ceil':true", "[6, 5, 5]", 0 },
	/* the window that would begin in the padding behind is left out */
	{ "'type':'max-pool','kernel':2,'stride':3,'pad':1,'ceil':true", "[6, 4, 4]", 0 },
	{ "'type':'avg-pool','kernel':3,'stride':1,'pad':1", "[6, 9, 10]", 0 },
	{ "'type':'adaptive-avg-pool','size':[2,3]", "[6, 2, 3]", 0 },
	{ "'type':'global-avg-pool'", "[6]", 0 },
	{ "'type':'slice','axis':1,'begin':2,'end':7", "[6, 5, 10]", 0 },
	{ "'type':'concat','axis':2,'inputs':['x','x']", "[6, 9, 20]", 0 },
	{ "'type':'multiply','inputs':['x','p']", "[6, 9, 10]", 6 },
	{ "'type':'matmul','inputs':['x','x'],'transpose_b':true", "[6, 9, 9]", 0 },
	{ "'type':'reshape','shape':[10,54]", "[10, 54]", 0 },
	{ "'type':'permute','order':[2,0,1]", "[10, 6, 9]", 0 },
	{ "'type':'upsample','factor':[1,3]", "[6, 9, 30]", 0 },
	{ "'type':'upsample','mode':'bicubic'", "[6, 18, 20]", 0 },
	{ "'type':'pixel-unshuffle','factor':1", "[6, 9, 10]", 0 },
	{ "'type':'softmax','log':true", "[6, 9, 10]", 0 },
	{ "'type':'drop-path'", "[6, 9, 10]", 0 },
	{ "'type':'rescale','factor':0.5", "[6, 9, 10]", 0 },
};

static void
test_shapes(void)
{
	char text[2048], shape[160];

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct network n;
		bool broadcast = strstr(shapes[i].layer, "'p'") != NULL;

		snprintf(text, sizeof(text), HEAD "'layers':[{'name':'x','type':'input','shape':[6,9,10]},%s{'name':'t',%s%s},"
		    FC LOSS "]}", broadcast ? "{'name':'p','type':'parameter','shape':[6,1,1]}," : "", shapes[i].layer,
		    strstr(shapes[i].layer, "inputs") == NULL ? ",'inputs':['x']" : "");
		if (ok(read_text(&n, text, &a, &e) == 0, "%s is read", shapes[i].layer)) {
			const struct layer *v = &n.layers[n.layer_count - 4], *t = layer_input(&n, v, 0);

			is_string(shape_text(shape, &t->shape), shapes[i].shape, "%s: shape", shapes[i].layer);
			is_uint(network_parameters(&n) - shape_elements(&t->shape) * 10 - 10, shapes[i].parameters,
			    "%s: parameters", shapes[i].layer);
		} else
			err_print(&e, "network", stderr);
		arena_free(&a);
	}
}

static void
test_repeat(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;

	if (!ok(read_text(&n, DOC("{'name':'x','type':'input','shape':[4]},{'name':'w','type':'linear','features':4},"
	    "{'name':'s','type':'repeat','count':2,'layers':[{'name':'a','type':'linear','features':4,'params_from':'w'},"
	    "{'name':'t','type':'repeat','count':2,'layers':[{'name':'b','type':'relu'}]},"
	    "{'name':'c','type':'add','inputs':['in','t']}]},{'name':'f','type':'relu'}" LOSS), &a, &e) == 0, "repeats are read")) {
		err_print(&e, "network", stderr);
	} else {
		static const char *const names[] = { "x", "w", "s.0.a", "s.0.t.0.b", "s.0.t.1.b", "s.0.c",
			"s.1.a", "s.1.t.0.b", "s.1.t.1.b", "s.1.c", "f", "y", "l" };

		is_uint(n.layer_count, 13, "unrolled");
		for (uint32_t i = 0; i < 13 && i < n.layer_count; i++)
			is_string(n.layers[i].name, names[i], "layer %u's name", i);
		is_uint(n.layers[5].inputs[0], 1, "'in' of the first turn is the layer before");
		is_uint(n.layers[5].inputs[1], 4, "the inner repeat is its last layer");
		is_uint(n.layers[6].inputs[0], 5, "the second turn goes on from the first");
		is_uint(n.layers[10].inputs[0], 9, "what follows reads the last turn");
		is_uint(network_parameters(&n), 16 + 4 + 2 * 4, "a tied weight counts once, biases for themselves");
	}
	arena_free(&a);
}

/* Layers that stand for several: names, shapes, and what `trainable` means for them. */
static void
test_parts(void)
{
	static const struct { const char *name, *shape; bool trains; } want[] = {
		{ "m.router", "[5, 3]", false }, { "m.route", "[5, 2]", false }, { "m.dispatch", "[15, 4]", false },
		{ "m.experts.gate.base", "[15, 8]", false }, { "m.experts.gate.dropout", "[15, 4]", false }, { "m.experts.gate.lora_a", "[15, 2]", true },
		{ "m.experts.gate.lora_b", "[15, 8]", true }, { "m.experts.gate.scaled", "[15, 8]", false }, { "m.experts.gate.sum", "[15, 8]", false },
		{ "m.experts.act", "[15, 8]", false },
	};
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;

	/* Of 5 tokens with 2 of 3 experts each, an expert gets 1.25 * 10 / 3 rows, rounded up: 5. */
	if (!ok(read_text(&n, HEAD2 "'layers':[{'name':'x','type':'input','shape':[5,4]},"
	    "{'name':'m','type':'moe','experts':3,'features':8,'capacity':1.25,'lora':2,'trainable':false,'result':true},"
	    "{'name':'f','type':'relu','inputs':['m'],'trainable':false},{'name':'y','type':'input','shape':[5],'dtype':'int64'},"
	    "{'name':'l','type':'cross-entropy','inputs':['f','y']}]}", &a, &e) == 0, "a mixture of experts is read"))
		err_print(&e, "network", stderr);
	else {
		char text[160];

		for (uint32_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
			const struct layer *l = &n.layers[1 + i];

			is_string(l->name, want[i].name, "part %u", i);
			is_string(shape_text(text, &l->shape), want[i].shape, "%s: shape", want[i].name);
			ok((l->param_count > 0 && layer_trains(l, 0)) == want[i].trains, "%s: trained: %d", want[i].name, want[i].trains);
		}
		is_string(layer_input(&n, &n.layers[n.layer_count - 3], 0)->name, "m.combine", "the last part has the layer's name, too");
		ok(layer_input(&n, &n.layers[n.layer_count - 3], 0)->result, "and is its result");
		is_uint(network_parameters(&n), 4 * 3 + 3 * 3 * (4 * 8 + 2 * (4 + 8)), "parameters of all experts");
	}
	arena_free(&a);
}

/* A repeat's `trainable` holds for all layers inside of it that do not say otherwise; a shared parameter is its first layer's. */
static void
test_trainable(void)
{
	static const struct { const char *name; bool trained, weight, bias; } want[] = {
		{ "w", false, false, false }, { "s.0.a", false, false, false }, { "s.0.b", true, true, true }, { "s.0.t.0.c", true, false, false },
		{ "s.1.a", true, false, false }, { "s.1.b", true, true, true }, { "s.1.t.0.c", true, false, false }, { "f", true, false, true },
	};
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;
	uint32_t k = 0;

	if (!ok(read_text(&n, HEAD2 "'accumulate':3," "'layers':[{'name':'x','type':'input','shape':[4]},"
	    "{'name':'w','type':'linear','features':4,'trainable':false},"
	    "{'name':'s','type':'repeat','count':2,'trainable':false,'layers':[{'name':'a','type':'linear','features':4},"
	    "{'name':'b','type':'linear','features':4,'trainable':true},"
	    "{'name':'t','type':'repeat','count':1,'layers':[{'name':'c','type':'linear','features':4}]}]},"
	    "{'name':'f','type':'linear','features':4,'params_from':'w'}" LOSS "]}", &a, &e) == 0, "frozen layers are read")) {
		err_print(&e, "network", stderr);
		arena_free(&a);
		return;
	}
	is_uint(n.accumulate, 3, "passes");
	is_uint(network_parameters(&n), 7 * 20 + 4, "frozen parameters count, too");
	for (uint32_t i = 0; i < n.layer_count; i++) {
		const struct layer *l = &n.layers[i];

		if (l->param_count == 0)
			continue;
		is_string(l->name, want[k].name, "layer %u with parameters", k);
		ok(l->trained == want[k].trained, "%s: a gradient reaches it: %d", l->name, want[k].trained);
		ok(layer_trains(l, 0) == want[k].weight, "%s: the weight is trained: %d", l->name, want[k].weight);
		ok(layer_trains(l, 1) == want[k].bias, "%s: the bias is trained: %d", l->name, want[k].bias);
		k++;
	}
	arena_free(&a);
}

/* In place where nobody minds: dropout over relu, add into its first input, batch norm. */
static void
test_inplace(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;

	if (!ok(read_text(&n, DOC(IMAGE CONV "{'name':'b','type':'batch-norm','inplace':true},{'name':'s','type':'scale','inplace':true},"
	    "{'name':'r','type':'relu','inplace':true},{'name':'d','type':'dropout','inplace':true},"
	    "{'name':'e','type':'batch-norm'},{'name':'a','type':'add','inputs':['e','d'],'inplace':true}," END), &a, &e) == 0,
	    "maps that nobody needs may be overwritten"))
		err_print(&e, "network", stderr);
	arena_free(&a);
}

int
main(void)
{
	test_bad();
	test_shapes();
	test_repeat();
	test_parts();
	test_trainable();
	test_inplace();
	return tap_done();
}
