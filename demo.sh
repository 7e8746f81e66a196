#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a clean clone to a checked, simulated, drawn plan.
set -eu
cd "$(dirname "$0")"
. .ci/common.sh

if ! have_build || ! have gnuplot; then
	# shellcheck disable=SC2086
	install_packages $build_packages gnuplot-nox
fi
configure_and_make build
layrub=build/layrub
out=demo
mkdir -p "$out"

say "one training step of ResNet-50, batch 64, float32: the memory that it needs"
$layrub info resnet50 --batch 64 --device k40m | sed -n '1,/^$/p'

say "a plan for a Tesla K40m (12 GB) in half of that memory: $out/resnet50.plan.json"
$layrub plan resnet50 --batch 64 --device k40m --budget 50% -o "$out/resnet50.plan.json" >/dev/null

say "the independent checker proves the plan sound"
$layrub check "$out/resnet50.plan.json" --json >"$out/check.json"

say "the simulator times the plan"
$layrub simulate "$out/resnet50.plan.json" --json >"$out/simulate.json"

say "pictures: $out/plan.svg, $out/plan.png and the page $out/report.html"
for file in plan.svg plan.png report.html; do
	$layrub report "$out/resnet50.plan.json" -o "$out/$file"
done

say "the result"
$layrub simulate "$out/resnet50.plan.json" | sed '/busy/,$d'
say "open in a browser: $out/report.html"
