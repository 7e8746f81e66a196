# SPDX-License-Identifier: Apache-2.0
# Predicted against measured step times, from points.dat in the current folder: gnuplot validation.gp
set terminal svg size 900,700 font "sans,13" background "white"
set output "validation.svg"
set logscale xy
set xlabel "measured step time, ms"
set ylabel "predicted step time, ms"
set key left top
set grid
plot x with lines linecolor "black" title "equal", \
     1.1 * x with lines dashtype 2 linecolor "gray" title "10 % off", \
     x / 1.1 with lines dashtype 2 linecolor "gray" notitle, \
     for [p in "keep layrub hybrid checkpoint-sqrt"] "points.dat" \
     using (strcol(4) eq p ? $2 : NaN):1 with points pointtype 7 pointsize 0.7 title p
