/* SPDX-License-Identifier: Apache-2.0 */
/* op_class.c - the class of an op by its framework's name */
#include <config.h>
#include "src/documents/graph.h"

#include <stdlib.h>
#include <string.h>

/* Operators of PyTorch and torchvision.  A name is looked up without the parts that do not change the class: the "aten::" and
 * "_" in front, the overload ".Tensor", the "_" of an in-place op, and "_forward" or "_backward..." behind.  An op over lists
 * of tensors ("foreach_...") whose class is not elementwise has a row. */
const struct op_class_row op_class_rows[] = {
	{ "abs", CLASS_ELEMENTWISE }, { "acos", CLASS_ELEMENTWISE }, { "acosh", CLASS_ELEMENTWISE },
	{ "adaptive_avg_pool1d", CLASS_POOL }, { "adaptive_avg_pool2d", CLASS_POOL },
	{ "adaptive_avg_pool3d", CLASS_POOL }, { "adaptive_max_pool1d", CLASS_POOL },
	{ "adaptive_max_pool2d", CLASS_POOL }, { "adaptive_max_pool3d", CLASS_POOL },
	{ "add", CLASS_ELEMENTWISE }, { "add_relu", CLASS_ACTIVATION },
	{ "addbmm", CLASS_LINEAR }, { "addcdiv", CLASS_ELEMENTWISE },
	{ "addcmul", CLASS_ELEMENTWISE }, { "addmm", CLASS_LINEAR }, { "addmm_activation", CLASS_LINEAR },
	{ "addmv", CLASS_LINEAR }, { "addr", CLASS_LINEAR },
	{ "alias_copy", CLASS_COPY }, { "all", CLASS_ELEMENTWISE },
	{ "alpha_dropout", CLASS_ELEMENTWISE }, { "amax", CLASS_ELEMENTWISE }, { "amin", CLASS_ELEMENTWISE },
	{ "aminmax", CLASS_ELEMENTWISE }, { "amp_foreach_non_finite_check_and_unscale", CLASS_UPDATE },
	{ "amp_update_scale", CLASS_UPDATE }, { "angle", CLASS_ELEMENTWISE },
	{ "any", CLASS_ELEMENTWISE }, { "arange", CLASS_ELEMENTWISE },
	{ "argmax", CLASS_ELEMENTWISE }, { "argmin", CLASS_ELEMENTWISE }, { "argsort", CLASS_OTHER },
	{ "as_strided_copy", CLASS_COPY }, { "as_strided_scatter", CLASS_COPY }, { "asin", CLASS_ELEMENTWISE },
	{ "asinh", CLASS_ELEMENTWISE }, { "atan", CLASS_ELEMENTWISE }, { "atan2", CLASS_ELEMENTWISE },
	{ "atanh", CLASS_ELEMENTWISE }, { "avg_pool1d", CLASS_POOL }, { "avg_pool2d", CLASS_POOL },
	{ "avg_pool3d", CLASS_POOL }, { "baddbmm", CLASS_LINEAR }, { "batch_norm", CLASS_NORM },
	{ "batch_norm_elemt", CLASS_NORM }, { "batch_norm_gather_stats", CLASS_NORM },
	{ "batch_norm_gather_stats_with_counts", CLASS_NORM }, { "batch_norm_impl_index", CLASS_NORM },
	{ "batch_norm_legit", CLASS_NORM }, { "batch_norm_no_update", CLASS_NORM },
	{ "batch_norm_stats", CLASS_NORM }, { "batch_norm_update_stats", CLASS_NORM },
	{ "batch_norm_with_update", CLASS_NORM },
	{ "batch_norm_with_update_functional", CLASS_NORM }, { "bernoulli", CLASS_ELEMENTWISE },
	{ "bias_addmm", CLASS_LINEAR }, { "bilinear", CLASS_LINEAR }, { "binary_cross_entropy", CLASS_LOSS },
	{ "binary_cross_entropy_with_logits", CLASS_LOSS }, { "bincount", CLASS_OTHER },
	{ "binomial", CLASS_ELEMENTWISE }, { "bitwise_and", CLASS_ELEMENTWISE },
	{ "bitwise_left_shift", CLASS_ELEMENTWISE }, { "bitwise_not", CLASS_ELEMENTWISE },
	{ "bitwise_or", CLASS_ELEMENTWISE }, { "bitwise_right_shift", CLASS_ELEMENTWISE },
	{ "bitwise_xor", CLASS_ELEMENTWISE },
	{ "block_diag", CLASS_COPY }, { "bmm", CLASS_LINEAR }, { "broadcast_to", CLASS_COPY },
	{ "cat", CLASS_COPY }, { "cauchy", CLASS_ELEMENTWISE }, { "ceil", CLASS_ELEMENTWISE },
	{ "celu", CLASS_ACTIVATION }, { "chain_matmul", CLASS_LINEAR }, { "channel_shuffle", CLASS_COPY },
	{ "chunk", CLASS_COPY }, { "chunk_cat", CLASS_COPY },
	{ "clamp", CLASS_ELEMENTWISE }, { "clamp_max", CLASS_ELEMENTWISE },
	{ "clamp_min", CLASS_ELEMENTWISE }, { "clip", CLASS_ELEMENTWISE }, { "clone", CLASS_COPY },
	{ "col2im", CLASS_CONV }, { "complex", CLASS_ELEMENTWISE },
	{ "concat", CLASS_COPY }, { "concatenate", CLASS_COPY },
	{ "conj_physical", CLASS_COPY }, { "constant_pad_nd", CLASS_COPY }, { "contiguous", CLASS_COPY },
	{ "conv", CLASS_CONV }, { "conv1d", CLASS_CONV }, { "conv2d", CLASS_CONV }, { "conv3d", CLASS_CONV },
	{ "conv_depthwise2d", CLASS_CONV }, { "conv_depthwise3d", CLASS_CONV }, { "conv_tbc", CLASS_CONV },
	{ "conv_transpose1d", CLASS_CONV }, { "conv_transpose2d", CLASS_CONV },
	{ "conv_transpose3d", CLASS_CONV }, { "convert_element_type", CLASS_COPY }, { "convolution", CLASS_CONV },
	{ "convolution_overrideable", CLASS_CONV }, { "copy", CLASS_COPY }, { "copysign", CLASS_ELEMENTWISE },
	{ "cos", CLASS_ELEMENTWISE }, { "cosh", CLASS_ELEMENTWISE }, { "cosine_embedding_loss", CLASS_LOSS },
	{ "count_nonzero", CLASS_ELEMENTWISE }, { "cross_entropy", CLASS_LOSS },
	{ "cross_entropy_loss", CLASS_LOSS }, { "ctc_loss", CLASS_LOSS },
	{ "cudnn_attention", CLASS_ATTENTION }, { "cudnn_batch_norm", CLASS_NORM },
	{ "cudnn_convolution", CLASS_CONV }, { "cudnn_convolution_add_relu", CLASS_CONV },
	{ "cudnn_convolution_relu", CLASS_CONV }, { "cudnn_convolution_transpose", CLASS_CONV },
	{ "cudnn_ctc_loss", CLASS_LOSS }, { "cudnn_grid_sampler", CLASS_POOL }, { "cudnn_rnn", CLASS_LINEAR },
	{ "cummax", CLASS_ELEMENTWISE }, { "cummax_helper", CLASS_ELEMENTWISE },
	{ "cummin", CLASS_ELEMENTWISE }, { "cummin_helper", CLASS_ELEMENTWISE }, { "cumprod", CLASS_ELEMENTWISE },
	{ "cumsum", CLASS_ELEMENTWISE }, { "deform_conv2d", CLASS_CONV },
	{ "deg2rad", CLASS_ELEMENTWISE }, { "detach_copy", CLASS_COPY },
	{ "diag", CLASS_COPY }, { "diag_embed", CLASS_COPY },
	{ "diagonal_copy", CLASS_COPY }, { "diagonal_scatter", CLASS_COPY }, { "digamma", CLASS_ELEMENTWISE },
	{ "div", CLASS_ELEMENTWISE }, { "divide", CLASS_ELEMENTWISE }, { "dot", CLASS_LINEAR },
	{ "dropout", CLASS_ELEMENTWISE }, { "efficient_attention", CLASS_ATTENTION },
	{ "einsum", CLASS_LINEAR }, { "elu", CLASS_ACTIVATION }, { "embedding", CLASS_EMBEDDING },
	{ "embedding_bag", CLASS_EMBEDDING }, { "embedding_bag_dense", CLASS_EMBEDDING },
	{ "embedding_bag_forward_only", CLASS_EMBEDDING },
	{ "embedding_bag_per_sample_weights", CLASS_EMBEDDING },
	{ "embedding_bag_sparse", CLASS_EMBEDDING }, { "embedding_dense", CLASS_EMBEDDING },
	{ "embedding_renorm", CLASS_EMBEDDING }, { "embedding_sparse", CLASS_EMBEDDING },
	{ "empty_like", CLASS_ELEMENTWISE }, { "eq", CLASS_ELEMENTWISE }, { "erf", CLASS_ELEMENTWISE },
	{ "erfc", CLASS_ELEMENTWISE }, { "erfinv", CLASS_ELEMENTWISE }, { "exp", CLASS_ELEMENTWISE },
	{ "exp2", CLASS_ELEMENTWISE }, { "expand", CLASS_COPY }, { "expand_copy", CLASS_COPY },
	{ "expm1", CLASS_ELEMENTWISE }, { "exponential", CLASS_ELEMENTWISE }, { "eye", CLASS_ELEMENTWISE },
	{ "fake_quantize_learnable_per_channel_affine", CLASS_ELEMENTWISE },
	{ "fake_quantize_learnable_per_tensor_affine", CLASS_ELEMENTWISE },
	{ "fake_quantize_per_channel_affine_cachemask", CLASS_ELEMENTWISE },
	{ "fake_quantize_per_tensor_affine_cachemask", CLASS_ELEMENTWISE },
	{ "feature_dropout", CLASS_ELEMENTWISE }, { "fft_c2c", CLASS_OTHER }, { "fft_c2r", CLASS_OTHER },
	{ "fft_r2c", CLASS_OTHER }, { "fill", CLASS_ELEMENTWISE }, { "flash_attention", CLASS_ATTENTION },
	{ "flatten", CLASS_COPY }, { "flex_attention", CLASS_ATTENTION }, { "flip", CLASS_COPY },
	{ "floor", CLASS_ELEMENTWISE }, { "floor_divide", CLASS_ELEMENTWISE }, { "fmax", CLASS_ELEMENTWISE },
	{ "fmin", CLASS_ELEMENTWISE }, { "fmod", CLASS_ELEMENTWISE },
	{ "foreach_copy", CLASS_COPY }, { "frac", CLASS_ELEMENTWISE },
	{ "fractional_max_pool2d", CLASS_POOL }, { "fractional_max_pool3d", CLASS_POOL },
	{ "full", CLASS_ELEMENTWISE }, { "full_like", CLASS_ELEMENTWISE }, { "fused_adagrad", CLASS_UPDATE },
	{ "fused_adam", CLASS_UPDATE }, { "fused_adamw", CLASS_UPDATE },
	{ "fused_dropout", CLASS_ELEMENTWISE },
	{ "fused_moving_avg_obs_fq_helper", CLASS_ELEMENTWISE }, { "fused_rms_norm", CLASS_NORM },
	{ "fused_sdp_choice", CLASS_ATTENTION }, { "fused_sgd", CLASS_UPDATE }, { "gather", CLASS_COPY },
	{ "ge", CLASS_ELEMENTWISE }, { "gelu", CLASS_ACTIVATION },
	{ "geometric", CLASS_ELEMENTWISE }, { "glu", CLASS_ACTIVATION },
	{ "glu_jvp", CLASS_ACTIVATION }, { "grid_sampler_2d", CLASS_POOL },
	{ "grid_sampler_3d", CLASS_POOL }, { "group_norm", CLASS_NORM },
	{ "grouped_mm", CLASS_LINEAR }, { "gru", CLASS_LINEAR }, { "gt", CLASS_ELEMENTWISE },
	{ "hardshrink", CLASS_ACTIVATION }, { "hardsigmoid", CLASS_ACTIVATION },
	{ "hardswish", CLASS_ACTIVATION }, { "hardtanh", CLASS_ACTIVATION },
	{ "heaviside", CLASS_ELEMENTWISE }, { "hinge_embedding_loss", CLASS_LOSS },
	{ "histc", CLASS_OTHER }, { "hstack", CLASS_COPY },
	{ "huber_loss", CLASS_LOSS }, { "hypot", CLASS_ELEMENTWISE },
	{ "i0", CLASS_ELEMENTWISE }, { "igamma", CLASS_ELEMENTWISE },
	{ "igammac", CLASS_ELEMENTWISE }, { "im2col", CLASS_CONV },
	{ "index", CLASS_COPY }, { "index_add", CLASS_COPY }, { "index_copy", CLASS_COPY },
	{ "index_fill", CLASS_COPY }, { "index_put", CLASS_COPY }, { "index_put_impl", CLASS_COPY },
	{ "index_reduce", CLASS_COPY }, { "index_select", CLASS_COPY },
	{ "inductor_lookup_seed", CLASS_ELEMENTWISE },
	{ "inductor_randint", CLASS_ELEMENTWISE }, { "inductor_random", CLASS_ELEMENTWISE },
	{ "inductor_seeds", CLASS_ELEMENTWISE }, { "inner", CLASS_LINEAR }, { "instance_norm", CLASS_NORM },
	{ "int_mm", CLASS_LINEAR }, { "iota", CLASS_ELEMENTWISE },
	{ "isfinite", CLASS_ELEMENTWISE }, { "isinf", CLASS_ELEMENTWISE },
	{ "isnan", CLASS_ELEMENTWISE }, { "isneginf", CLASS_ELEMENTWISE }, { "isposinf", CLASS_ELEMENTWISE },
	{ "kl_div", CLASS_LOSS }, { "l1_loss", CLASS_LOSS }, { "layer_norm", CLASS_NORM },
	{ "ldexp", CLASS_ELEMENTWISE }, { "le", CLASS_ELEMENTWISE }, { "leaky_relu", CLASS_ACTIVATION },
	{ "lerp", CLASS_ELEMENTWISE }, { "lgamma", CLASS_ELEMENTWISE },
	{ "lift_fresh_copy", CLASS_COPY }, { "linalg_cholesky", CLASS_OTHER },
	{ "linalg_inv", CLASS_OTHER }, { "linalg_qr", CLASS_OTHER }, { "linalg_solve", CLASS_OTHER },
	{ "linalg_svd", CLASS_OTHER }, { "linalg_vector_norm", CLASS_ELEMENTWISE }, { "linear", CLASS_LINEAR },
	{ "linspace", CLASS_ELEMENTWISE }, { "local_response_norm", CLASS_NORM }, { "log", CLASS_ELEMENTWISE },
	{ "log10", CLASS_ELEMENTWISE }, { "log1p", CLASS_ELEMENTWISE }, { "log2", CLASS_ELEMENTWISE },
	{ "log_normal", CLASS_ELEMENTWISE }, { "log_sigmoid", CLASS_ACTIVATION },
	{ "log_softmax", CLASS_LOSS }, { "logaddexp", CLASS_ELEMENTWISE },
	{ "logaddexp2", CLASS_ELEMENTWISE }, { "logcumsumexp", CLASS_ELEMENTWISE },
	{ "logical_and", CLASS_ELEMENTWISE },
	{ "logical_not", CLASS_ELEMENTWISE }, { "logical_or", CLASS_ELEMENTWISE },
	{ "logical_xor", CLASS_ELEMENTWISE }, { "logit", CLASS_ELEMENTWISE },
	{ "logspace", CLASS_ELEMENTWISE }, { "logsumexp", CLASS_ELEMENTWISE }, { "lrn", CLASS_NORM },
	{ "lstm", CLASS_LINEAR }, { "lt", CLASS_ELEMENTWISE }, { "margin_ranking_loss", CLASS_LOSS },
	{ "masked_fill", CLASS_ELEMENTWISE }, { "masked_scale", CLASS_ELEMENTWISE },
	{ "masked_scatter", CLASS_COPY }, { "masked_select", CLASS_COPY },
	{ "masked_softmax", CLASS_ACTIVATION }, { "matmul", CLASS_LINEAR }, { "max", CLASS_ELEMENTWISE },
	{ "max_pool1d", CLASS_POOL }, { "max_pool1d_with_indices", CLASS_POOL }, { "max_pool2d", CLASS_POOL },
	{ "max_pool2d_with_indices", CLASS_POOL }, { "max_pool3d", CLASS_POOL },
	{ "max_pool3d_with_indices", CLASS_POOL }, { "max_unpool2d", CLASS_POOL },
	{ "max_unpool3d", CLASS_POOL }, { "maximum", CLASS_ELEMENTWISE }, { "mean", CLASS_ELEMENTWISE },
	{ "median", CLASS_ELEMENTWISE }, { "min", CLASS_ELEMENTWISE }, { "minimum", CLASS_ELEMENTWISE },
	{ "miopen_batch_norm", CLASS_NORM }, { "miopen_convolution", CLASS_CONV },
	{ "miopen_convolution_transpose", CLASS_CONV },
	{ "miopen_ctc_loss", CLASS_LOSS }, { "miopen_depthwise_convolution", CLASS_CONV },
	{ "miopen_rnn", CLASS_LINEAR }, { "mish", CLASS_ACTIVATION },
	{ "mkldnn_adaptive_avg_pool2d", CLASS_POOL },
	{ "mkldnn_convolution", CLASS_CONV }, { "mkldnn_linear", CLASS_LINEAR },
	{ "mkldnn_max_pool2d", CLASS_POOL }, { "mkldnn_max_pool3d", CLASS_POOL },
	{ "mkldnn_rnn_layer", CLASS_LINEAR }, { "mm", CLASS_LINEAR },
	{ "mm_plus_mm", CLASS_LINEAR }, { "mse_loss", CLASS_LOSS },
	{ "msort", CLASS_OTHER }, { "mul", CLASS_ELEMENTWISE },
	{ "multi_head_attention", CLASS_ATTENTION }, { "multi_margin_loss", CLASS_LOSS },
	{ "multilabel_margin_loss", CLASS_LOSS }, { "multinomial", CLASS_ELEMENTWISE },
	{ "multiply", CLASS_ELEMENTWISE }, { "mv", CLASS_LINEAR },
	{ "mvlgamma", CLASS_ELEMENTWISE }, { "nan_to_num", CLASS_ELEMENTWISE },
	{ "nanmean", CLASS_ELEMENTWISE }, { "nansum", CLASS_ELEMENTWISE }, { "narrow", CLASS_COPY },
	{ "narrow_copy", CLASS_COPY }, { "native_batch_norm", CLASS_NORM },
	{ "native_batch_norm_legit", CLASS_NORM }, { "native_batch_norm_legit_functional", CLASS_NORM },
	{ "native_batch_norm_legit_no_training", CLASS_NORM },
	{ "native_channel_shuffle", CLASS_COPY }, { "native_dropout", CLASS_ELEMENTWISE },
	{ "native_group_norm", CLASS_NORM }, { "native_layer_norm", CLASS_NORM },
	{ "native_multi_head_attention", CLASS_ATTENTION }, { "ne", CLASS_ELEMENTWISE },
	{ "neg", CLASS_ELEMENTWISE }, { "negative", CLASS_ELEMENTWISE }, { "new_full", CLASS_ELEMENTWISE },
	{ "new_ones", CLASS_ELEMENTWISE }, { "new_zeros", CLASS_ELEMENTWISE },
	{ "nextafter", CLASS_ELEMENTWISE }, { "nll_loss", CLASS_LOSS },
	{ "nll_loss2d", CLASS_LOSS }, { "nll_loss_nd", CLASS_LOSS }, { "nms", CLASS_OTHER },
	{ "nonzero", CLASS_OTHER }, { "norm", CLASS_ELEMENTWISE }, { "normal", CLASS_ELEMENTWISE },
	{ "normal_functional", CLASS_ELEMENTWISE }, { "not_equal", CLASS_ELEMENTWISE },
	{ "ones", CLASS_ELEMENTWISE }, { "ones_like", CLASS_ELEMENTWISE }, { "outer", CLASS_LINEAR },
	{ "pad", CLASS_COPY }, { "permute", CLASS_COPY }, { "permute_copy", CLASS_COPY },
	{ "philox_normal", CLASS_ELEMENTWISE }, { "philox_uniform", CLASS_ELEMENTWISE }, { "pin_memory", CLASS_COPY },
	{ "pixel_shuffle", CLASS_COPY }, { "pixel_unshuffle", CLASS_COPY },
	{ "poisson", CLASS_ELEMENTWISE }, { "poisson_nll_loss", CLASS_LOSS },
	{ "polar", CLASS_ELEMENTWISE }, { "polygamma", CLASS_ELEMENTWISE }, { "pow", CLASS_ELEMENTWISE },
	{ "prelu", CLASS_ACTIVATION }, { "prelu_kernel", CLASS_ACTIVATION }, { "prod", CLASS_ELEMENTWISE },
	{ "put", CLASS_COPY }, { "rad2deg", CLASS_ELEMENTWISE },
	{ "rand", CLASS_ELEMENTWISE }, { "rand_like", CLASS_ELEMENTWISE },
	{ "randint", CLASS_ELEMENTWISE }, { "randint_like", CLASS_ELEMENTWISE },
	{ "randn", CLASS_ELEMENTWISE }, { "randn_like", CLASS_ELEMENTWISE },
	{ "random", CLASS_ELEMENTWISE }, { "randperm", CLASS_ELEMENTWISE }, { "reciprocal", CLASS_ELEMENTWISE },
	{ "reflection_pad1d", CLASS_COPY }, { "reflection_pad2d", CLASS_COPY },
	{ "reflection_pad3d", CLASS_COPY }, { "relu", CLASS_ACTIVATION }, { "relu6", CLASS_ACTIVATION },
	{ "remainder", CLASS_ELEMENTWISE }, { "renorm", CLASS_NORM }, { "repeat", CLASS_COPY },
	{ "repeat_interleave", CLASS_COPY }, { "replication_pad1d", CLASS_COPY },
	{ "replication_pad2d", CLASS_COPY }, { "replication_pad3d", CLASS_COPY }, { "reshape", CLASS_COPY },
	{ "reshape_alias_copy", CLASS_COPY }, { "reshape_copy", CLASS_COPY },
	{ "resize", CLASS_COPY }, { "rms_norm", CLASS_NORM },
	{ "rnn_relu", CLASS_LINEAR }, { "rnn_tanh", CLASS_LINEAR },
	{ "roi_align", CLASS_POOL }, { "roi_pool", CLASS_POOL }, { "roll", CLASS_COPY },
	{ "rot90", CLASS_COPY }, { "round", CLASS_ELEMENTWISE }, { "rrelu", CLASS_ACTIVATION },
	{ "rrelu_with_noise", CLASS_ACTIVATION },
	{ "rrelu_with_noise_functional", CLASS_ACTIVATION }, { "rsqrt", CLASS_ELEMENTWISE },
	{ "rsub", CLASS_ELEMENTWISE }, { "safe_softmax", CLASS_ACTIVATION },
	{ "sample_dirichlet", CLASS_ELEMENTWISE }, { "scalar_tensor", CLASS_ELEMENTWISE },
	{ "scaled_grouped_mm", CLASS_LINEAR }, { "scaled_mm", CLASS_LINEAR },
	{ "scaled_mm_v2", CLASS_LINEAR }, { "scatter", CLASS_COPY },
	{ "scatter_add", CLASS_COPY }, { "scatter_reduce", CLASS_COPY }, { "searchsorted", CLASS_OTHER },
	{ "select", CLASS_COPY }, { "select_copy", CLASS_COPY }, { "select_scatter", CLASS_COPY },
	{ "selu", CLASS_ACTIVATION }, { "sgn", CLASS_ELEMENTWISE }, { "sigmoid", CLASS_ACTIVATION },
	{ "sign", CLASS_ELEMENTWISE }, { "signbit", CLASS_ELEMENTWISE }, { "silu", CLASS_ACTIVATION },
	{ "sin", CLASS_ELEMENTWISE }, { "sinc", CLASS_ELEMENTWISE }, { "sinh", CLASS_ELEMENTWISE },
	{ "slice", CLASS_COPY }, { "slice_copy", CLASS_COPY }, { "slice_scatter", CLASS_COPY },
	{ "slow_conv2d", CLASS_CONV }, { "slow_conv3d", CLASS_CONV }, { "slow_conv_dilated2d", CLASS_CONV },
	{ "slow_conv_dilated3d", CLASS_CONV }, { "slow_conv_transpose2d", CLASS_CONV },
	{ "slow_conv_transpose3d", CLASS_CONV }, { "smooth_l1_loss", CLASS_LOSS },
	{ "soft_margin_loss", CLASS_LOSS }, { "softmax", CLASS_ACTIVATION },
	{ "softplus", CLASS_ACTIVATION }, { "softshrink", CLASS_ACTIVATION }, { "softsign", CLASS_ACTIVATION },
	{ "sort", CLASS_OTHER }, { "sparse_addmm", CLASS_LINEAR }, { "split", CLASS_COPY },
	{ "split_copy", CLASS_COPY }, { "split_with_sizes", CLASS_COPY },
	{ "split_with_sizes_copy", CLASS_COPY }, { "sqrt", CLASS_ELEMENTWISE },
	{ "square", CLASS_ELEMENTWISE }, { "squeeze_copy", CLASS_COPY }, { "stack", CLASS_COPY },
	{ "standard_gamma", CLASS_ELEMENTWISE }, { "std", CLASS_ELEMENTWISE },
	{ "std_mean", CLASS_ELEMENTWISE }, { "sub", CLASS_ELEMENTWISE },
	{ "subtract", CLASS_ELEMENTWISE }, { "sum", CLASS_ELEMENTWISE }, { "sum_to_size", CLASS_ELEMENTWISE },
	{ "swish", CLASS_ACTIVATION }, { "t_copy", CLASS_COPY }, { "take", CLASS_COPY },
	{ "take_along_dim", CLASS_COPY }, { "tan", CLASS_ELEMENTWISE }, { "tanh", CLASS_ACTIVATION },
	{ "tanhshrink", CLASS_ACTIVATION }, { "tensordot", CLASS_LINEAR }, { "thnn_conv2d", CLASS_CONV },
	{ "thnn_fused_gru_cell", CLASS_ELEMENTWISE }, { "thnn_fused_lstm_cell", CLASS_ELEMENTWISE },
	{ "threshold", CLASS_ACTIVATION }, { "tile", CLASS_COPY }, { "to", CLASS_COPY },
	{ "to_copy", CLASS_COPY }, { "topk", CLASS_OTHER },
	{ "trace", CLASS_ELEMENTWISE }, { "transform_bias_rescale_qkv", CLASS_ATTENTION },
	{ "transformer_encoder_layer_fwd", CLASS_ATTENTION }, { "transpose", CLASS_COPY },
	{ "transpose_copy", CLASS_COPY }, { "tril", CLASS_ELEMENTWISE }, { "trilinear", CLASS_LINEAR },
	{ "triplet_margin_loss", CLASS_LOSS },
	{ "triton_multi_head_attention", CLASS_ATTENTION },
	{ "triton_scaled_dot_attention", CLASS_ATTENTION }, { "triu", CLASS_ELEMENTWISE },
	{ "true_divide", CLASS_ELEMENTWISE }, { "trunc", CLASS_ELEMENTWISE }, { "unbind_copy", CLASS_COPY },
	{ "unfold", CLASS_CONV }, { "unfold_copy", CLASS_COPY }, { "uniform", CLASS_ELEMENTWISE },
	{ "unique", CLASS_OTHER }, { "unique2", CLASS_OTHER }, { "unsafe_index", CLASS_COPY },
	{ "unsafe_index_put", CLASS_COPY }, { "unsafe_masked_index", CLASS_COPY },
	{ "unsafe_masked_index_put_accumulate", CLASS_COPY },
	{ "unsafe_split", CLASS_COPY }, { "unsafe_split_with_sizes", CLASS_COPY }, { "unsqueeze_copy", CLASS_COPY },
	{ "upsample_bicubic2d", CLASS_POOL }, { "upsample_bicubic2d_aa", CLASS_POOL },
	{ "upsample_bilinear2d", CLASS_POOL }, { "upsample_bilinear2d_aa", CLASS_POOL },
	{ "upsample_lanczos2d_aa", CLASS_POOL },
	{ "upsample_linear1d", CLASS_POOL }, { "upsample_nearest1d", CLASS_POOL },
	{ "upsample_nearest2d", CLASS_POOL }, { "upsample_nearest3d", CLASS_POOL },
	{ "upsample_nearest_exact1d", CLASS_POOL }, { "upsample_nearest_exact2d", CLASS_POOL },
	{ "upsample_nearest_exact3d", CLASS_POOL }, { "upsample_trilinear3d", CLASS_POOL },
	{ "value_selecting_reduction", CLASS_COPY }, { "values_copy", CLASS_COPY }, { "var", CLASS_ELEMENTWISE },
	{ "var_mean", CLASS_ELEMENTWISE }, { "varlen_attn", CLASS_ATTENTION }, { "vdot", CLASS_LINEAR },
	{ "view_as_complex_copy", CLASS_COPY }, { "view_as_real_copy", CLASS_COPY }, { "view_copy", CLASS_COPY },
	{ "vstack", CLASS_COPY }, { "weight_int4pack_mm", CLASS_LINEAR },
	{ "weight_int4pack_mm_for_cpu", CLASS_LINEAR },
	{ "weight_int8pack_mm", CLASS_LINEAR }, { "weight_norm", CLASS_NORM },
	{ "weight_norm_interface", CLASS_NORM }, { "where", CLASS_ELEMENTWISE },
	{ "xlogy", CLASS_ELEMENTWISE }, { "zero", CLASS_ELEMENTWISE }, { "zeros", CLASS_ELEMENTWISE },
	{ "zeros_like", CLASS_ELEMENTWISE },
	{ NULL, CLASS_OTHER }
};
enum { ROW_COUNT = sizeof(op_class_rows) / sizeof(op_class_rows[0]) - 1 };

