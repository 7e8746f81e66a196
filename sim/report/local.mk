# SPDX-License-Identifier: Apache-2.0
# Pictures, pages, traces, and explanations of a plan.
libsim_a_SOURCES += \
	%D%/explain.c %D%/explain.h \
	%D%/explain_groups.c %D%/explain_groups.h \
	%D%/gnuplot.c %D%/gnuplot.h \
	%D%/layer_groups.c %D%/layer_groups.h \
	%D%/page.c %D%/page.h \
	%D%/report.c %D%/report.h \
	%D%/report_answer.c \
	%D%/report_data.c \
	%D%/report_draw.h \
	%D%/report_html.c \
	%D%/report_map.c \
	%D%/report_measured.c \
	%D%/report_page_data.c \
	%D%/report_placed.c \
	%D%/report_private.h \
	%D%/report_script.c \
	%D%/report_sweep.c \
	%D%/report_sweep_draw.c \
	%D%/sweep_read.c \
	%D%/sweep_table.c \
	%D%/trace.c %D%/trace.h
EXTRA_DIST += %D%/README.md
