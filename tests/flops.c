/* SPDX-License-Identifier: Apache-2.0 */
/* Work of each layer type by hand: its ops in each phase, their FLOPs, bytes of memory traffic (that of workspace included) and
 * workspace.
 *
 * A network of a few dozen values is lowered for two devices.  One takes 1 us a FLOP and no time for bytes, the other 1 us a
 * byte and no time for FLOPs, so an op's times are its two counts. */
#include <config.h>
#include "src/network/lower.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/json.h"
#include "tests/network_text.h"
#include "tests/tap.h"

enum { OPS_MOST = 24 };

struct op_row {
	const char *name;		/* NULL ends the list */
	double flops, bytes;
	bytes_t workspace;
};

struct layer_row {
	const char *what;
	const struct lowering *by;
	const char *options;		/* of the network, each with a comma behind it */
	const char *inputs;		/* layers before layer 't' */
	const char *layer;		/* the attributes of layer 't', the one that is counted */
	const char *end;		/* layers behind it, down to the loss */
	struct op_row ops[OPS_MOST];	/* all of layer 't': forward, backward, update */
};

/* Layer 's' reads the input and has a parameter, so a gradient of it is wanted; 'r' is another such layer.  The batch is 2: an
 * image of [3, 2, 2] and a sequence of [3, 4] have 24 values, 96 bytes of float32. */
#define MAP(name, shape) "{'name':'x" name "','type':'input','shape':" shape "}," \
	"{'name':'" name "','type':'scale','inputs':['x" name "']},"
#define IMAGE	MAP("s", "[3,2,2]")
#define LARGE	MAP("s", "[3,4,4]")
#define ROWS	MAP("s", "[3,4]")
#define LOSS	",{'name':'v','type':'flatten'},{'name':'y','type':'input','shape':[1],'dtype':'int64'}," \
	"{'name':'l','type':'cross-entropy','inputs':['v','y']}"

/* One element-wise function: reads a map and writes one (192 bytes); backward reads what was kept and the gradient, and writes a
 * gradient (288 bytes). */
#define FUNCTION(name) { name, &lowering_reuse, "", ROWS, "'type':'" name "'", LOSS, { { name, 0, 192, 0 }, { name "-backward", 0, 288, 0 } } }

