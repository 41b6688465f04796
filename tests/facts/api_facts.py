#!/usr/bin/env python3
"""Compares every api/*.api with botocore's model: what a file lists must be what the model says.

Protocols, target, version, XML namespace, signing name, endpoint; of each operation its input,
output, errors, HTTP method, URI and status; of each struct its members in order, types, ranges,
required ones, places and names on the wire; enums; errors' codes and statuses. Operations that are
not built are compared by name and HTTP only. What a newer model added since the .api was written
(optional members, enum values, errors of an operation) is printed but is no failure.

Ends with 77 (skipped) where botocore is not installed or too old to know a service.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
WRITTEN_AGAINST = (1, 43, 11)  # botocore's version when the files were last brought up to date

SIMPLE = {"boolean": "bool", "integer": "int", "long": "long", "float": "float",
          "double": "double", "string": "str", "blob": "blob"}


class Api:
    """A small reader of .api files of its own, so that it shares no mistake with the printer."""

    def __init__(self, path):
        self.head, self.ops, self.structs, self.enums, self.errors = {}, {}, {}, {}, {}
        here = None
        for line in open(path, encoding="utf-8"):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if not line[0].isspace():
                here = self.top(words)
            elif here is not None:
                here(words)

    def top(self, words):
        kind, rest = words[0], words[1:]
        if kind == "op":
            op = {"in": rest[1], "out": rest[3], "errors": rest[5:], "http": None, "flags": []}
            self.ops[rest[0]] = op
            return lambda w: self.op_line(op, w)
        if kind == "struct":
            members = self.structs.setdefault(rest[0], [])
            return members.append
        if kind == "enum":
            values = self.enums.setdefault(rest[0], list(rest[1:]))
            return values.extend
        if kind == "error":
            members = []
            self.errors[rest[0]] = (rest[1:], members)
            return members.append
        self.head[kind] = rest
        return None

    @staticmethod
    def op_line(op, words):
        if words[0] == "!":
            op["errors"] += words[1:]
        elif words[0] == "http":
            op["http"] = words[1:]
        else:
            op["flags"].append(words[0])


# Documented by AWS and used by clients, but not in botocore's model.
BEYOND_THE_MODEL = {
    "BucketCannedACL": ["log-delivery-write"],
}


class Comparison:
    def __init__(self, path, model):
        self.api, self.model, self.shapes = Api(path), model, model["shapes"]
        self.file = os.path.basename(path)
        self.bad, self.new, self.facts = [], [], 0

    def same(self, where, said, fact):
        self.facts += 1
        if said != fact:
            self.bad.append("%s: %s: says %r, AWS's model %r" % (self.file, where, said, fact))

    def compare(self):
        self.head()
        for name, op in self.api.ops.items():
            if name not in self.model["operations"]:
                self.bad.append("%s: there is no operation %s" % (self.file, name))
                continue
            self.op(name, op)
        for name, members in self.api.structs.items():
            self.struct(name, members)
        for name, values in self.api.enums.items():
            facts = self.shapes.get(name, {}).get("enum", []) + BEYOND_THE_MODEL.get(name, [])
            self.listed("enum " + name, values, facts)
        for name, (words, members) in self.api.errors.items():
            self.error(name, words, members)

    def head(self):
        meta, head = self.model["metadata"], self.api.head
        known = {"json": "json" + meta.get("jsonVersion", ""), "query": "query",
                 "rest-xml": "rest-xml", "rest-json": "rest-json"}
        protocols = [known[p] for p in meta.get("protocols", [meta["protocol"]]) if p in known]
        self.same("protocol", head["protocol"], protocols)
        self.same("target", head.get("target"),
                  [meta["targetPrefix"]] if "targetPrefix" in meta else None)
        self.same("version", head["version"], [meta["apiVersion"]])
        self.same("signing", head["signing"], [meta.get("signingName", meta["endpointPrefix"])])
        self.same("host", head["host"][0], meta["endpointPrefix"])
        self.same("query-compatible", "query-compatible" in head, "awsQueryCompatible" in meta)
        if "xmlNamespace" in meta:
            self.same("xmlns", head.get("xmlns"), [meta["xmlNamespace"]])

    def listed(self, where, said, facts):
        """What is said must be true; what is missing is a mistake unless the model is newer."""
        self.facts += len(said)
        for value in said:
            if value not in facts:
                self.bad.append("%s: %s: AWS's model has no %s" % (self.file, where, value))
        for value in facts:
            if value not in said:
                self.new.append("%s: %s: not listed: %s" % (self.file, where, value))

    def op(self, name, op):
        fact = self.model["operations"][name]
        http = fact["http"]
        if self.api.head["protocol"][0].startswith("rest"):
            want = [http["method"], http["requestUri"]]
            if http.get("responseCode", 200) != 200:
                want.append(str(http["responseCode"]))
            self.same(name + " http", op["http"], want)
        if "unimplemented" in op["flags"]:
            return
        self.same(name + " input", op["in"], fact.get("input", {}).get("shape", "-"))
        self.same(name + " output", op["out"], fact.get("output", {}).get("shape", "-"))
        self.same(name + " checksum", "checksum" in op["flags"],
                  bool(fact.get("httpChecksum", {}).get("requestChecksumRequired")))
        self.listed(name + " errors", op["errors"], [e["shape"] for e in fact.get("errors", [])])

    def range(self, shape):
        low, high = shape.get("min"), shape.get("max")
        if low is None and high is None:
            return ""
        return "(%s..%s)" % tuple("" if v is None else str(int(v)) for v in (low, high))

    def type(self, name, ref=None):
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return [name]
        if "enum" in shape:
            return ["enum", name]
        if kind == "timestamp":
            form = (ref or {}).get("timestampFormat", shape.get("timestampFormat"))
            return ["timestamp" + {None: "", "iso8601": ":iso8601", "rfc822": ":rfc822",
                                   "unixTimestamp": ":unix"}[form]]
        if kind == "list":
            return ["list" + self.range(shape)] + self.type(shape["member"]["shape"])
        if kind == "map":
            return (["map" + self.range(shape)] + self.type(shape["key"]["shape"])
                    + self.type(shape["value"]["shape"]))
        limits = "" if kind == "boolean" else self.range(shape)
        pattern = ""
        if "patterns" in self.api.head and "pattern" in shape:
            pattern = "~" + shape["pattern"].replace(" ", "\\x20")
        return [SIMPLE[kind] + limits + pattern]

    def attributes(self, struct, name, ref):
        """What stands behind the type, as a set of words."""
        shape = self.shapes[ref["shape"]]
        words = set()
        place = ref.get("location")
        wire = ref.get("locationName", name)
        xml = any(p in ("query", "rest-xml") for p in self.api.head["protocol"])
        if place == "statusCode":
            words.add("status")
        elif place:
            words |= {{"querystring": "query"}.get(place, place), wire}
        elif wire != name:
            words.add("xmlname=" + wire)
        for said, fact in (("payload", struct.get("payload") == name),
                           ("attribute", ref.get("xmlAttribute")),
                           ("token", ref.get("idempotencyToken"))):
            if fact:
                words.add(said)
        inner = shape
        while inner["type"] == "list":
            if inner.get("sensitive"):
                break
            inner = self.shapes[inner["member"]["shape"]]
        if inner.get("sensitive"):
            words.add("sensitive")
        if xml and not place:
            words |= self.collection_words(shape, ref)
        ns = ref.get("xmlNamespace") or shape.get("xmlNamespace")
        if isinstance(ns, dict) and ns.get("prefix"):
            words.add("xmlns=%s=%s" % (ns["prefix"], ns["uri"]))
        return words

    @staticmethod
    def collection_words(shape, ref):
        words = set()
        if shape["type"] in ("list", "map") and (shape.get("flattened") or ref.get("flattened")):
            words.add("flat")
        for key, word in (("member", "item"), ("key", "key"), ("value", "value")):
            if "locationName" in shape.get(key, {}):
                words.add("%s=%s" % (word, shape[key]["locationName"]))
        return words

    def member(self, where, struct, words):
        name = words[0].rstrip("!")
        ref = struct.get("members", {}).get(name)
        if ref is None:
            self.bad.append("%s: %s has no member %s" % (self.file, where, name))
            return
        where = "%s.%s" % (where, name)
        self.same(where + " required", words[0].endswith("!"),
                  name in struct.get("required", []))
        shape = self.shapes[ref["shape"]]
        streamed = ref.get("streaming") or shape.get("streaming") or shape.get("eventstream")
        kind = ["body"] if streamed else self.type(ref["shape"], ref)
        self.same(where + " type", words[1:1 + len(kind)], kind)
        self.same(where + " attributes", set(words[1 + len(kind):]),
                  self.attributes(struct, name, ref))

    def struct(self, name, members):
        fact = self.shapes.get(name)
        if fact is None or fact["type"] != "structure":
            self.bad.append("%s: there is no structure %s" % (self.file, name))
            return
        said = [m[0].rstrip("!") for m in members]
        self.listed(name, said, list(fact["members"]))
        for words in members:
            self.member(name, fact, words)
        for required in fact.get("required", []):
            if required not in said:
                self.bad.append("%s: %s lacks the required %s" % (self.file, name, required))

    def error(self, name, words, members):
        fact = self.shapes.get(name, {})
        if "common" in words and not fact.get("exception"):
            return  # of all services' common errors, or of none's model
        if not fact.get("exception"):
            self.bad.append("%s: there is no error %s" % (self.file, name))
            return
        about = fact.get("error", {})
        status = about.get("httpStatusCode", 500 if fact.get("fault") else 400)
        said = dict(w.split("=", 1) for w in words[1:] if "=" in w)
        self.same(name + " status", int(words[0]), status)
        self.same(name + " code", said.get("code", name), about.get("code", name))
        own = fact.get("members", {})
        message = "Message" if "Message" in own and "message" not in own else "message"
        self.same(name + " message", said.get("message", "message"), message)
        self.listed("error " + name, [m[0].rstrip("!") for m in members],
                    [m for m in own if m not in ("message", "Message")])
        for line in members:
            self.member("error " + name, fact, line)


def load(name):
    from api_from_botocore import load_model
    return load_model(name)


def main():
    try:
        import botocore
        import botocore.exceptions
    except ImportError:
        print("botocore is not installed")
        return 77
    version = tuple(int(n) for n in re.findall(r"\d+", botocore.__version__)[:3])
    if version < WRITTEN_AGAINST:
        print("botocore %s is older than the files" % botocore.__version__)
        return 77
    bad, new, facts = [], [], 0
    only = sys.argv[1:]
    for path in only or sorted(glob.glob(os.path.join(ROOT, "api", "*.api"))):
        name = os.path.basename(path)[:-4]
        if name == "trunkline":
            continue  # ours
        one = Comparison(path, load(name))
        one.compare()
        bad, new, facts = bad + one.bad, new + one.new, facts + one.facts
    if version == WRITTEN_AGAINST:
        bad += new
    elif new:
        print("\n".join(["AWS added since:"] + new))
    print("\n".join(bad) or "%d facts are as botocore %s has them" % (facts, botocore.__version__))
    return 1 if bad or facts == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
