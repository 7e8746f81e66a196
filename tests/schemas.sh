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
    "${LAYRUB:-./layrub}" plan graphs/alexnet --device h200 --policy layrub -o "$scratch/plan.json" >/dev/null 2>&1; then
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
refused("graph", graph, "a newer version", lambda g: g.update(version=2))
graph["x-note"] = graph["ops"][0]["x-note"] = {"any": "thing"}
ok(error("graph", graph) is None, "graph: keys that begin x- are skipped")
devices = sorted(glob.glob(os.path.join(data, "devices/*.json")))
if devices:
    device = json.load(open(devices[0]))
    refused("device", device, "no source", lambda d: d.pop("source"))
    refused("device", device, "three copy engines", lambda d: d["link"].update(copy_engines=3))
    refused("device", device, "contention below 1", lambda d: d["contention"].update(conv=0.5))
    refused("device", device, "an unknown class", lambda d: d["contention"].update(cnov=1.5))
if plan:
    p = json.load(open(plan))
    refused("plan", p, "a run on queue out", lambda d: d["program"][0].update(queue="out"))
    refused("plan", p, "a place in two memories", lambda d: d["initial"][0].update(buffer=0, host=0))
    refused("plan", p, "a broken graph", lambda d: d["graph"]["tensors"][0].update(bytes=-1))
print("1..%d" % count)
sys.exit(failed > 0)
PYTHON