static const struct layer_row layers[] = {
	/* 1,728 multiplications: 2 samples x 16 pixels x 3 channels out x 2 in x 9 taps; 2 FLOPs each.
	 * Bytes: input 2 x 2 x 16 x 4 = 256, filter 3 x 2 x 9 x 4 = 216, bias 12, output 2 x 3 x 16 x 4 = 384. */
	{ "conv 3 x 3", &lowering_reuse, "", MAP("s", "[2,4,4]"), "'type':'conv','channels':3,'kernel':3,'pad':1", LOSS, {
	    { "conv", 3456, 256 + 216 + 12 + 384, 0 },
	    { "conv-backward-filter", 3456, 256 + 384 + 216 + 12, 0 },
	    { "conv-backward-data", 3456, 216 + 384 + 256, 0 },
	    { "sgd-update", 0, 3 * 216, 0 }, { "sgd-update", 0, 3 * 12, 0 } } },
	/* A framework makes both gradients in one op. */
	{ "conv 3 x 3, fused", &lowering_framework, "", MAP("s", "[2,4,4]"), "'type':'conv','channels':3,'kernel':3,'pad':1", LOSS, {
	    { "conv", 3456, 256 + 216 + 12 + 384, 0 },
	    { "conv-backward", 2 * 3456, 256 + 216 + 384 + 256 + 216 + 12, 0 },
	    { "update-add", 0, 3 * 216, 0 }, { "update-add", 0, 3 * 12, 0 } } },
	/* 48 multiplications: 2 samples x 2 pixels x 4 channels out x 1 in its group x 3 taps.  Filter 4 x 1 x 3 x 4 = 48 bytes,
	 * output 2 x 4 x 1 x 2 x 4 = 64. */
	{ "conv 3 x 1, stride 2, 2 groups", &lowering_reuse, "", MAP("s", "[2,4,4]"),
	    "'type':'conv','channels':4,'kernel':[3,1],'stride':2,'groups':2,'bias':false", LOSS, {
	    { "conv", 96, 256 + 48 + 64, 0 },
	    { "conv-backward-filter", 96, 256 + 64 + 48, 0 },
	    { "conv-backward-data", 96, 48 + 64 + 256, 0 },
	    { "sgd-update", 0, 3 * 48, 0 } } },
	/* 192 multiplications: 2 samples x 4 pixels x 2 channels in x 3 out x 4 taps.  Input 64 bytes, filter 96, output 384. */
	{ "transposed conv 2 x 2", &lowering_reuse, "", MAP("s", "[2,2,2]"), "'type':'conv-transposed','channels':3,'kernel':2,'stride':2,'bias':false", LOSS, {
	    { "conv-transposed", 384, 64 + 96 + 384, 0 },
	    { "conv-transposed-backward-filter", 384, 64 + 384 + 96, 0 },
	    { "conv-transposed-backward-data", 384, 96 + 384 + 64, 0 },
	    { "sgd-update", 0, 3 * 96, 0 } } },
	/* 120 multiplications: 6 rows of 4 by 4 x 5.  Input 96 bytes, weight 80, bias 20, output 120. */
	{ "linear", &lowering_reuse, "", ROWS, "'type':'linear','features':5", LOSS, {
	    { "linear", 240, 96 + 80 + 20 + 120, 0 },
	    { "linear-backward-weight", 240, 96 + 120 + 80 + 20, 0 },
	    { "linear-backward-data", 240, 80 + 120 + 96, 0 },
	    { "sgd-update", 0, 3 * 80, 0 }, { "sgd-update", 0, 3 * 20, 0 } } },
	/* The bias's gradient is a sum of its own. */
	{ "linear, framework", &lowering_framework, "", ROWS, "'type':'linear','features':5", LOSS, {
	    { "linear", 240, 96 + 80 + 20 + 120, 0 },
	    { "linear-backward-data", 240, 80 + 120 + 96, 0 },
	    { "linear-backward-weight", 240, 96 + 120 + 80, 0 },
	    { "sum", 0, 120 + 20, 0 },
	    { "update-add", 0, 3 * 80, 0 }, { "update-add", 0, 3 * 20, 0 } } },
	/* Per sample 3 x 4 by 4 x 5: 120 multiplications in all.  Maps of 96, 160 and 120 bytes. */
	{ "matmul", &lowering_reuse, "", ROWS MAP("r", "[4,5]"), "'type':'matmul','inputs':['s','r']", LOSS, {
	    { "matmul", 240, 96 + 160 + 120, 0 },
	    { "matmul-backward", 240, 160 + 120 + 96, 0 },
	    { "matmul-backward", 240, 96 + 120 + 160, 0 } } },
	/* The map is read for the statistics, read again and written: 3 passes.  Backward reads map and gradient twice and writes a
	 * gradient: 5.  Running mean and variance (12 bytes each) and a count (8) change; mean and variance are read. */
	{ "batch norm", &lowering_reuse, "", IMAGE, "'type':'batch-norm'", LOSS, {
	    { "batch-norm", 0, 3 * 96, 0 }, { "batch-norm-running", 0, 2 * 12 + 2 * (12 + 12 + 8), 0 },
	    { "batch-norm-backward", 0, 5 * 96, 0 },
	    { "sgd-update", 0, 3 * 12, 0 }, { "sgd-update", 0, 3 * 12, 0 } } },
	/* In place the normalised map is written, too. */
	{ "batch norm in place", &lowering_reuse, "", IMAGE, "'type':'batch-norm','inplace':true,'affine':false", LOSS, {
	    { "batch-norm", 0, 4 * 96, 0 }, { "batch-norm-running", 0, 2 * 12 + 2 * (12 + 12 + 8), 0 },
	    { "batch-norm-backward", 0, 5 * 96, 0 } } },
	/* Caffe's: normalised map and a map of deviations beside the output, mean and variance; backward reads the two maps and the
	 * gradient. */
	{ "batch norm, Caffe", &lowering_caffe, "", IMAGE, "'type':'batch-norm','affine':false", LOSS, {
	    { "batch-norm", 0, 4 * 96 + 2 * 12, 0 }, { "batch-norm-running", 0, 2 * 12 + 2 * (12 + 12 + 8), 0 },
	    { "batch-norm-backward", 0, 4 * 96, 0 } } },
	/* Weight and bias of 16 bytes; mean and deviation of each of 6 rows: 24 bytes each. */
	{ "layer norm", &lowering_reuse, "", ROWS, "'type':'layer-norm'", LOSS, {
	    { "layer-norm", 0, 96 + 2 * 16 + 96 + 2 * 24, 0 },
	    { "layer-norm-backward", 0, 2 * 96 + 2 * 16 + 2 * 24 + 96 + 2 * 16, 0 },
	    { "sgd-update", 0, 3 * 16, 0 }, { "sgd-update", 0, 3 * 16, 0 } } },
	/* Passes over the map as of batch norm. */
	{ "group norm", &lowering_reuse, "", IMAGE, "'type':'group-norm','groups':3", LOSS, {
	    { "group-norm", 0, 3 * 96, 0 }, { "group-norm-backward", 0, 5 * 96, 0 },
	    { "sgd-update", 0, 3 * 12, 0 }, { "sgd-update", 0, 3 * 12, 0 } } },
	/* A framework copies weight and bias for each of 2 samples: 24 bytes from 12. */
	{ "instance norm, framework", &lowering_framework, "", IMAGE, "'type':'instance-norm','affine':true", LOSS, {
	    { "copy", 0, 12 + 24, 0 }, { "copy", 0, 12 + 24, 0 },
	    { "instance-norm", 0, 3 * 96, 0 }, { "instance-norm-backward", 0, 5 * 96, 0 },
	    { "update-add", 0, 3 * 12, 0 }, { "update-add", 0, 3 * 12, 0 } } },
	{ "RMS norm", &lowering_reuse, "", ROWS, "'type':'rms-norm'", LOSS, {
	    { "rms-norm", 0, 96 + 16 + 96 + 24, 0 },
	    { "rms-norm-backward", 0, 2 * 96 + 16 + 24 + 96 + 16, 0 },
	    { "sgd-update", 0, 3 * 16, 0 } } },
	/* A map of sums is kept; backward reads input, output, sums and gradient. */
	{ "local response norm", &lowering_reuse, "", IMAGE, "'type':'lrn'", LOSS, { { "lrn", 0, 3 * 96, 0 }, { "lrn-backward", 0, 5 * 96, 0 } } },
	{ "scale", &lowering_reuse, "", IMAGE, "'type':'scale'", LOSS, {
	    { "scale", 0, 96 + 2 * 12 + 96, 0 },
	    { "scale-backward-weight", 0, 2 * 96 + 2 * 12, 0 }, { "scale-backward-data", 0, 12 + 2 * 96, 0 },
	    { "sgd-update", 0, 3 * 12, 0 }, { "sgd-update", 0, 3 * 12, 0 } } },
	/* Caffe's keeps a copy of its input and makes a map of products. */
	{ "scale, Caffe", &lowering_caffe, "", IMAGE, "'type':'scale'", LOSS, {
	    { "copy", 0, 2 * 96, 0 }, { "scale", 0, 96 + 2 * 12 + 96, 0 },
	    { "scale-product", 0, 3 * 96, 0 }, { "scale-backward-weight", 0, 2 * 96 + 2 * 12, 0 }, { "scale-backward-data", 0, 12 + 2 * 96, 0 },
	    { "sgd-update", 0, 3 * 12, 0 }, { "sgd-update", 0, 3 * 12, 0 } } },
	FUNCTION("relu"), FUNCTION("gelu"), FUNCTION("silu"), FUNCTION("tanh"), FUNCTION("sigmoid"), FUNCTION("softmax"),
	/* Where the input is overwritten, a copy of it is kept. */
	{ "silu in place", &lowering_reuse, "", ROWS, "'type':'silu','inplace':true", LOSS, {
	    { "copy", 0, 2 * 96, 0 }, { "silu", 0, 2 * 96, 0 }, { "silu-backward", 0, 3 * 96, 0 } } },
	/* Caffe's ReLU has a mask of a byte a value, 24 bytes. */
	{ "relu, Caffe", &lowering_caffe, "", ROWS, "'type':'relu'", LOSS, {
	    { "relu", 0, 2 * 96 + 24, 0 }, { "relu-backward", 0, 24 + 2 * 96, 0 } } },
	/* Eight kernels forward and eleven backward: of one map 192 bytes, of two 288. */
	{ "gelu in steps", &lowering_framework, "", ROWS, "'type':'gelu','approximate':true,'fused':false", LOSS, {
	    { "multiply", 0, 192, 0 }, { "power", 0, 192, 0 }, { "multiply", 0, 192, 0 }, { "add", 0, 288, 0 }, { "multiply", 0, 192, 0 },
	    { "tanh", 0, 192, 0 }, { "add", 0, 192, 0 }, { "multiply", 0, 288, 0 },
	    { "multiply", 0, 288, 0 }, { "multiply", 0, 288, 0 }, { "tanh-backward", 0, 288, 0 }, { "multiply", 0, 192, 0 },
	    { "multiply", 0, 192, 0 }, { "power", 0, 192, 0 }, { "multiply", 0, 192, 0 }, { "multiply", 0, 288, 0 }, { "add", 0, 288, 0 },
	    { "multiply", 0, 192, 0 }, { "add", 0, 288, 0 } } },
	{ "dropout", &lowering_reuse, "", ROWS, "'type':'dropout'", LOSS, {
	    { "dropout", 0, 2 * 96 + 24, 0 }, { "dropout-backward", 0, 24 + 2 * 96, 0 } } },
	/* Input 2 x 3 x 16 x 4 = 384 bytes, output 96, an int32 a value of the output 96. */
	{ "max pool", &lowering_reuse, "", LARGE, "'type':'max-pool','kernel':2", LOSS, {
	    { "max-pool", 0, 384 + 96 + 96, 0 }, { "max-pool-backward", 0, 96 + 96 + 384, 0 } } },
	/* PyTorch's places are int64.  Its input is held, not read. */
	{ "max pool, framework", &lowering_framework, "", LARGE, "'type':'max-pool','kernel':2", LOSS, {
	    { "max-pool", 0, 384 + 96 + 192, 0 }, { "max-pool-backward", 0, 192 + 96 + 384, 0 } } },
	{ "average pool", &lowering_reuse, "", LARGE, "'type':'avg-pool','kernel':2", LOSS, {
	    { "avg-pool", 0, 384 + 96, 0 }, { "avg-pool-backward", 0, 96 + 384, 0 } } },
	{ "average pool to a size", &lowering_reuse, "", LARGE, "'type':'adaptive-avg-pool','size':2", LOSS, {
	    { "adaptive-avg-pool", 0, 384 + 96, 0 }, { "adaptive-avg-pool-backward", 0, 96 + 384, 0 } } },
	{ "global average pool", &lowering_reuse, "", LARGE, "'type':'global-avg-pool'", LOSS, {
	    { "global-avg-pool", 0, 384 + 24, 0 }, { "global-avg-pool-backward", 0, 24 + 384, 0 } } },
	/* The gradient of a sum is each summand's: no op. */
	{ "add", &lowering_reuse, "", IMAGE MAP("r", "[3,2,2]"), "'type':'add','inputs':['s','r']", LOSS, { { "add", 0, 3 * 96, 0 } } },
	/* Caffe copies it for each summand. */
	{ "add, Caffe", &lowering_caffe, "", IMAGE MAP("r", "[3,2,2]"), "'type':'add','inputs':['s','r']", LOSS, {
	    { "add", 0, 3 * 96, 0 }, { "copy", 0, 2 * 96, 0 }, { "copy", 0, 2 * 96, 0 } } },
	/* One value a channel, 24 bytes, stands for a whole image; its gradient is a sum over it. */
	{ "add of one value a channel", &lowering_reuse, "", IMAGE MAP("r", "[3,1,1]"), "'type':'add','inputs':['s','r']", LOSS, {
	    { "add", 0, 96 + 24 + 96, 0 }, { "sum", 0, 96 + 24, 0 } } },
	{ "multiply", &lowering_reuse, "", IMAGE MAP("r", "[3,2,2]"), "'type':'multiply','inputs':['s','r']", LOSS, {
	    { "multiply", 0, 3 * 96, 0 }, { "multiply-backward", 0, 3 * 96, 0 }, { "multiply-backward", 0, 3 * 96, 0 } } },
	/* 96 and 64 bytes side by side: 160 are read and written, there and back. */
	{ "concat", &lowering_reuse, "", IMAGE MAP("r", "[2,2,2]"), "'type':'concat','inputs':['s','r']", LOSS, {
	    { "concat", 0, 2 * 160, 0 }, { "concat-backward", 0, 2 * 160, 0 } } },
	/* Two of three channels, 64 bytes; the gradient is zero elsewhere. */
	{ "slice", &lowering_reuse, "", IMAGE, "'type':'slice','begin':1,'end':3", LOSS, {
	    { "slice", 0, 2 * 64, 0 }, { "slice-backward", 0, 64 + 96, 0 } } },
	{ "permute", &lowering_reuse, "", IMAGE, "'type':'permute','order':[1,2,0]", LOSS, { { "permute", 0, 2 * 96, 0 }, { "permute", 0, 2 * 96, 0 } } },
	{ "reshape", &lowering_reuse, "", IMAGE, "'type':'reshape','shape':[4,3]", LOSS, { { NULL, 0, 0, 0 } } },
	{ "upsample", &lowering_reuse, "", IMAGE, "'type':'upsample'", LOSS, { { "upsample", 0, 96 + 384, 0 }, { "upsample-backward", 0, 384 + 96, 0 } } },
	/* Six ids of 8 bytes take six rows of 16; backward writes the whole table of 10 rows. */
	{ "embedding", &lowering_reuse, "", "{'name':'s','type':'input','shape':[3],'dtype':'int64'},",
	    "'type':'embedding','vocabulary':10,'features':4", LOSS, {
	    { "embedding", 0, 48 + 96 + 96, 0 }, { "embedding-backward", 0, 48 + 96 + 160, 0 }, { "sgd-update", 0, 3 * 160, 0 } } },
	{ "rotary", &lowering_reuse, "", ROWS, "'type':'rotary','heads':2", LOSS, { { "rotary", 0, 2 * 96, 0 }, { "rotary-backward", 0, 2 * 96, 0 } } },
	/* 4 tokens, 2 heads of 3 features, 1 head of keys and values.  One product: 2 samples x 2 heads x 4 x 4 tokens x 3 features = 192
	 * multiplications, 384 FLOPs.  Forward has 2 products, backward 5: the scores again, and the gradients of v, probabilities, q and k.
	 * Bytes: q 192, k 96, v 96, output 192; a float32 for each head and row, rows in 32s: 2 x 2 x 32 x 4 = 512.
	 * Workspace of backward: q's gradient in float32, 192, and a number a row, 512. */
	{ "attention", &lowering_reuse, "", MAP("s", "[4,12]"), "'type':'attention','heads':2,'kv_heads':1", LOSS, {
	    { "attention", 2 * 384, 192 + 96 + 96 + 192 + 512, 0 },
	    { "attention-backward", 5 * 384, 192 + 96 + 96 + 192 + 512 + 192 + 192 + 96 + 96, 192 + 512 } } },
	/* A causal mask leaves half of the products out. */
	{ "attention, causal", &lowering_reuse, "", MAP("s", "[4,12]"), "'type':'attention','heads':2,'kv_heads':1,'causal':true", LOSS, {
	    { "attention", 384, 192 + 96 + 96 + 192 + 512, 0 },
	    { "attention-backward", 5 * 192, 192 + 96 + 96 + 192 + 512 + 192 + 192 + 96 + 96, 192 + 512 } } },
	/* Keys and values of 5 other tokens: 480 FLOPs a product, k and v of 2 x 5 x 3 x 4 = 120 bytes each. */
	{ "attention to other tokens", &lowering_reuse, "", MAP("s", "[4,6]") MAP("r", "[5,3]") MAP("q", "[5,3]"),
	    "'type':'attention','inputs':['s','r','q'],'heads':2,'kv_heads':1", LOSS, {
	    { "attention", 2 * 480, 192 + 120 + 120 + 192 + 512, 0 },
	    { "attention-backward", 5 * 480, 192 + 120 + 120 + 192 + 512 + 192 + 192 + 120 + 120, 192 + 512 } } },
	/* Op by op, all products in full.  Scores: 2 x 2 heads x 4 x 4 tokens x 4 = 256 bytes; mask 64. */
	{ "attention in ops", &lowering_reuse, "", MAP("s", "[4,12]"), "'type':'attention','heads':2,'kv_heads':1,'fused':false,'dropout':0.1", LOSS, {
	    { "attention-scores", 384, 192 + 96 + 256, 0 }, { "softmax", 0, 2 * 256, 0 }, { "dropout", 0, 2 * 256 + 64, 0 },
	    { "attention-output", 384, 96 + 256 + 192, 0 },
	    { "attention-output-backward", 384, 256 + 192 + 96, 0 }, { "attention-output-backward", 384, 96 + 192 + 256, 0 },
	    { "dropout-backward", 0, 64 + 2 * 256, 0 }, { "softmax-backward", 0, 3 * 256, 0 },
	    { "attention-scores-backward", 384, 96 + 256 + 192, 0 }, { "attention-scores-backward", 384, 192 + 256 + 96, 0 } } },
	/* 2 samples of 5 logits, 40 bytes; labels 16; the loss 4. */
	{ "cross-entropy", &lowering_reuse, "", MAP("s", "[5]") "{'name':'y','type':'input','shape':[1],'dtype':'int64'},",
	    "'type':'cross-entropy','inputs':['s','y']", "", {
	    { "softmax-loss", 0, 40 + 16 + 40 + 4, 0 }, { "softmax-loss-backward", 0, 40 + 16 + 40, 0 } } },
	/* Of the logarithms one a row is read, as many bytes as the labels have; the weight of the rows is 4 bytes. */
	{ "cross-entropy, framework", &lowering_framework, "", MAP("s", "[5]") "{'name':'y','type':'input','shape':[1],'dtype':'int64'},",
	    "'type':'cross-entropy','inputs':['s','y']", "", {
	    { "log-softmax", 0, 2 * 40, 0 }, { "nll-loss", 0, 16 + 16 + 4 + 4, 0 },
	    { "ones", 0, 4 + 4, 0 }, { "nll-loss-backward", 0, 16 + 4 + 4 + 40, 0 }, { "log-softmax-backward", 0, 3 * 40, 0 } } },
	/* Logits of bfloat16, 20 bytes, are copied to float32, and their gradient back. */
	{ "cross-entropy in float32", &lowering_reuse, "'dtype':'bfloat16',", MAP("s", "[5]") "{'name':'y','type':'input','shape':[1],'dtype':'int64'},",
	    "'type':'cross-entropy','inputs':['s','y'],'upcast':true", "", {
	    { "copy", 0, 20 + 40, 0 }, { "softmax-loss", 0, 40 + 16 + 40 + 4, 0 },
	    { "softmax-loss-backward", 0, 40 + 16 + 40, 0 }, { "copy", 0, 40 + 20, 0 } } },
	/* 8 rows of 3 features and a weight of 5 x 3: 120 multiplications for the logits, as many for each gradient.  Rows 96 bytes, weight
	 * 60, labels 64, the loss 4; 3 passes over all logits, 160 bytes; the workspace is half of them. */
	{ "linear cross-entropy", &lowering_reuse, "", MAP("s", "[4,3]") "{'name':'y','type':'input','shape':[4],'dtype':'int64'},",
	    "'type':'linear-cross-entropy','features':5,'chunks':2,'inputs':['s','y']", "", {
	    { "linear-cross-entropy", 3 * 240, 96 + 60 + 64 + 4 + 96 + 60 + 3 * 160, 80 },
	    { "sgd-update", 0, 3 * 60, 0 } } },
	{ "linear cross-entropy, framework", &lowering_framework, "", MAP("s", "[4,3]") "{'name':'y','type':'input','shape':[4],'dtype':'int64'},",
	    "'type':'linear-cross-entropy','features':5,'chunks':2,'inputs':['s','y']", "", {
	    { "linear-cross-entropy", 3 * 240, 96 + 60 + 64 + 4 + 96 + 60 + 3 * 160, 80 },
	    { "ones", 0, 4 + 4, 0 }, { "linear-cross-entropy-backward", 0, 96 + 4 + 96, 0 }, { "linear-cross-entropy-backward", 0, 60 + 4 + 60, 0 },
	    { "update-add", 0, 3 * 60, 0 } } },
	/* A map and a target of 96 bytes. */
	{ "squared error", &lowering_reuse, "", ROWS "{'name':'y','type':'input','shape':[3,4]},", "'type':'mse-loss','inputs':['s','y']", "", {
	    { "mse-loss", 0, 2 * 96 + 4, 0 }, { "mse-loss-backward", 0, 3 * 96, 0 } } },
	/* The difference is kept. */
	{ "absolute error, framework", &lowering_framework, "", ROWS "{'name':'y','type':'input','shape':[3,4]},", "'type':'l1-loss','inputs':['s','y']", "", {
	    { "l1-loss", 0, 3 * 96 + 4, 0 }, { "ones", 0, 4 + 4, 0 }, { "l1-loss-backward", 0, 96 + 4 + 96, 0 } } },
	/* Of each parameter, 80 bytes: the momentum is read and written, the gradient read. */
	{ "momentum", &lowering_reuse, "'optimizer':'momentum',", ROWS, "'type':'linear','features':5,'bias':false", LOSS, {
	    { "linear", 240, 96 + 80 + 120, 0 }, { "linear-backward-weight", 240, 96 + 120 + 80, 0 }, { "linear-backward-data", 240, 80 + 120 + 96, 0 },
	    { "momentum-update", 0, 80 + 2 * 80 + 2 * 80, 0 } } },
	{ "Adam", &lowering_reuse, "'optimizer':'adam',", ROWS, "'type':'linear','features':5,'bias':false", LOSS, {
	    { "linear", 240, 96 + 80 + 120, 0 }, { "linear-backward-weight", 240, 96 + 120 + 80, 0 }, { "linear-backward-data", 240, 80 + 120 + 96, 0 },
	    { "adam-update", 0, 80 + 2 * 2 * 80 + 2 * 80, 0 } } },
	/* Of 1024 x 4 values 16,384 bytes: two states of 4096 bytes and 16 scales each, read and written. */
	{ "Adam of 8 bits", &lowering_framework, "'optimizer':'adam-8bit',", ROWS, "'type':'linear','features':1024,'bias':false", LOSS, {
	    { "linear", 49152, 96 + 16384 + 24576, 0 }, { "linear-backward-weight", 49152, 96 + 24576 + 16384, 0 },
	    { "linear-backward-data", 49152, 16384 + 24576 + 96, 0 },
	    { "adam-8bit-update", 0, 3 * 16384 + 2 * 2 * (4096 + 16 * 4), 0 } } },
	/* lerp (3 maps), multiply (2), squares (3), root (2), divide (2), add in place (2), quotient (4). */
	{ "Adam, framework", &lowering_framework, "'optimizer':'adam',", ROWS, "'type':'linear','features':5,'bias':false", LOSS, {
	    { "linear", 240, 96 + 80 + 120, 0 }, { "linear-backward-weight", 240, 96 + 120 + 80, 0 }, { "linear-backward-data", 240, 80 + 120 + 96, 0 },
	    { "update-lerp", 0, 3 * 80, 0 }, { "update-multiply", 0, 2 * 80, 0 }, { "update-add-squares", 0, 3 * 80, 0 },
	    { "update-root", 0, 2 * 80, 0 }, { "update-divide", 0, 2 * 80, 0 }, { "update-add", 0, 2 * 80, 0 },
	    { "update-add-quotient", 0, 4 * 80, 0 } } },
};

