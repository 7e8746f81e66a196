# SPDX-License-Identifier: Apache-2.0
# From decisions to a schedule, to a program.
EXTRA_DIST += %D%/README.md
libplanner_a_SOURCES += \
	%D%/decision_walk.h %D%/decisions.c %D%/decisions.h \
	%D%/edges.c %D%/edges.h \
	%D%/evacuation.c %D%/evacuation.h \
	%D%/homes.c %D%/homes.h \
	%D%/idle.c %D%/idle.h \
	%D%/lifetimes.c %D%/lifetimes.h \
	%D%/occupancy.c %D%/occupancy.h \
	%D%/problem.c %D%/problem.h \
	%D%/program.c %D%/program.h \
	%D%/rerun.c %D%/rerun.h \
	%D%/schedule.c %D%/schedule.h \
	%D%/versions.c %D%/versions.h
