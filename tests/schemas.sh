#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every document that ships, and a plan as layrub writes it, against the JSON
# Schemas beside them; and a few broken ones, which the schemas must refuse.
# The only test in Python; layrub itself needs none.
data=${LAYRUB_DATA:-networks}
LAYRUB_DATA=$data
export LAYRUB_DATA
if ! python3 -c 'import jsonschema' 2>/dev/null; then
	echo '1..0 # SKIP no python3 with jsonschema (Debian: python3-jsonschema)'
	exit 0
fi
plan=
scratch=schemas-test.$$
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch" || exit 1
if [ -x "${LAYRUB:-./layrub}" ] &&
    "${LAYRUB:-./layrub}" plan graphs/alexnet --device h100 --policy layrub -o "$scratch/plan.json" >/dev/null 2>&1; then
	plan=$scratch/plan.json
fi
python3 - "$data" "$plan" <<'PYTHON'
import copy, glob, json, os, sys
from jsonschema import Draft7Validator

data, plan = sys.argv[1:]
count = failed = 0

def ok(good, name, why=""):
    global count, failed
    count += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", count, name))
    if not good and why:
        print("# " + why.replace("\n", "\n# "))

schemas = {}
for path in sorted(glob.glob(os.path.join(data, "*.schema.json"))):
    schema = json.load(open(path))
    schemas[os.path.basename(path).split(".")[0]] = schema
    try:
        Draft7Validator.check_schema(schema)
        ok(schema["$schema"] == "http://json-schema.org/draft-07/schema#", os.path.basename(path) + " is draft-07")
    except Exception as e:
        ok(False, os.path.basename(path) + " is a schema", str(e)[:300])

# The documents inside a document are checked one by one: how a schema finds another file
# differs between versions of jsonschema.
def error(kind, document):
    schema = copy.deepcopy(schemas[kind])
    for key, part in schema["properties"].items():
        if part.get("$ref", "").endswith(".schema.json"):
            schema["properties"][key] = {}
            why = error(part["$ref"].split(".")[0], document.get(key))
            if why is not None:
                return key + "/" + why
    e = next(Draft7Validator(schema).iter_errors(document), None)
    return None if e is None else "%s: %s" % ("/".join(map(str, e.absolute_path)), e.message[:300])

# A trace has tens of thousands of records of a few forms: the first and last of each list will do.
def shorten(document):
    if isinstance(document, dict):
        return {k: shorten(v) for k, v in document.items()}
    if isinstance(document, list) and len(document) > 400:
        return document[:300] + document[-100:]
    return document

def check(kind, path):
    why = error(kind, shorten(json.load(open(path))))
    ok(why is None, "%s is a layrub-%s" % (os.path.relpath(path, data) if path.startswith(data) else os.path.basename(path), kind), why or "")

folders = [("graph", "graphs/*.json"), ("device", "devices/*.json"), ("network", "*.json"), ("network", "caffe/*.json")]
for kind, pattern in folders:
    for path in sorted(glob.glob(os.path.join(data, pattern))):
        if kind in schemas and not path.endswith(".schema.json"):
            check(kind, path)
if plan:
    check("plan", plan)
else:
    count += 1
    print("ok %d - a plan # SKIP no layrub program here, or it makes none" % count)

def refused(kind, document, name, change):
    broken = copy.deepcopy(document)
    change(broken)
    ok(error(kind, broken) is not None, "%s: %s is refused" % (kind, name))

graph = shorten(json.load(open(os.path.join(data, "graphs/alexnet.graph.json"))))
refused("graph", graph, "an unknown key", lambda g: g.update(batch=1))
refused("graph", graph, "a missing key", lambda g: g.pop("name"))
refused("graph", graph, "negative bytes", lambda g: g["tensors"][3].update(bytes=-4))
refused("graph", graph, "bytes with a fraction", lambda g: g["tensors"][3].update(bytes=0.5))
refused("graph", graph, "an unknown kind", lambda g: g["tensors"][3].update(kind="map"))
refused("graph", graph, "an output twice", lambda g: g["ops"][3].update(outputs=[1, 1]))
refused("graph", graph, "an unknown key of an op", lambda g: g["ops"][3].update(timeus=1))
refused("graph", graph, "a newer version", lambda g: g.update(version=3))
for key, value in [("source", "m.py:12"), ("estimated", True), ("flops", 1), ("memory_bytes", 1), ("math", "tf32")]:
    refused("graph", graph, "%s in version 1" % key, lambda g: g["ops"][3].update({key: value}))
