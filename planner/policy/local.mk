# SPDX-License-Identifier: Apache-2.0
# The policies of the literature, one file each, and the table of all policies.
libplanner_a_SOURCES += \
	%D%/blocks.c %D%/blocks.h \
	%D%/greedy_swap.c %D%/greedy_swap.h \
	%D%/layers.c %D%/layers.h \
	%D%/policies.c \
	%D%/policy.h \
	%D%/policy_autoswap.c \
	%D%/policy_capuchin.c \
	%D%/policy_checkpoint_dp.c \
	%D%/policy_checkpoint_sqrt.c \
	%D%/policy_external.c \
	%D%/policy_g10.c \
	%D%/policy_keep.c \
	%D%/policy_layrub.c \
	%D%/policy_layup.c \
	%D%/policy_none.c \
	%D%/policy_superneurons.c \
	%D%/policy_vdnn.c \
	%D%/score_heap.c %D%/score_heap.h \
	%D%/segments.c %D%/segments.h
EXTRA_DIST += %D%/README.md
