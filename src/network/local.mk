# SPDX-License-Identifier: Apache-2.0
# Networks: layers, how they become ops, and how long those take.
libnetwork_a_SOURCES += \
	%D%/emit.c %D%/emit.h \
	%D%/layer.h \
	%D%/layer_activation.c \
	%D%/layer_attention.c \
	%D%/layer_combine.c \
	%D%/layer_conv.c \
	%D%/layer_distance.c \
	%D%/layer_embedding.c \
	%D%/layer_gated_mlp.c \
	%D%/layer_group_norm.c \
	%D%/layer_input.c \
	%D%/layer_linear.c \
	%D%/layer_linear_cross_entropy.c \
	%D%/layer_loss.c \
	%D%/layer_lrn.c \
	%D%/layer_moe.c \
	%D%/layer_norm.c %D%/layer_norm.h \
	%D%/layer_pool.c \
	%D%/layer_position.c \
	%D%/layer_shape.c \
	%D%/layers.c \
	%D%/lower.c %D%/lower.h \
	%D%/lower_caffe.c \
	%D%/lower_framework.c \
	%D%/lower_reuse.c \
	%D%/network.c %D%/network.h \
	%D%/network_check.c \
	%D%/network_layer.c \
	%D%/network_read.h \
	%D%/network_set.c %D%/network_set.h \
	%D%/network_size.c %D%/network_size.h \
	%D%/roofline.c %D%/roofline.h \
	%D%/update.c
EXTRA_DIST += %D%/README.md
