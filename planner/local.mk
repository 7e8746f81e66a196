# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libplanner.a
libplanner_a_SOURCES = \
	%D%/lifetimes.c %D%/lifetimes.h %D%/layers.c %D%/layers.h \
	%D%/schedule.c %D%/schedule.h %D%/decisions.c %D%/decisions.h %D%/program.c %D%/program.h %D%/edges.c %D%/edges.h \
	%D%/policies.c %D%/policy.h %D%/policy_keep.c %D%/policy_layrub.c %D%/policy_hybrid.c \
	%D%/hybrid_model.c %D%/hybrid_model.h %D%/range_tree.c %D%/range_tree.h \
	%D%/placements.c %D%/placement.h %D%/place_check.c %D%/place_check.h \
	%D%/pack_greedy.c %D%/pack_greedy.h %D%/pack_order.c %D%/pack_heap.c %D%/pack_heap.h \
	%D%/place_auto.c %D%/place_first_fit.c %D%/place_best_fit.c %D%/place_by_size.c %D%/place_by_area.c \
	%D%/place_by_conflicts.c %D%/place_boxing.c %D%/place_hill_climb.c \
	%D%/pack_sections.c %D%/pack_sections.h %D%/pack_search.c %D%/pack_search.h %D%/place_exact.c \
	%D%/planner.c %D%/planner.h
if HAVE_GLPK
libplanner_a_SOURCES += %D%/place_ilp.c
endif
