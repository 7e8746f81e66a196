# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libplanner.a
libplanner_a_SOURCES = \
	%D%/lifetimes.c %D%/lifetimes.h %D%/versions.c %D%/versions.h %D%/layers.c %D%/layers.h \
	%D%/schedule.c %D%/schedule.h %D%/decisions.c %D%/decisions.h %D%/program.c %D%/program.h %D%/edges.c %D%/edges.h \
	%D%/policies.c %D%/policy.h %D%/policy_keep.c %D%/policy_layrub.c %D%/policy_hybrid.c \
	%D%/hybrid_way.c %D%/hybrid_way.h %D%/hybrid_model.c %D%/hybrid_model.h %D%/range_tree.c %D%/range_tree.h \
	%D%/stab_index.c %D%/stab_index.h %D%/placed.c %D%/placed.h \
	%D%/policy_none.c %D%/policy_layup.c %D%/vdnn.c %D%/vdnn.h %D%/policy_vdnn_all.c %D%/policy_vdnn_conv.c \
	%D%/policy_superneurons.c %D%/policy_capuchin.c %D%/policy_autoswap.c %D%/policy_g10.c \
	%D%/policy_checkpoint_sqrt.c %D%/policy_checkpoint_dp.c %D%/blocks.c %D%/blocks.h \
	%D%/residency.c %D%/residency.h %D%/swap.c %D%/swap.h %D%/chain.c %D%/chain.h %D%/segments.c %D%/segments.h \
	%D%/placements.c %D%/placement.h %D%/place_check.c %D%/place_check.h \
	%D%/pack_greedy.c %D%/pack_greedy.h %D%/pack_order.c %D%/pack_heap.c %D%/pack_heap.h \
	%D%/place_auto.c %D%/place_first_fit.c %D%/place_best_fit.c %D%/place_by_size.c %D%/place_by_area.c \
	%D%/place_by_conflicts.c %D%/place_boxing.c %D%/place_hill_climb.c \
	%D%/pack_sections.c %D%/pack_sections.h %D%/pack_search.c %D%/pack_search.h %D%/place_exact.c \
	%D%/absence.c %D%/absence.h %D%/link_rates.c %D%/link_rates.h %D%/bound_time.c %D%/bound_time.h \
	%D%/bounds.c %D%/bounds.h %D%/lp.c %D%/lp.h %D%/lp_solve.h %D%/bound_lp.h %D%/with_glpk.h \
	%D%/planner.c %D%/planner.h %D%/objective.c %D%/objective.h
if HAVE_GLPK
libplanner_a_SOURCES += %D%/place_ilp.c %D%/lp_solve.c %D%/bound_lp.c \
	%D%/policy_ilp.c %D%/ilp.h %D%/ilp_choices.c %D%/ilp_schedule.c \
	%D%/ilp_aggregate.c %D%/ilp_exact.c %D%/ilp_exact_solution.c %D%/ilp_exact.h %D%/ilp_stages.c
endif
