# SPDX-License-Identifier: Apache-2.0
# The loop over a plan's program.
libsim_a_SOURCES += %D%/execute.c %D%/execute.h