/* Families by their first letters, because frameworks add and rename members.  Scaled dot-product attention is one in all its
 * forms: flash, efficient, cudnn, math, overrideable. */
static const struct op_class_row families[] = {
	{ "scaled_dot_product_", CLASS_ATTENTION },
	{ "flash_attn", CLASS_ATTENTION },
	{ "foreach_", CLASS_ELEMENTWISE },
	{ "special_", CLASS_ELEMENTWISE },
};

/* Letters in front of a name that say where its kernel comes from: operators as PyTorch prints them, Inductor's calls of
 * library kernels ("extern_kernels.mm"), and Inductor's own kernels. */
static const char *const origins[] = { "torch.ops.", "aten.", "prims.", "extern_kernels.", "triton." };

/* The class of a kernel that fuses several ops is the first of these that it has. */
static const enum op_class fused_order[] = {
	CLASS_UPDATE, CLASS_NORM, CLASS_LOSS, CLASS_EMBEDDING, CLASS_POOL, CLASS_ACTIVATION, CLASS_ELEMENTWISE, CLASS_COPY
};

/* Part of a name. */
struct name_part {
	const char *text;
	size_t length;
};

static int
by_name(const void *key, const void *row)
{
	const struct name_part *p = key;
	const char *name = ((const struct op_class_row *)row)->name;
	int order = strncmp(p->text, name, p->length);

	return order != 0 ? order : name[p->length] == '\0' ? 0 : -1;
}

