# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += $(top_srcdir)/docs/networks.md
EXTRA_DIST += %D%/command-line.md
EXTRA_DIST += %D%/placement.md
EXTRA_DIST += %D%/formats.md
EXTRA_DIST += %D%/accuracy.md
EXTRA_DIST += %D%/replay.md \
	$(top_srcdir)/docs/validation.md $(top_srcdir)/docs/validation.svg
