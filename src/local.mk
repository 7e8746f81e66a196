# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcore.a libnetwork.a
libcore_a_SOURCES =
libnetwork_a_SOURCES =
include src/base/local.mk
include src/documents/local.mk
include src/network/local.mk
include src/library/local.mk
include src/command/local.mk
