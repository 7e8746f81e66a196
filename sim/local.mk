# SPDX-License-Identifier: Apache-2.0
# The checker, the simulator and the pictures know plans, not planners.
noinst_LIBRARIES += libsim.a
libsim_a_SOURCES =
include sim/check/local.mk
include sim/time/local.mk
include sim/execute/local.mk
include sim/measured/local.mk
include sim/report/local.mk
