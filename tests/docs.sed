# SPDX-License-Identifier: Apache-2.0
# What a document shows and no two runs share: times by the clock of the machine.
s/^(planned in  *).*/\1TIME/
# the last column of compare
/ %  .* %  /s/  *[0-9.]+ (us|ms|s)$/ TIME/
s/"(plan_time_s|time_s)": [0-9.e-]+/"\1": TIME/
s/^(time  *)[0-9.]+ (us|ms|s)$/\1TIME/
# what layrub-replay measured, on the host
s/^(step time)  *[0-9.]+ (us|ms|s)(  *-)$/\1 TIME\3/
s/^(steps took  *).*/\1TIME/
# what compilers and processors round differently
s/([0-9]\.[0-9]{3})[0-9]+/\1/g
# the PyTorch that is there
s/PyTorch [0-9.]+(\+[a-z0-9]+)?/PyTorch VERSION/
