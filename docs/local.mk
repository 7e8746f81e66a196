# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += $(top_srcdir)/docs/networks.md