/* An op's time is its FLOPs, or its bytes. */
static struct device
counting(bool bytes)
{
	struct device d = { .name = "counting", .memory_bytes = 1 << 20 };

	if (bytes)
		d.compute.memory_bytes_per_s = 1e6;
	else
		d.compute.flops[MATH_FLOAT32] = 1e6;
	return d;
}

/* Compare the ops of layer 't' with the rows: FLOPs in g, bytes in h. */
static void
compare(const char *what, const struct op_row *rows, const struct graph *g, const struct graph *h)
{
	uint32_t i = 0;

	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		if (o->layer == NULL || strcmp(o->layer, "t") != 0)
			continue;
		if (!ok(i < OPS_MOST && rows[i].name != NULL && strcmp(rows[i].name, o->name) == 0, "%s: op %u is '%s'", what, i, o->name))
			return;
		is_near(o->time_us, rows[i].flops, 1e-6, "%s: FLOPs of %s", what, o->name);
		is_near(h->ops[k].time_us, rows[i].bytes, 1e-6, "%s: bytes of %s", what, o->name);
		is_uint(o->workspace_bytes, rows[i].workspace, "%s: workspace of %s", what, o->name);
		i++;
	}
	ok(i == OPS_MOST || rows[i].name == NULL, "%s: %u ops in all", what, i);
}

