#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes small seeds for the fuzz targets, by cutting the documents that ship:
seeds.py SOURCE LAYRUB OUT.  Fuzzers are fastest on files of a few kilobytes."""
import glob
import json
import os
import struct
import subprocess
import sys

source, layrub, out = sys.argv[1:4]
MOST = 6000  # bytes of a seed


def put(target, name, text):
    if len(text) <= MOST:
        folder = os.path.join(out, target)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())


def put_json(target, name, document):
    put(target, name, json.dumps(document, separators=(",", ":")))


def load(path):
    with open(path) as f:
        return json.load(f)


def stem(path):
    return os.path.basename(path).split(".")[0]


def run(*arguments):
    done = subprocess.run([layrub, *arguments], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def files(*pattern):
    return sorted(glob.glob(os.path.join(source, *pattern)))


def cut_graph(graph, first, count):
    """The ops from first on, and the tensors that they touch, numbered anew."""
    ops = graph["ops"][first:first + count]
    used = sorted({t for op in ops for t in op["inputs"] + op["outputs"]})
    new = {t: i for i, t in enumerate(used)}
    cut = dict(graph, tensors=[dict(graph["tensors"][t], id=new[t]) for t in used], ops=[])
    for op in ops:
        op = dict(op, inputs=[new[t] for t in op["inputs"]], outputs=[new[t] for t in op["outputs"]])
        if "inplace" in op:
            op["inplace"] = [[new[t] for t in pair] for pair in op["inplace"]]
        cut["ops"].append(op)
    return cut


def networks():
    for path in files("networks", "*.json") + files("networks", "caffe", "*.json") + files("tests", "data", "*.json"):
        if path.endswith(".schema.json"):
            continue
        name = path.split("/")[-2] + "-" + stem(path)
        network = load(path)
        if "layers" not in network:  # another kind of document
            continue
        put_json("network", name, network)
        for count in (4, 12, 30):
            put_json("network", f"{name}-{count}", dict(network, layers=network["layers"][:count], batch=4))


def graphs():
    for path in files("networks", "graphs", "*.json"):
        graph = load(path)
        middle = len(graph["ops"]) // 2
        for first, count in ((0, 3), (0, 12), (middle - 10, 20), (len(graph["ops"]) - 8, 8)):
            put_json("graph", f"{stem(path)}-{first}-{count}", cut_graph(graph, first, count))


def devices():
    for path in files("networks", "devices", "*.json"):
        device = load(path)
        put_json("device", stem(path), device)
        device["compute"].pop("kernels", None)
        device["compute"].pop("conv_workspace", None)
        put_json("device", stem(path) + "-plain", device)
        for key in ("flop_efficiency", "memory_efficiency"):
            device["compute"][key] = {"default": 0.5}
        device["contention"] = {"default": 1.1}
        device["source"] = "made up"
        put_json("device", stem(path) + "-least", device)


SMALL = {"format": "layrub-network", "version": 1, "name": "small", "batch": 4, "layers": [
    {"name": "data", "type": "input", "shape": [3, 32, 32]},
    {"name": "label", "type": "input", "shape": [1], "dtype": "int64"},
    {"name": "conv", "type": "conv", "inputs": ["data"], "channels": 8, "kernel": 3, "pad": 1},
    {"name": "relu", "type": "relu", "inplace": True},
    {"name": "pool", "type": "global-avg-pool"},
    {"name": "fc", "type": "linear", "features": 10},
    {"name": "loss", "type": "cross-entropy", "inputs": ["fc", "label"]}]}


def plans():
    """Plans of small graphs, by different policies; their buffers as lists; sweeps of them."""
    scratch = os.path.join(out, "scratch.json")
    device = os.path.join(out, "device", "k40m-least")
    policies = [row["name"] for row in json.loads(run("list", "policies", "--json"))["policies"] if row["name"] != "ilp"]
    problems = [("small", SMALL)]
    for path in files("networks", "graphs", "*.json"):
        problems.append((stem(path), cut_graph(load(path), 0, 6)))
    results = []
    for name, document in problems:
        with open(scratch, "w") as f:
            json.dump(document, f)
        for policy in policies:
            for budget in ("110%", "75%", "50%"):
                text = run("plan", scratch, "--device", device, "--policy", policy, "--budget", budget, "-o", "-")
                if text is not None:
                    plan = json.loads(text)
                    put_json("plan", f"{name}-{policy}-{budget}", plan)
                    put("csv", f"{name}-{policy}-{budget}", buffers(plan))
        text = run("sweep", scratch, "--device", device, "--policy", "keep,layrub", "--link", "8GB/s,16GB/s")
        if text is not None:
            lines = text.splitlines(keepends=True)
            put("results", name, b"".join(lines[:2]))
            put("results", name + "-cut", b"".join(lines[2:4])[:-7])
            results.append(lines[0])
    put("results", "all", b"".join(results[:4]))
    os.remove(scratch)


def buffers(plan):
    """A plan's buffers in MiniMalloc's columns."""
    first, last = {}, {}
    for step, i in enumerate(plan["program"]):
        touched = i["reads"] + i["writes"] + [i.get("workspace")] if i["do"] == "run" else [i["from" if i["do"] == "offload" else "to"]]
        for b in touched:
            first.setdefault(b, step)
            last[b] = step + 1
    rows = [f"{b['id']},{first.get(b['id'], 0)},{last.get(b['id'], 1)},{b['bytes']},256,\n" for b in plan["buffers"]]
    return "id,lower,upper,size,alignment,offset\n" + "".join(rows)


def records():
    """A list of idealloc's, whole and cut off."""
    rows = [(0, 0, 2, 8, 7, 0, 0, 8), (1, 1, 4, 6, 7, 8, 2, 5), (2, 3, 5, 4, 7, 0, 64, 4)]
    whole = b"".join(struct.pack(">8Q", *row) for row in rows)
    put("csv", "records", whole)
    put("csv", "records-cut", whole[:-9])


