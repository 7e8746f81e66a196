#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make ./configure from configure.ac.
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux
cp "$(automake --print-libdir)/tap-driver.sh" build-aux/
exec autoreconf --install --warnings=all,no-portability
