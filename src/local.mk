# SPDX-License-Identifier: Apache-2.0
# libcore: the documents that all parts share.  layrub: the command.
noinst_LIBRARIES += libcore.a
libcore_a_SOURCES = \
	%D%/arena.c %D%/arena.h %D%/err.c %D%/err.h %D%/units.c %D%/units.h \
	%D%/json.c %D%/json.h %D%/file.c %D%/file.h %D%/spans.c %D%/spans.h \
	%D%/graph.c %D%/graph.h %D%/graph_json.c %D%/op_class.c \
	%D%/device.c %D%/device.h %D%/device_json.c \
	%D%/plan.h %D%/plan_json.c %D%/plan_write.c \
	%D%/network.c %D%/network.h %D%/lower.c %D%/lower.h %D%/roofline.c %D%/roofline.h \
	%D%/lookup.c %D%/lookup.h

bin_PROGRAMS += layrub
layrub_SOURCES = %D%/main.c %D%/command.h %D%/cmd_info.c %D%/cmd_plan.c %D%/cmd_check.c \
	%D%/cmd_simulate.c %D%/cmd_report.c %D%/cmd_list.c
layrub_LDADD = $(LDADD) $(GLPK_LIBS)
