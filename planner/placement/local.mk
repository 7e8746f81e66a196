# SPDX-License-Identifier: Apache-2.0
# Where buffers sit: an offset for every item.
libplanner_a_SOURCES += \
	%D%/pack_eject.c %D%/pack_eject.h \
	%D%/pack_gaps.c %D%/pack_gaps.h \
	%D%/pack_greedy.c %D%/pack_greedy.h \
	%D%/pack_heap.c %D%/pack_heap.h \
	%D%/pack_bound.c %D%/pack_branch.c %D%/pack_state.h \
	%D%/pack_order.c \
	%D%/pack_parts.c %D%/pack_parts.h \
	%D%/pack_search.c %D%/pack_search.h \
	%D%/pack_sections.c %D%/pack_sections.h \
	%D%/place_auto.c \
	%D%/place_best_fit.c \
	%D%/place_boxing.c \
	%D%/place_by_area.c \
	%D%/place_by_conflicts.c \
	%D%/place_by_size.c \
	%D%/place_check.c %D%/place_check.h \
	%D%/place_exact.c \
	%D%/place_first_fit.c \
	%D%/place_hill_climb.c \
	%D%/place_settle.c %D%/place_settle.h \
	%D%/placement.h \
	%D%/placements.c
if HAVE_GLPK
libplanner_a_SOURCES += %D%/place_ilp.c
endif
EXTRA_DIST += %D%/README.md