static bool
lower_twice(struct graph *g, struct graph *h, const struct layer_row *row, const struct device *flops, const struct device *bytes, struct arena *a)
{
	const char *text = arena_printf(a, "{'format':'layrub-network','version':2,'name':'n','batch':2,%s'layers':[%s{'name':'t',%s}%s]}",
	    row->options, row->inputs, row->layer, row->end);
	struct err e = ERR_INIT;
	struct network n;

	return ok(network_from_text(&n, text, a) && lower(g, &n, row->by, flops, a, &e) == 0 && lower(h, &n, row->by, bytes, a, &e) == 0,
	    "%s: lowered %s", row->what, e.text);
}

static void
test_layers(void)
{
	const struct device flops = counting(false), bytes = counting(true);

	for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++) {
		struct arena a = ARENA_INIT;
		struct graph g, h;

		if (lower_twice(&g, &h, &layers[i], &flops, &bytes, &a))
			compare(layers[i].what, layers[i].ops, &g, &h);
		arena_free(&a);
	}
}

/* Rules of workspace for the first layer of the table: input (256 bytes) and 44 more forward, twice the filter (216) and the
 * output (384) backward.  A workspace is written once and read once: twice its bytes are traffic. */
static void
test_workspace(void)
{
	static struct conv_rule rules[] = {
		{ .pass = CONV_FORWARD, .math = MATH_FLOAT32, .input = 1, .fixed_bytes = 44 },
		{ .pass = CONV_BACKWARD_FILTER, .math = MATH_FLOAT32, .weight = 2 },
		{ .pass = CONV_BACKWARD_DATA, .math = MATH_FLOAT32, .output = 1 },
	};
	static const struct op_row want[OPS_MOST] = {
		{ "conv", 3456, 868 + 2 * 300, 300 },
		{ "conv-backward-filter", 3456, 868 + 2 * 432, 432 },
		{ "conv-backward-data", 3456, 856 + 2 * 384, 384 },
		{ "sgd-update", 0, 648, 0 }, { "sgd-update", 0, 36, 0 }
	};
	/* Only the 44 bytes stay. */
	static const struct op_row last[OPS_MOST] = {
		{ "conv", 3456, 868 + 2 * 44, 44 },
		{ "conv-backward-filter", 3456, 868, 0 }, { "conv-backward-data", 3456, 856, 0 },
		{ "sgd-update", 0, 648, 0 }, { "sgd-update", 0, 36, 0 }
	};
	struct layer_row row = layers[0];
	struct device flops = counting(false), bytes = counting(true);
	struct arena a = ARENA_INIT;
	struct graph g, h;

	flops.compute.conv_rules = bytes.compute.conv_rules = rules;
	flops.compute.conv_rule_count = bytes.compute.conv_rule_count = 3;
	if (lower_twice(&g, &h, &layers[0], &flops, &bytes, &a))
		compare("conv with workspace", want, &g, &h);
	row.options = "'layout':'channels-last',";
	if (lower_twice(&g, &h, &row, &flops, &bytes, &a))
		compare("conv of images pixel by pixel", last, &g, &h);
	arena_free(&a);
}

