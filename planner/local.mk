# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libplanner.a
libplanner_a_SOURCES = \
	%D%/lifetimes.c %D%/lifetimes.h %D%/layers.c %D%/layers.h \
	%D%/schedule.c %D%/schedule.h %D%/program.c %D%/program.h %D%/edges.c %D%/edges.h \
	%D%/policies.c %D%/policy.h %D%/policy_keep.c %D%/policy_layrub.c \
	%D%/placements.c %D%/placement.h %D%/place_by_size.c \
	%D%/planner.c %D%/planner.h
