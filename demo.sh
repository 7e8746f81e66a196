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

say "one training step of ResNet-50, batch 64, float32: what keeping everything needs"
$layrub info resnet50 --batch 64 --device k40m | sed -n '1,/^$/p'

say "planning it for a Tesla K40m (12 GB) into half of that: $out/resnet50.plan.json"
$layrub plan resnet50 --batch 64 --device k40m --budget 50% -o "$out/resnet50.plan.json" >/dev/null

say "checking the plan with the independent checker"
$layrub check "$out/resnet50.plan.json" --json >"$out/check.json"

say "simulating it"
$layrub simulate "$out/resnet50.plan.json" --json >"$out/simulate.json"

say "drawing $out/plan.svg, $out/plan.png and the page $out/report.html"
for file in plan.svg plan.png report.html; do
	$layrub report "$out/resnet50.plan.json" -o "$out/$file"
done

say "the result"
$layrub simulate "$out/resnet50.plan.json" | sed '/busy/,$d'
say "to be opened in a browser: $out/report.html"