static const struct op_class_row *
row_of(struct name_part p)
{
	return bsearch(&p, op_class_rows, ROW_COUNT, sizeof(op_class_rows[0]), by_name);
}

static bool
starts_with(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* The name without namespace and origin. */
static const char *
without_origin(const char *name)
{
	const char *namespace = strstr(name, "::");

	if (namespace != NULL)
		return namespace + 2;
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++)
		if (starts_with(name, origins[i]))
			name += strlen(origins[i]);
	return name;
}

/* The part of a name that the table knows. */
static struct name_part
strip(const char *name)
{
	const char *tail;
	size_t n;

	name += strspn(name, "_");
	n = strcspn(name, ".");
	tail = strstr(name, "_backward");
	if (tail != NULL && (size_t)(tail - name) < n)
		n = (size_t)(tail - name);
	while (n > 0 && name[n - 1] == '_')
		n--;
	if (n > 8 && strncmp(name + n - 8, "_forward", 8) == 0)
		n -= 8;
	return (struct name_part){ name, n };
}

static enum op_class
class_of_op(const char *name)
{
	struct name_part p = strip(name);
	const struct op_class_row *row = row_of(p);

	if (row != NULL)
		return row->class;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (starts_with(p.text, families[i].name))
			return families[i].class;
	return CLASS_OTHER;
}

