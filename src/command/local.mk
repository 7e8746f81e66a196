# SPDX-License-Identifier: Apache-2.0
# layrub: the command, one cmd_NAME.c a subcommand.
bin_PROGRAMS += layrub
layrub_SOURCES = \
	%D%/cmd_check.c \
	%D%/cmd_compare.c \
	%D%/cmd_explain.c \
	%D%/cmd_fit.c \
	%D%/cmd_info.c \
	%D%/cmd_list.c \
	%D%/cmd_place.c \
	%D%/cmd_plan.c \
	%D%/cmd_report.c \
	%D%/cmd_simulate.c \
	%D%/cmd_sweep.c \
	%D%/command.c %D%/command.h \
	%D%/explain_json.c \
	%D%/explain_layer.c \
	%D%/explain_more.c %D%/explain_more.h \
	%D%/explain_tensor.c \
	%D%/explain_text.c \
	%D%/explain_view.c %D%/explain_view.h \
	%D%/report_measured.c %D%/report_measured.h \
	%D%/fit_devices.c %D%/fit_devices.h \
	%D%/main.c \
	%D%/plan_frontier.c %D%/plan_frontier.h \
	%D%/math_warning.c %D%/math_warning.h \
	%D%/plan_options.c %D%/plan_options.h \
	%D%/place_file.c %D%/place_file.h %D%/place_csv.c %D%/place_csv.h %D%/place_cells.c \
	%D%/place_plc.c %D%/place_plc.h %D%/place_rows.h %D%/place_shapes.c %D%/place_shapes.h \
	%D%/progress.c %D%/progress.h \
	%D%/result.c %D%/result.h \
	%D%/sweep_file.c %D%/sweep_file.h \
	%D%/sweep_grid.c %D%/sweep_grid.h \
	%D%/sweep_jobs.c %D%/sweep_jobs.h \
	%D%/sweep_run.c %D%/sweep_run.h
layrub_LDADD = $(LDADD)
EXTRA_DIST += %D%/README.md
