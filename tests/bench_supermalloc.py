# SPDX-License-Identifier: Apache-2.0
"""bench_supermalloc.py LIST.csv SECONDS: prints the arena that SuperMalloc (package omnimalloc) finds, untold of a capacity."""

import csv
import sys

import omnimalloc

with open(sys.argv[1], newline="") as file:
    buffers = [
        omnimalloc.Allocation(id=i, size=int(r["size"]), start=int(r["lower"]), end=int(r["upper"]))
        for i, r in enumerate(csv.DictReader(file))
    ]
placed = omnimalloc.allocate(buffers, omnimalloc.allocators.SupermallocAllocator(timeout=float(sys.argv[2]), num_threads=12))
print(max(b.offset + b.size for b in placed))