/* The longest name of the table that words begins with, up to a '_' or the end; shortens *words to it.  NULL: the first word
 * begins none, and *words is that word. */
static const struct op_class_row *
longest_row(struct name_part *words)
{
	const struct op_class_row *row;

	while ((row = row_of(*words)) == NULL) {
		size_t n = words->length;

		while (n > 0 && words->text[n - 1] != '_')
			n--;
		if (n <= 1)
			break;
		words->length = n - 1;
	}
	return row;
}

/* The list of ops in Inductor's name of a kernel, "add_relu_3" of "triton_poi_fused_add_relu_3"; NULL: another name. */
static const char *
fused_list(const char *name)
{
	static const char fused[] = "_fused_";
	const char *list = starts_with(name, "triton_") || starts_with(name, "cpp_") ? strstr(name, fused) : NULL;

	return list == NULL ? NULL : list + sizeof(fused) - 1;
}

/* The class of a kernel by the ops that it fuses.  Products of matrices, convolutions and attention are library calls or
 * templates ("triton_tem_..."); a pointwise or reducing kernel that names one has its copies, its bias or its epilogue only. */
static enum op_class
class_of_fused(const char *list, bool template)
{
	bool has[CLASS_COUNT] = { false };

	while (*(list += strspn(list, "_")) != '\0') {
		struct name_part words = { list, strlen(list) };
		const struct op_class_row *row = longest_row(&words);
		enum op_class class = row == NULL ? CLASS_OTHER : row->class;
		bool product = class == CLASS_CONV || class == CLASS_LINEAR || class == CLASS_ATTENTION;

		if (product && template)
			return class;
		has[product ? CLASS_ELEMENTWISE : class] = true;
		list += words.length;
	}
	for (size_t i = 0; i < sizeof(fused_order) / sizeof(fused_order[0]); i++)
		if (has[fused_order[i]])
			return fused_order[i];
	return CLASS_OTHER;
}

enum op_class
op_class_of(const char *name, enum phase phase)
{
	const char *list;

	if (phase == PHASE_UPDATE)
		return CLASS_UPDATE;
	name = without_origin(name);
	list = fused_list(name);
	return list != NULL ? class_of_fused(list, starts_with(name, "triton_tem_")) : class_of_op(name);
}
