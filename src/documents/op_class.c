/* SPDX-License-Identifier: Apache-2.0 */
/* op_class.c - the class of an op by its framework's name */
#include <config.h>
#include "src/documents/graph.h"

#include <stdlib.h>
#include <string.h>

/* Operators of PyTorch and torchvision.  A name is looked up without the parts that do not change the class: the "aten::" and
 * "_" in front, the overload ".Tensor", the "_" of an in-place op, and "_forward" or "_backward..." behind. */
const struct op_class_row op_class_rows[] = {
	{ "abs", CLASS_ELEMENTWISE }, { "acos", CLASS_ELEMENTWISE }, { "acosh", CLASS_ELEMENTWISE },
	{ "adaptive_avg_pool1d", CLASS_POOL }, { "adaptive_avg_pool2d", CLASS_POOL },
	{ "adaptive_avg_pool3d", CLASS_POOL }, { "adaptive_max_pool1d", CLASS_POOL },
	{ "adaptive_max_pool2d", CLASS_POOL }, { "adaptive_max_pool3d", CLASS_POOL },
	{ "add", CLASS_ELEMENTWISE }, { "addbmm", CLASS_LINEAR }, { "addcdiv", CLASS_ELEMENTWISE },
	{ "addcmul", CLASS_ELEMENTWISE }, { "addmm", CLASS_LINEAR }, { "addmm_activation", CLASS_LINEAR },
	{ "addmv", CLASS_LINEAR }, { "addr", CLASS_LINEAR }, { "all", CLASS_ELEMENTWISE },
	{ "alpha_dropout", CLASS_ELEMENTWISE }, { "amax", CLASS_ELEMENTWISE }, { "amin", CLASS_ELEMENTWISE },
	{ "aminmax", CLASS_ELEMENTWISE }, { "amp_foreach_non_finite_check_and_unscale", CLASS_UPDATE },
	{ "amp_update_scale", CLASS_UPDATE }, { "any", CLASS_ELEMENTWISE }, { "arange", CLASS_ELEMENTWISE },
	{ "argmax", CLASS_ELEMENTWISE }, { "argmin", CLASS_ELEMENTWISE }, { "argsort", CLASS_OTHER },
	{ "as_strided_copy", CLASS_COPY }, { "as_strided_scatter", CLASS_COPY }, { "asin", CLASS_ELEMENTWISE },
	{ "asinh", CLASS_ELEMENTWISE }, { "atan", CLASS_ELEMENTWISE }, { "atan2", CLASS_ELEMENTWISE },
	{ "atanh", CLASS_ELEMENTWISE }, { "avg_pool1d", CLASS_POOL }, { "avg_pool2d", CLASS_POOL },
	{ "avg_pool3d", CLASS_POOL }, { "baddbmm", CLASS_LINEAR }, { "batch_norm", CLASS_NORM },
	{ "batch_norm_elemt", CLASS_NORM }, { "batch_norm_gather_stats", CLASS_NORM },
	{ "batch_norm_gather_stats_with_counts", CLASS_NORM }, { "batch_norm_impl_index", CLASS_NORM },
	{ "batch_norm_legit", CLASS_NORM }, { "batch_norm_no_update", CLASS_NORM },
	{ "batch_norm_stats", CLASS_NORM }, { "batch_norm_update_stats", CLASS_NORM },
	{ "batch_norm_with_update", CLASS_NORM }, { "bernoulli", CLASS_ELEMENTWISE },
	{ "bilinear", CLASS_LINEAR }, { "binary_cross_entropy", CLASS_LOSS },
	{ "binary_cross_entropy_with_logits", CLASS_LOSS }, { "bincount", CLASS_OTHER },
	{ "bitwise_and", CLASS_ELEMENTWISE }, { "bitwise_not", CLASS_ELEMENTWISE },
	{ "bitwise_or", CLASS_ELEMENTWISE }, { "bitwise_xor", CLASS_ELEMENTWISE },
	{ "block_diag", CLASS_COPY }, { "bmm", CLASS_LINEAR }, { "broadcast_to", CLASS_COPY },
	{ "cat", CLASS_COPY }, { "cauchy", CLASS_ELEMENTWISE }, { "ceil", CLASS_ELEMENTWISE },
	{ "celu", CLASS_ACTIVATION }, { "chain_matmul", CLASS_LINEAR }, { "channel_shuffle", CLASS_COPY },
	{ "chunk", CLASS_COPY }, { "clamp", CLASS_ELEMENTWISE }, { "clamp_max", CLASS_ELEMENTWISE },
	{ "clamp_min", CLASS_ELEMENTWISE }, { "clip", CLASS_ELEMENTWISE }, { "clone", CLASS_COPY },
	{ "col2im", CLASS_CONV }, { "concat", CLASS_COPY }, { "concatenate", CLASS_COPY },
	{ "conj_physical", CLASS_COPY }, { "constant_pad_nd", CLASS_COPY }, { "contiguous", CLASS_COPY },
	{ "conv", CLASS_CONV }, { "conv1d", CLASS_CONV }, { "conv2d", CLASS_CONV }, { "conv3d", CLASS_CONV },
	{ "conv_depthwise2d", CLASS_CONV }, { "conv_depthwise3d", CLASS_CONV }, { "conv_tbc", CLASS_CONV },
	{ "conv_transpose1d", CLASS_CONV }, { "conv_transpose2d", CLASS_CONV },
	{ "conv_transpose3d", CLASS_CONV }, { "convolution", CLASS_CONV },
	{ "convolution_overrideable", CLASS_CONV }, { "copy", CLASS_COPY }, { "copysign", CLASS_ELEMENTWISE },
	{ "cos", CLASS_ELEMENTWISE }, { "cosh", CLASS_ELEMENTWISE }, { "cosine_embedding_loss", CLASS_LOSS },
	{ "cross_entropy", CLASS_LOSS }, { "cross_entropy_loss", CLASS_LOSS }, { "ctc_loss", CLASS_LOSS },
	{ "cudnn_attention", CLASS_ATTENTION }, { "cudnn_batch_norm", CLASS_NORM },
	{ "cudnn_convolution", CLASS_CONV }, { "cudnn_convolution_add_relu", CLASS_CONV },
	{ "cudnn_convolution_relu", CLASS_CONV }, { "cudnn_convolution_transpose", CLASS_CONV },
	{ "cudnn_ctc_loss", CLASS_LOSS }, { "cudnn_grid_sampler", CLASS_POOL }, { "cudnn_rnn", CLASS_OTHER },
	{ "cumprod", CLASS_ELEMENTWISE }, { "cumsum", CLASS_ELEMENTWISE }, { "deform_conv2d", CLASS_CONV },
	{ "deg2rad", CLASS_ELEMENTWISE }, { "diag", CLASS_COPY }, { "diag_embed", CLASS_COPY },
	{ "diagonal_copy", CLASS_COPY }, { "diagonal_scatter", CLASS_COPY }, { "digamma", CLASS_ELEMENTWISE },
	{ "div", CLASS_ELEMENTWISE }, { "divide", CLASS_ELEMENTWISE }, { "dot", CLASS_LINEAR },
	{ "dropout", CLASS_ELEMENTWISE }, { "efficient_attention", CLASS_ATTENTION },
	{ "einsum", CLASS_LINEAR }, { "elu", CLASS_ACTIVATION }, { "embedding", CLASS_EMBEDDING },
	{ "embedding_bag", CLASS_EMBEDDING }, { "embedding_dense", CLASS_EMBEDDING },
	{ "embedding_renorm", CLASS_EMBEDDING }, { "embedding_sparse", CLASS_EMBEDDING },
	{ "empty_like", CLASS_ELEMENTWISE }, { "eq", CLASS_ELEMENTWISE }, { "erf", CLASS_ELEMENTWISE },
	{ "erfc", CLASS_ELEMENTWISE }, { "erfinv", CLASS_ELEMENTWISE }, { "exp", CLASS_ELEMENTWISE },
	{ "exp2", CLASS_ELEMENTWISE }, { "expand", CLASS_COPY }, { "expand_copy", CLASS_COPY },
	{ "expm1", CLASS_ELEMENTWISE }, { "exponential", CLASS_ELEMENTWISE }, { "eye", CLASS_ELEMENTWISE },
	{ "feature_dropout", CLASS_ELEMENTWISE }, { "fft_c2c", CLASS_OTHER }, { "fft_c2r", CLASS_OTHER },
	{ "fft_r2c", CLASS_OTHER }, { "fill", CLASS_ELEMENTWISE }, { "flash_attention", CLASS_ATTENTION },
	{ "flatten", CLASS_COPY }, { "flex_attention", CLASS_ATTENTION }, { "flip", CLASS_COPY },
	{ "floor", CLASS_ELEMENTWISE }, { "floor_divide", CLASS_ELEMENTWISE }, { "fmax", CLASS_ELEMENTWISE },
	{ "fmin", CLASS_ELEMENTWISE }, { "fmod", CLASS_ELEMENTWISE }, { "frac", CLASS_ELEMENTWISE },
	{ "fractional_max_pool2d", CLASS_POOL }, { "fractional_max_pool3d", CLASS_POOL },
	{ "full", CLASS_ELEMENTWISE }, { "full_like", CLASS_ELEMENTWISE }, { "fused_adagrad", CLASS_UPDATE },
	{ "fused_adam", CLASS_UPDATE }, { "fused_adamw", CLASS_UPDATE },
	{ "fused_dropout", CLASS_ELEMENTWISE }, { "fused_rms_norm", CLASS_NORM },
	{ "fused_sdp_choice", CLASS_ATTENTION }, { "fused_sgd", CLASS_UPDATE }, { "gather", CLASS_COPY },
	{ "ge", CLASS_ELEMENTWISE }, { "gelu", CLASS_ACTIVATION }, { "glu", CLASS_ACTIVATION },
	{ "grid_sampler_2d", CLASS_POOL }, { "grid_sampler_3d", CLASS_POOL }, { "group_norm", CLASS_NORM },
	{ "grouped_mm", CLASS_LINEAR }, { "gru", CLASS_OTHER }, { "gt", CLASS_ELEMENTWISE },
	{ "hardshrink", CLASS_ACTIVATION }, { "hardsigmoid", CLASS_ACTIVATION },
	{ "hardswish", CLASS_ACTIVATION }, { "hardtanh", CLASS_ACTIVATION },
	{ "hinge_embedding_loss", CLASS_LOSS }, { "histc", CLASS_OTHER }, { "hstack", CLASS_COPY },
	{ "huber_loss", CLASS_LOSS }, { "hypot", CLASS_ELEMENTWISE }, { "im2col", CLASS_CONV },
	{ "index", CLASS_COPY }, { "index_add", CLASS_COPY }, { "index_copy", CLASS_COPY },
	{ "index_fill", CLASS_COPY }, { "index_put", CLASS_COPY }, { "index_put_impl", CLASS_COPY },
	{ "index_select", CLASS_COPY }, { "inner", CLASS_LINEAR }, { "instance_norm", CLASS_NORM },
	{ "int_mm", CLASS_LINEAR }, { "isfinite", CLASS_ELEMENTWISE }, { "isinf", CLASS_ELEMENTWISE },
	{ "isnan", CLASS_ELEMENTWISE }, { "isneginf", CLASS_ELEMENTWISE }, { "isposinf", CLASS_ELEMENTWISE },
	{ "kl_div", CLASS_LOSS }, { "l1_loss", CLASS_LOSS }, { "layer_norm", CLASS_NORM },
	{ "ldexp", CLASS_ELEMENTWISE }, { "le", CLASS_ELEMENTWISE }, { "leaky_relu", CLASS_ACTIVATION },
	{ "lerp", CLASS_ELEMENTWISE }, { "lgamma", CLASS_ELEMENTWISE }, { "linalg_cholesky", CLASS_OTHER },
	{ "linalg_inv", CLASS_OTHER }, { "linalg_qr", CLASS_OTHER }, { "linalg_solve", CLASS_OTHER },
	{ "linalg_svd", CLASS_OTHER }, { "linalg_vector_norm", CLASS_ELEMENTWISE }, { "linear", CLASS_LINEAR },
	{ "linspace", CLASS_ELEMENTWISE }, { "local_response_norm", CLASS_NORM }, { "log", CLASS_ELEMENTWISE },
	{ "log10", CLASS_ELEMENTWISE }, { "log1p", CLASS_ELEMENTWISE }, { "log2", CLASS_ELEMENTWISE },
	{ "log_sigmoid", CLASS_ACTIVATION },
	{ "log_softmax", CLASS_LOSS }, { "logaddexp", CLASS_ELEMENTWISE },
	{ "logcumsumexp", CLASS_ELEMENTWISE }, { "logical_and", CLASS_ELEMENTWISE },
	{ "logical_not", CLASS_ELEMENTWISE }, { "logical_or", CLASS_ELEMENTWISE },
	{ "logical_xor", CLASS_ELEMENTWISE }, { "logit", CLASS_ELEMENTWISE },
	{ "logspace", CLASS_ELEMENTWISE }, { "logsumexp", CLASS_ELEMENTWISE }, { "lrn", CLASS_NORM },
	{ "lstm", CLASS_OTHER }, { "lt", CLASS_ELEMENTWISE }, { "margin_ranking_loss", CLASS_LOSS },
	{ "masked_fill", CLASS_ELEMENTWISE }, { "masked_scale", CLASS_ELEMENTWISE },
	{ "masked_scatter", CLASS_COPY }, { "masked_select", CLASS_COPY },
	{ "masked_softmax", CLASS_ACTIVATION }, { "matmul", CLASS_LINEAR }, { "max", CLASS_ELEMENTWISE },
	{ "max_pool1d", CLASS_POOL }, { "max_pool1d_with_indices", CLASS_POOL }, { "max_pool2d", CLASS_POOL },
	{ "max_pool2d_with_indices", CLASS_POOL }, { "max_pool3d", CLASS_POOL },
	{ "max_pool3d_with_indices", CLASS_POOL }, { "max_unpool2d", CLASS_POOL },
	{ "max_unpool3d", CLASS_POOL }, { "maximum", CLASS_ELEMENTWISE }, { "mean", CLASS_ELEMENTWISE },
	{ "median", CLASS_ELEMENTWISE }, { "min", CLASS_ELEMENTWISE }, { "minimum", CLASS_ELEMENTWISE },
	{ "miopen_batch_norm", CLASS_NORM }, { "miopen_convolution", CLASS_CONV },
	{ "miopen_convolution_transpose", CLASS_CONV }, { "miopen_depthwise_convolution", CLASS_CONV },
	{ "mish", CLASS_ACTIVATION }, { "mkldnn_convolution", CLASS_CONV }, { "mm", CLASS_LINEAR },
	{ "mse_loss", CLASS_LOSS }, { "msort", CLASS_OTHER }, { "mul", CLASS_ELEMENTWISE },
	{ "multi_head_attention", CLASS_ATTENTION }, { "multi_margin_loss", CLASS_LOSS },
	{ "multilabel_margin_loss", CLASS_LOSS }, { "multinomial", CLASS_ELEMENTWISE },
	{ "multiply", CLASS_ELEMENTWISE }, { "mv", CLASS_LINEAR }, { "nan_to_num", CLASS_ELEMENTWISE },
	{ "nanmean", CLASS_ELEMENTWISE }, { "nansum", CLASS_ELEMENTWISE }, { "narrow", CLASS_COPY },
	{ "narrow_copy", CLASS_COPY }, { "native_batch_norm", CLASS_NORM },
	{ "native_batch_norm_legit", CLASS_NORM }, { "native_batch_norm_legit_functional", CLASS_NORM },
	{ "native_channel_shuffle", CLASS_COPY }, { "native_dropout", CLASS_ELEMENTWISE },
	{ "native_group_norm", CLASS_NORM }, { "native_layer_norm", CLASS_NORM },
	{ "native_multi_head_attention", CLASS_ATTENTION }, { "ne", CLASS_ELEMENTWISE },
	{ "neg", CLASS_ELEMENTWISE }, { "negative", CLASS_ELEMENTWISE }, { "new_full", CLASS_ELEMENTWISE },
	{ "new_ones", CLASS_ELEMENTWISE }, { "new_zeros", CLASS_ELEMENTWISE }, { "nll_loss", CLASS_LOSS },
	{ "nll_loss2d", CLASS_LOSS }, { "nll_loss_nd", CLASS_LOSS }, { "nms", CLASS_OTHER },
	{ "nonzero", CLASS_OTHER }, { "norm", CLASS_ELEMENTWISE }, { "normal", CLASS_ELEMENTWISE },
	{ "normal_functional", CLASS_ELEMENTWISE }, { "not_equal", CLASS_ELEMENTWISE },
	{ "ones", CLASS_ELEMENTWISE }, { "ones_like", CLASS_ELEMENTWISE }, { "outer", CLASS_LINEAR },
	{ "pad", CLASS_COPY }, { "permute", CLASS_COPY }, { "permute_copy", CLASS_COPY },
	{ "pin_memory", CLASS_COPY }, { "pixel_shuffle", CLASS_COPY }, { "pixel_unshuffle", CLASS_COPY },
	{ "poisson_nll_loss", CLASS_LOSS }, { "polar", CLASS_ELEMENTWISE }, { "pow", CLASS_ELEMENTWISE },
	{ "prelu", CLASS_ACTIVATION }, { "prelu_kernel", CLASS_ACTIVATION }, { "prod", CLASS_ELEMENTWISE },
	{ "put", CLASS_COPY }, { "rand", CLASS_ELEMENTWISE }, { "rand_like", CLASS_ELEMENTWISE },
	{ "randint", CLASS_ELEMENTWISE }, { "randn", CLASS_ELEMENTWISE }, { "randn_like", CLASS_ELEMENTWISE },
	{ "randperm", CLASS_ELEMENTWISE }, { "reciprocal", CLASS_ELEMENTWISE },
	{ "reflection_pad1d", CLASS_COPY }, { "reflection_pad2d", CLASS_COPY },
	{ "reflection_pad3d", CLASS_COPY }, { "relu", CLASS_ACTIVATION }, { "relu6", CLASS_ACTIVATION },
	{ "remainder", CLASS_ELEMENTWISE }, { "renorm", CLASS_NORM }, { "repeat", CLASS_COPY },
	{ "repeat_interleave", CLASS_COPY }, { "replication_pad1d", CLASS_COPY },
	{ "replication_pad2d", CLASS_COPY }, { "replication_pad3d", CLASS_COPY }, { "reshape", CLASS_COPY },
	{ "reshape_copy", CLASS_COPY }, { "resize", CLASS_COPY }, { "rms_norm", CLASS_NORM },
	{ "roi_align", CLASS_POOL }, { "roi_pool", CLASS_POOL }, { "roll", CLASS_COPY },
	{ "rot90", CLASS_COPY }, { "round", CLASS_ELEMENTWISE }, { "rrelu", CLASS_ACTIVATION },
	{ "rrelu_with_noise", CLASS_ACTIVATION }, { "rsqrt", CLASS_ELEMENTWISE },
	{ "rsub", CLASS_ELEMENTWISE }, { "safe_softmax", CLASS_ACTIVATION },
	{ "scalar_tensor", CLASS_ELEMENTWISE }, { "scaled_mm", CLASS_LINEAR }, { "scatter", CLASS_COPY },
	{ "scatter_add", CLASS_COPY }, { "scatter_reduce", CLASS_COPY }, { "searchsorted", CLASS_OTHER },
	{ "select", CLASS_COPY }, { "select_copy", CLASS_COPY }, { "select_scatter", CLASS_COPY },
	{ "selu", CLASS_ACTIVATION }, { "sgn", CLASS_ELEMENTWISE }, { "sigmoid", CLASS_ACTIVATION },
	{ "sign", CLASS_ELEMENTWISE }, { "signbit", CLASS_ELEMENTWISE }, { "silu", CLASS_ACTIVATION },
	{ "sin", CLASS_ELEMENTWISE }, { "sinc", CLASS_ELEMENTWISE }, { "sinh", CLASS_ELEMENTWISE },
	{ "slice", CLASS_COPY }, { "slice_copy", CLASS_COPY }, { "slice_scatter", CLASS_COPY },
	{ "slow_conv2d", CLASS_CONV }, { "slow_conv3d", CLASS_CONV }, { "slow_conv_dilated2d", CLASS_CONV },
	{ "slow_conv_dilated3d", CLASS_CONV }, { "slow_conv_transpose2d", CLASS_CONV },
	{ "smooth_l1_loss", CLASS_LOSS }, { "soft_margin_loss", CLASS_LOSS }, { "softmax", CLASS_ACTIVATION },
	{ "softplus", CLASS_ACTIVATION }, { "softshrink", CLASS_ACTIVATION }, { "softsign", CLASS_ACTIVATION },
	{ "sort", CLASS_OTHER }, { "sparse_addmm", CLASS_LINEAR }, { "split", CLASS_COPY },
	{ "split_copy", CLASS_COPY }, { "split_with_sizes", CLASS_COPY },
	{ "split_with_sizes_copy", CLASS_COPY }, { "sqrt", CLASS_ELEMENTWISE },
	{ "square", CLASS_ELEMENTWISE }, { "squeeze_copy", CLASS_COPY }, { "stack", CLASS_COPY },
	{ "std", CLASS_ELEMENTWISE }, { "std_mean", CLASS_ELEMENTWISE }, { "sub", CLASS_ELEMENTWISE },
	{ "subtract", CLASS_ELEMENTWISE }, { "sum", CLASS_ELEMENTWISE }, { "sum_to_size", CLASS_ELEMENTWISE },
	{ "swish", CLASS_ACTIVATION }, { "t_copy", CLASS_COPY }, { "take", CLASS_COPY },
	{ "take_along_dim", CLASS_COPY }, { "tan", CLASS_ELEMENTWISE }, { "tanh", CLASS_ACTIVATION },
	{ "tanhshrink", CLASS_ACTIVATION }, { "tensordot", CLASS_LINEAR }, { "thnn_conv2d", CLASS_CONV },
	{ "thnn_fused_gru_cell", CLASS_OTHER }, { "thnn_fused_lstm_cell", CLASS_OTHER },
	{ "threshold", CLASS_ACTIVATION }, { "tile", CLASS_COPY }, { "to", CLASS_COPY },
	{ "to_copy", CLASS_COPY }, { "topk", CLASS_OTHER }, { "transform_bias_rescale_qkv", CLASS_ATTENTION },
	{ "transformer_encoder_layer_fwd", CLASS_ATTENTION }, { "transpose", CLASS_COPY },
	{ "transpose_copy", CLASS_COPY }, { "tril", CLASS_ELEMENTWISE }, { "trilinear", CLASS_LINEAR },
	{ "triplet_margin_loss", CLASS_LOSS }, { "triu", CLASS_ELEMENTWISE },
	{ "true_divide", CLASS_ELEMENTWISE }, { "trunc", CLASS_ELEMENTWISE }, { "unbind_copy", CLASS_COPY },
	{ "unfold", CLASS_CONV }, { "unfold_copy", CLASS_COPY }, { "uniform", CLASS_ELEMENTWISE },
	{ "unique", CLASS_OTHER }, { "unique2", CLASS_OTHER }, { "unsafe_index", CLASS_COPY },
	{ "unsafe_index_put", CLASS_COPY }, { "unsafe_split", CLASS_COPY }, { "unsqueeze_copy", CLASS_COPY },
	{ "upsample_bicubic2d", CLASS_POOL }, { "upsample_bicubic2d_aa", CLASS_POOL },
	{ "upsample_bilinear2d", CLASS_POOL }, { "upsample_bilinear2d_aa", CLASS_POOL },
	{ "upsample_linear1d", CLASS_POOL }, { "upsample_nearest1d", CLASS_POOL },
	{ "upsample_nearest2d", CLASS_POOL }, { "upsample_nearest3d", CLASS_POOL },
	{ "upsample_nearest_exact1d", CLASS_POOL }, { "upsample_nearest_exact2d", CLASS_POOL },
	{ "upsample_nearest_exact3d", CLASS_POOL }, { "upsample_trilinear3d", CLASS_POOL },
	{ "value_selecting_reduction", CLASS_COPY }, { "var", CLASS_ELEMENTWISE },
	{ "var_mean", CLASS_ELEMENTWISE }, { "vdot", CLASS_LINEAR }, { "view_copy", CLASS_COPY },
	{ "vstack", CLASS_COPY }, { "weight_int4pack_mm", CLASS_LINEAR },
	{ "weight_int8pack_mm", CLASS_LINEAR }, { "weight_norm", CLASS_NORM },
	{ "weight_norm_interface", CLASS_NORM }, { "where", CLASS_ELEMENTWISE },
	{ "xlogy", CLASS_ELEMENTWISE }, { "zero", CLASS_ELEMENTWISE }, { "zeros", CLASS_ELEMENTWISE },
	{ "zeros_like", CLASS_ELEMENTWISE },
	{ NULL, CLASS_OTHER }
};
enum { ROW_COUNT = sizeof(op_class_rows) / sizeof(op_class_rows[0]) - 1 };