def bad():
    for path in files("tests", "bad", "*.json"):
        target = stem(path).split("-")[0]
        if target in ("network", "graph", "device", "plan"):
            with open(path, "rb") as f:
                put(target, "bad-" + stem(path), f.read())
    for path in files("tests", "bad-csv", "*.csv"):
        with open(path, "rb") as f:
            put("csv", "bad-" + stem(path), f.read())


def words(schema, found):
    """All keys and all strings that a schema gives a value to choose from."""
    if isinstance(schema, dict):
        found.update(schema.get("properties", {}))
        found.update(v for v in [schema.get("const"), *schema.get("enum", [])] if isinstance(v, str))
        for value in schema.values():
            words(value, found)
    elif isinstance(schema, list):
        for value in schema:
            words(value, found)
    return found


def dictionary(target, found):
    with open(os.path.join(out, target + ".dict"), "w") as f:
        f.writelines(f'"{word}"\n' for word in sorted(found))


def dictionaries():
    numbers = {"0", "-1", "255", "256", "2147483647", "4294967295", "4611686018427387904", "9223372036854775807", "1e18", "1e-300"}
    schemas = {}
    for path in files("networks", "*.schema.json"):
        schemas[stem(path)] = words(load(path), set())
    schemas["plan"] |= schemas["graph"] | schemas["device"]
    schemas["csv"] = {"id", "lower", "upper", "size", "alignment", "offset", ",", ",,", "\\x0a", "\\x0d\\x0a", "-"}
    schemas["results"] = {"\\x0a", "\\x0d\\x0a", "NaN", "null"}
    with open(os.path.join(out, "results", "all"), "rb") as f:
        for line in f:
            schemas["results"] |= set(json.loads(line)) | {"error"}
    for target, found in schemas.items():
        dictionary(target, found | numbers)


networks()
graphs()
devices()
plans()
records()
bad()
dictionaries()