refused("graph", graph, "no time in version 1", lambda g: g["ops"][3].pop("time_us"))
refused("graph", graph, "a result in version 1", lambda g: g["tensors"][3].update(kind="result"))
second = copy.deepcopy(graph)
second["version"] = 2
second["op_times"] = "captured"
second["ops"][3].update(source="m.py:12", flops=1e9, memory_bytes=4096, math="tf32")
second["ops"][3].pop("time_us")
second["tensors"][3]["kind"] = "result"
second["ops"][4].update(estimated=True)
ok(error("graph", second) is None, "graph: the keys of version 2", error("graph", second) or "")
refused("graph", second, "op times of version 2 in version 1", lambda g: g.update(version=1, ops=graph["ops"], tensors=graph["tensors"]))
refused("graph", second, "no time, not estimated", lambda g: g["ops"][3].update(estimated=False))
refused("graph", second, "negative FLOPs", lambda g: g["ops"][3].update(flops=-1))
refused("graph", second, "an unknown number type", lambda g: g["ops"][3].update(math="int8"))
refused("graph", second, "a source that is a number", lambda g: g["ops"][3].update(source=12))
graph["x-note"] = graph["ops"][0]["x-note"] = {"any": "thing"}
ok(error("graph", graph) is None, "graph: keys that begin x- are skipped")
network = json.load(open(os.path.join(data, "gpt2.json")))
refused("network", network, "a key of version 2 in version 1", lambda n: n.update(accumulate=2))
refused("network", network, "a layer's key of version 2 in version 1", lambda n: n["layers"][1].update(trainable=False))
refused("network", network, "a nested layer's key of version 2 in version 1", lambda n: n["layers"][5]["layers"][0].update(trainable=False))
network.update(version=2, accumulate=4)
network["layers"][5]["trainable"] = network["layers"][5]["layers"][0]["trainable"] = False
ok(error("network", network) is None, "network: accumulate and trainable in version 2", error("network", network) or "")
refused("network", network, "a number for trainable", lambda n: n["layers"][1].update(trainable=0))
refused("network", network, "no pass", lambda n: n.update(accumulate=0))
devices = sorted(glob.glob(os.path.join(data, "devices/*.json")))
if devices:
    device = json.load(open(devices[0]))
    refused("device", device, "no source", lambda d: d.pop("source"))
    refused("device", device, "three copy engines", lambda d: d["link"].update(copy_engines=3))
    refused("device", device, "contention below 1", lambda d: d["contention"].update(conv=0.5))
    refused("device", device, "an unknown class", lambda d: d["contention"].update(cnov=1.5))
    device2 = copy.deepcopy(device)
    device2.update(version=2, process_bytes=1)
    device2["compute"].update(captured_gap_us={"default": 0.5}, wait_us=1.5)
    device2["link"]["loaded"] = {"d2h": [[1, 2.5]], "h2d": []}
    del device2["host"]
    ok(error("device", device2) is None, "device: version 2 with all of its keys")
    refused("device", device2, "a newer version", lambda d: d.update(version=3))
    refused("device", device2, "a negative captured gap", lambda d: d["compute"]["captured_gap_us"].update(conv=-1))
    refused("device", device2, "a loaded curve one way", lambda d: d["link"]["loaded"].pop("h2d"))
    refused("device", device, "version 1 with no host", lambda d: d.pop("host"))
    for place, key in ((), "process_bytes"), (("compute",), "captured_gap_us"), (("compute",), "wait_us"), (("link",), "loaded"):
        part = device2[place[0]] if place else device2
        refused("device", device, "version 1 with " + key, lambda d: (d[place[0]] if place else d).update({key: part[key]}))
if plan:
    p = json.load(open(plan))
    refused("plan", p, "a run on queue out", lambda d: d["program"][0].update(queue="out"))
    refused("plan", p, "a place in two memories", lambda d: d["initial"][0].update(buffer=0, host=0))
    refused("plan", p, "a graph of a newer version", lambda d: d["graph"].update(version=2))
    refused("plan", p, "a device of a newer version", lambda d: d["device"].update(version=2))
    refused("plan", p, "a configuration in version 1", lambda d: d["provenance"].update(configuration="c"))
    p["version"], p["provenance"]["configuration"] = 2, "c"
    ok(error("plan", p) is None, "plan: a configuration in version 2")
    refused("plan", p, "a broken graph", lambda d: d["graph"]["tensors"][0].update(bytes=-1))
print("1..%d" % count)
sys.exit(failed > 0)
PYTHON