/* Families by their first letters, because frameworks add and rename members. */
static const struct op_class_row families[] = {
	{ "scaled_dot_product_", CLASS_ATTENTION },
	{ "foreach_", CLASS_ELEMENTWISE },
};

static int
by_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct op_class_row *)row)->name);
}

/* Writes the part of name that the table knows into buf; false when it is longer than any name there. */
static bool
strip(char *buf, size_t size, const char *name)
{
	const char *namespace = strstr(name, "::"), *tail;
	size_t n;

	if (namespace != NULL)
		name = namespace + 2;
	name += strspn(name, "_");
	n = strcspn(name, ".");
	tail = strstr(name, "_backward");
	if (tail != NULL && (size_t)(tail - name) < n)
		n = (size_t)(tail - name);
	while (n > 0 && name[n - 1] == '_')
		n--;
	if (n > 8 && strncmp(name + n - 8, "_forward", 8) == 0)
		n -= 8;
	if (n >= size)
		return false;
	memcpy(buf, name, n);
	buf[n] = '\0';
	return true;
}

enum op_class
op_class_of(const char *name, enum phase phase)
{
	const struct op_class_row *row;
	char plain[64];

	if (phase == PHASE_UPDATE)
		return CLASS_UPDATE;
	if (!strip(plain, sizeof(plain), name))
		return CLASS_OTHER;
	row = bsearch(plain, op_class_rows, ROW_COUNT, sizeof(op_class_rows[0]), by_name);
	if (row != NULL)
		return row->class;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strncmp(plain, families[i].name, strlen(families[i].name)) == 0)
			return families[i].class;
	return CLASS_OTHER;
}
