# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libplanner.a
libplanner_a_SOURCES = %D%/planner.c %D%/planner.h %D%/budget_search.c %D%/budget_search.h
include planner/placement/local.mk
include planner/schedule/local.mk
include planner/bound/local.mk
include planner/policy/local.mk
include planner/search/local.mk
include planner/hybrid/local.mk
include planner/ilp/local.mk
