# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libplanner.a
EXTRA_DIST += %D%/README.md
libplanner_a_SOURCES = %D%/planner.c %D%/planner.h %D%/budget_search.c %D%/budget_search.h \
	%D%/floors.c %D%/floors.h %D%/frontier.c %D%/frontier.h %D%/ladder.c %D%/ladder.h \
	%D%/refusal.c %D%/refusal.h
include planner/placement/local.mk
include planner/schedule/local.mk
include planner/bound/local.mk
include planner/policy/local.mk
include planner/search/local.mk
include planner/hybrid/local.mk
include planner/ilp/local.mk
