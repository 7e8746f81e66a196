# SPDX-License-Identifier: Apache-2.0
# Policy hybrid: a search over configurations.
libplanner_a_SOURCES += \
	%D%/configuration_list.c %D%/configuration_list.h \
	%D%/configuration_text.c \
	%D%/hybrid_configuration.c %D%/hybrid_configuration.h \
	%D%/hybrid_evaluation.c %D%/hybrid_evaluation.h \
	%D%/hybrid_heuristics.h \
	%D%/hybrid_copies.c %D%/hybrid_copies.h \
	%D%/hybrid_homes.c %D%/hybrid_homes.h \
	%D%/hybrid_model.c %D%/hybrid_model.h \
	%D%/placement_cache.c %D%/placement_cache.h \
	%D%/policy_hybrid.c \
	%D%/stab_index.c %D%/stab_index.h
EXTRA_DIST += %D%/README.md