/* The channels of batch norm are its independent pieces: 3 of them keep 3 of 4 multiprocessors busy, so that 3 x 96 bytes take as
 * long as 384, and 5 x 96 as long as 640. */
static void
test_multiprocessors(void)
{
	static const struct layer_row row = { "batch norm on 4 multiprocessors", &lowering_reuse, "", IMAGE, "'type':'batch-norm','affine':false", LOSS,
	    { { "batch-norm", 0, 384, 0 }, { "batch-norm-running", 0, 88, 0 }, { "batch-norm-backward", 0, 640, 0 } } };
	struct device flops = counting(false), bytes = counting(true);
	struct arena a = ARENA_INIT;
	struct graph g, h;

	bytes.compute.multiprocessors = 4;
	if (lower_twice(&g, &h, &row, &flops, &bytes, &a))
		compare(row.what, row.ops, &g, &h);
	arena_free(&a);
}

/* A depthwise convolution has no tiles and no workspace, and float32's rate whatever its type.  2 samples x 4 pixels x 3 channels x
 * 9 taps x 2 FLOPs. */
static void
test_depthwise(void)
{
	static struct conv_rule rules[] = { { .pass = CONV_FORWARD, .math = MATH_BFLOAT16, .input = 1 } };
	static const struct layer_row row = { "depthwise conv", &lowering_reuse, "'dtype':'bfloat16',", IMAGE,
	    "'type':'conv','channels':3,'kernel':3,'pad':1,'groups':3,'bias':false", LOSS,
	    { { "conv", 432, 48 + 54 + 48, 0 }, { "conv-backward-filter", 432, 48 + 48 + 54, 0 }, { "conv-backward-data", 432, 54 + 48 + 48, 0 },
	      { "sgd-update", 0, 3 * 54, 0 } } };
	struct device flops = counting(false), bytes = counting(true);
	struct arena a = ARENA_INIT;
	struct graph g, h;

	flops.compute.flops[MATH_BFLOAT16] = 1e9;
	flops.compute.conv_tile[0] = flops.compute.conv_tile[1] = 32;
	flops.compute.conv_rules = bytes.compute.conv_rules = rules;
	flops.compute.conv_rule_count = bytes.compute.conv_rule_count = 1;
	if (lower_twice(&g, &h, &row, &flops, &bytes, &a))
		compare(row.what, row.ops, &g, &h);
	arena_free(&a);
}

int
main(void)
{
	test_layers();
	test_depthwise();
	test_workspace();
	test_multiprocessors();
	return tap_done();
}
