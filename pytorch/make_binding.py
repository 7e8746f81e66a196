# SPDX-License-Identifier: Apache-2.0
"""make_binding.py - the ctypes module of liblayrub, written from layrub.h

    python3 make_binding.py ../src/library/layrub.h >layrub/_binding.py

Needs pycparser and a C compiler ($CC, by default cc), which only preprocesses.  A declaration that has no ctypes form ends the
program with the place in the header.  Three conventions of the header become data:

* "[count]" in the comment of a pointer: the array's length is the member `count` of the same struct.  For an array inside
  a struct, "of name[]" in the comment of the count.
* "[rows][columns]": an array of arrays, each of `columns`.
* "enum layrub_x" in the comment of an integer: the integer holds a value of that enum.
* LAYRUB_X_INIT: the initial value of struct layrub_x.  `size` is set without one, too.
"""
from __future__ import annotations

import keyword
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from pycparser import c_ast, c_parser

WIDTH = 130

# C type: ctypes type, type in Python.
SCALARS = {
    "bool": ("c_bool", "bool"), "_Bool": ("c_bool", "bool"), "char": ("c_char", "int"), "double": ("c_double", "float"),
    "float": ("c_float", "float"), "int": ("c_int", "int"), "unsigned": ("c_uint", "int"), "unsigned int": ("c_uint", "int"),
    "long": ("c_long", "int"), "unsigned long": ("c_ulong", "int"), "size_t": ("c_size_t", "int"),
} | {f"{sign}int{bits}_t": (f"c_{sign}int{bits}", "int") for sign in ("", "u") for bits in (8, 16, 32, 64)}

# The standard headers, as far as an interface uses them: those of the machine have forms that pycparser does not read.
STANDARD = {
    "stdbool.h": "#define bool _Bool\n",
    "stddef.h": "typedef unsigned long size_t;\n",
    "stdint.h": "".join(f"typedef {'signed' if sign == '' else 'unsigned'} char {sign}int{bits}_t;\n"
                        for sign in ("", "u") for bits in (8, 16, 32, 64))
    + "#define UINT32_MAX 4294967295U\n#define UINT64_MAX 18446744073709551615UL\n",
}


class Refused(Exception):
    """A declaration without a form in ctypes."""


def refuse(node: c_ast.Node, reason: str) -> Refused:
    return Refused(f"{node.coord}: {reason}")


# ---- the header's text ----

class Comments:
    """The comments of a header, found by the line of what they describe."""

    def __init__(self, text: str) -> None:
        self.above: dict[int, str] = {}  # by the last line of a comment that has lines of its own
        self.after: dict[int, str] = {}  # by the line on which a comment follows code
        for match in re.finditer(r"/\*(.*?)\*/", text, re.DOTALL):
            start = text.rfind("\n", 0, match.start()) + 1
            lines = [re.sub(r"^\s*\*?\s?", "", line).strip() for line in match[1].split("\n")]
            said = " ".join(line for line in lines if line)
            first = text.count("\n", 0, match.start()) + 1
            if said.startswith("----"):
                continue
            if text[start:match.start()].strip():
                self.after[first] = f"{self.after[first]}; {said}" if first in self.after else said
            else:
                self.above[first + match[0].count("\n")] = said

    def of(self, node: c_ast.Node, last_line: int = 0) -> str:
        line = node.coord.line
        said = [self.above.get(line - 1, "")] + [self.after.get(k, "") for k in range(line, max(line, last_line) + 1)]
        said = [s for s in said if s]
        return ". ".join([s.rstrip(".") for s in said[:-1]] + said[-1:]).replace(":. ", ": ")


def last_line(text: str, line: int) -> int:
    """Returns the line on which the declaration that begins on a line ends."""
    lines = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL).split("\n")
    while line <= len(lines) and ";" not in lines[line - 1]:
        line += 1
    return line


def preprocess(header: Path, text: str) -> str:
    """Returns the header as the compiler sees it, and after it each macro as a variable."""
    tail = []
    for name, value in re.findall(r"^#define[ \t]+(LAYRUB_[A-Z0-9_]+)[ \t]+(\S.*)$", text, re.MULTILINE):
        if name.endswith("_INIT"):
            tail.append(f"static const struct {name[:-len('_INIT')].lower()} init_{name} = {name};")
        elif not value.startswith("__attribute__"):
            tail.append(f"static const int macro_{name} = {name};")
    with tempfile.TemporaryDirectory() as folder:
        for name, content in STANDARD.items():
            Path(folder, name).write_text(content)
        source = Path(folder, "all.c")
        source.write_text(f'#include "{header.resolve()}"\n' + "\n".join(tail) + "\n")
        command = [*os.environ.get("CC", "cc").split(), "-E", "-nostdinc", "-U__GNUC__", f"-I{folder}", str(source)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


# ---- the header's declarations ----

@dataclass
class Member:
    name: str
    ctype: str  # in ctypes
    hint: str  # in Python; "" where a record has no such member
    default: str
    doc: str
    length: str = ""  # the member that counts this array
    inner: str = ""  # of an array of arrays: the member that counts each of them
    enum: str = ""  # the enum whose values this integer holds


@dataclass
class Struct:
    name: str
    doc: str
    members: list[Member] = field(default_factory=list)
    init: dict[str, str] | None = None  # of LAYRUB_X_INIT, without its size
    line: int = 0


@dataclass
class Function:
    name: str
    result: str
    arguments: list[tuple[str, str]]
    doc: str


def camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.removeprefix("layrub_").split("_"))


def row_prefix(rows: list[str]) -> str:
    """Returns what all rows of an enum begin with: "LAYRUB_", "LAYRUB_PLACE_"."""
    common = os.path.commonprefix(rows)
    return common[:common.rfind("_") + 1] if len(rows) > 1 else "LAYRUB_"


class Header:
    """All that a header declares."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text()
        self.comments = Comments(self.text)
        self.constants: dict[str, int | float | str] = {}
        self.enums: dict[str, tuple[str, list[tuple[str, int, str]]]] = {}
        self.items: list[tuple[str, str]] = []  # what is written, in order: ("opaque" | "callback" | "struct", name)
        self.structs: dict[str, Struct] = {}
        self.callbacks: dict[str, str] = {}
        self.typedefs: dict[str, c_ast.Node] = {}
        self.functions: list[Function] = []
        for node in c_parser.CParser().parse(preprocess(path, self.text), str(path)).ext:
            self.read(node, Path(node.coord.file).name == path.name if node.coord else False)

    def read(self, node: c_ast.Node, here: bool) -> None:
        if isinstance(node, c_ast.Decl) and node.name and node.name.startswith("macro_"):
            self.constants[node.name.removeprefix("macro_")] = self.value(node.init)
        elif isinstance(node, c_ast.Decl) and node.name and node.name.startswith("init_"):
            self.read_init(node)
        elif not here:
            return
        elif isinstance(node, c_ast.Typedef):
            self.typedefs[node.name] = node.type
        elif isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.FuncDecl):
            self.read_function(node)
        elif isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.Struct):
            self.read_struct(node.type)
        elif isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.Enum):
            self.read_enum(node.type)
        elif not isinstance(node, (c_ast.StaticAssert, c_ast.Pragma)):
            raise refuse(node, "neither a function, a struct, an enum nor a typedef")

    def value(self, node: c_ast.Node) -> int | float | str:
        if isinstance(node, c_ast.Constant):
            if node.type == "string":
                return node.value[1:-1]
            return float(node.value) if "double" in node.type else int(node.value.rstrip("uUlL"), 0)
        if isinstance(node, c_ast.ID) and node.name in self.constants:
            return self.constants[node.name]
        if isinstance(node, c_ast.UnaryOp) and node.op in "-~":
            return -self.value(node.expr) if node.op == "-" else ~self.value(node.expr)
        if isinstance(node, c_ast.BinaryOp) and node.op in ("+", "-", "*", "<<", "|"):
            left, right = self.value(node.left), self.value(node.right)
            return {"+": left + right, "-": left - right, "*": left * right, "<<": left << right, "|": left | right}[node.op]
        raise refuse(node, "a value that is not computed here")

    def read_enum(self, node: c_ast.Enum) -> None:
        rows, following = [], 0
        for e in node.values.enumerators:
            value = self.value(e.value) if e.value else following
            following = value + 1
            self.constants[e.name] = value
            rows.append((e.name, value, self.comments.after.get(e.coord.line, "") if e.coord.line > node.coord.line else ""))
        if node.name:
            self.enums[node.name] = (self.comments.of(node), rows)

    def read_init(self, node: c_ast.Decl) -> None:
        struct = self.structs[node.type.type.name]
        struct.init = {e.name[0].name: repr(self.value(e.expr)) for e in node.init.exprs if e.name[0].name != "size"}

    def read_function(self, node: c_ast.Decl) -> None:
        arguments = []
        for i, a in enumerate(node.type.args.params if node.type.args else []):
            ctype = self.ctype(a.type, f"{node.name}_{a.name}")
            if ctype != "None":
                arguments.append((a.name or f"argument_{i}", ctype))
        self.functions.append(Function(node.name, self.ctype(node.type.type, node.name), arguments,
                                       self.comments.of(node, last_line(self.text, node.coord.line))))

    def read_struct(self, node: c_ast.Struct) -> None:
        struct = self.declare(node.name)
        if node.decls is None:
            return
        struct.doc = self.comments.of(node) or struct.doc
        struct.line = node.coord.line
        for m in node.decls:
            if not isinstance(m, c_ast.Decl) or m.bitsize or not m.name:
                raise refuse(m, "a member that is a bit-field or has no name")
            struct.members.append(self.member(struct, m))
        for count in struct.members:
            found = re.match(r"of (\w+)\[\]", count.doc)
            for m in struct.members:
                if found and m.name == found[1]:
                    m.length = count.name
        self.items.append(("struct", node.name))
        counts = {m.name for m in struct.members}
        for m in struct.members:
            if m.length and m.length not in counts:
                m.length = m.hint = ""

    def declare(self, name: str) -> Struct:
        if name not in self.structs:
            self.structs[name] = Struct(name, f"struct {name}")
            self.items.append(("opaque", name))
        return self.structs[name]

    def member(self, struct: Struct, m: c_ast.Decl) -> Member:
        doc = self.comments.of(m) if m.coord.line != struct.line else ""
        if isinstance(m.type, c_ast.TypeDecl) and isinstance(m.type.type, c_ast.Struct) and m.type.type.decls:
            m.type.type.name = m.type.type.name or f"{struct.name}_{m.name}"
            self.read_struct(m.type.type)
        made = Member(m.name, self.ctype(m.type, f"{struct.name}_{m.name}"), *self.hint(m.type), doc)
        if isinstance(m.type, c_ast.PtrDecl) and made.ctype != "ctypes.c_char_p":
            found = re.search(r"\[(\w+)\]", doc)
            made.length = found[1] if found else ""
            inner = re.search(r"\[\w+\]\[(\w+)\]", doc)
            made.inner = inner[1] if inner else ""
            if not found and made.hint.startswith("tuple"):  # one struct, or an array of unknown length
                one = made.hint[len("tuple["):-len(", ...]")]
                made.hint, made.default = (f"{one} | None", "None") if isinstance(self.target(m.type), c_ast.Struct) else ("", "")
        found = re.search(r"enum (layrub_\w+)", doc)
        if found and made.ctype == "ctypes.c_uint32" and found[1] in self.enums:
            made.enum = camel(found[1])
            prefix = row_prefix([row for row, _, _ in self.enums[found[1]][1]])
            zero = next((row for row, value, _ in self.enums[found[1]][1] if value == 0), None)
            made.hint = made.enum if zero else f"{made.enum} | int"
            made.default = f"{made.enum}.{zero.removeprefix(prefix)}" if zero else "0"
        elif made.hint == "int" and made.ctype == "ctypes.c_uint32" and "LAYRUB_NONE" in doc:
            made.hint, made.default = "int | None", "None"
        return made

    # ---- types ----

    def target(self, node: c_ast.Node) -> c_ast.Node:
        """Returns the type without its declarators."""
        while isinstance(node, (c_ast.PtrDecl, c_ast.ArrayDecl, c_ast.TypeDecl)):
            node = node.type
        if isinstance(node, c_ast.IdentifierType) and " ".join(node.names) in self.typedefs:
            return self.target(self.typedefs[" ".join(node.names)])
        return node

    def plain_name(self, node: c_ast.Node) -> str:
        """Returns the name of a type that is one identifier, or ""."""
        if isinstance(node, c_ast.TypeDecl) and isinstance(node.type, c_ast.IdentifierType):
            return " ".join(node.type.names)
        return ""

    def ctype(self, node: c_ast.Node, name: str) -> str:
        plain = self.plain_name(node)
        if plain in self.typedefs:
            return self.ctype(self.typedefs[plain], plain)
        if plain == "void":
            return "None"
        if plain in SCALARS:
            return f"ctypes.{SCALARS[plain][0]}"
        if isinstance(node, c_ast.TypeDecl) and isinstance(node.type, c_ast.Struct):
            self.declare(node.type.name)
            return node.type.name
        if isinstance(node, c_ast.TypeDecl) and isinstance(node.type, c_ast.Enum):
            return "ctypes.c_uint"
        if isinstance(node, c_ast.ArrayDecl) and node.dim is not None:
            return f"{self.ctype(node.type, name)} * {self.value(node.dim)}"
        if isinstance(node, (c_ast.PtrDecl, c_ast.ArrayDecl)):
            return self.pointer(node.type, name)
        raise refuse(node, "a type that is not known here")

    def pointer(self, to: c_ast.Node, name: str) -> str:
        if isinstance(to, c_ast.FuncDecl):
            arguments = [self.ctype(a.type, f"{name}_{a.name}") for a in (to.args.params if to.args else [])]
            result = self.ctype(to.type, name)
            self.callbacks[name] = ", ".join([result] + [a for a in arguments if a != "None"])
            self.items.append(("callback", name))
            return name
        plain = self.plain_name(to)
        if plain == "void":
            return "ctypes.c_void_p"
        if plain == "char" and "const" in to.quals:  # memory of the caller's, or for it to free, keeps its address
            return "ctypes.c_char_p"
        return f"ctypes.POINTER({self.ctype(to, name)})"

    def hint(self, node: c_ast.Node) -> tuple[str, str]:
        """Returns the type and the default of a member in a record, or two empty strings."""
        plain = self.plain_name(node)
        if plain in self.typedefs:
            return self.hint(self.typedefs[plain])
        if plain in SCALARS:
            python = SCALARS[plain][1]
            return python, {"bool": "False", "float": "0.0", "int": "0"}[python]
        if isinstance(node, c_ast.TypeDecl) and isinstance(node.type, c_ast.Struct):
            return f"{camel(node.type.name)} | None", "None"
        if isinstance(node, c_ast.ArrayDecl):
            if self.plain_name(node.type) == "char":
                return "str", '""'
            inner = self.hint(node.type)[0].removesuffix(" | None")
            return (f"tuple[{inner}, ...]", "()") if inner else ("", "")
        if isinstance(node, c_ast.PtrDecl) and not isinstance(node.type, c_ast.FuncDecl):
            if self.plain_name(node.type) == "char" and "const" in node.type.quals:
                return "str | None", "None"
            if isinstance(node.type, c_ast.TypeDecl) and isinstance(node.type.type, c_ast.Struct):
                known = self.structs.get(node.type.type.name)
                return (f"tuple[{camel(known.name)}, ...]", "()") if known and known.members else ("", "")
            inner = "" if self.plain_name(node.type) == "void" else self.hint(node.type)[0].removesuffix(" | None")
            return (f"tuple[{inner}, ...]", "()") if inner else ("", "")
        return "", ""


# ---- Python's text ----

def wrapped(said: str, indent: str, prefix: str = "") -> list[str]:
    return textwrap.wrap(said, WIDTH, initial_indent=indent + prefix, subsequent_indent=indent + prefix, break_long_words=False)


def commented(line: str, doc: str) -> list[str]:
    """Returns a line with its comment after it, or above it where the line is full."""
    if not doc:
        return [line]
    if len(line) + len(doc) + 4 <= WIDTH:
        return [f"{line}  # {doc}"]
    return [*wrapped(doc, line[:len(line) - len(line.lstrip())], "# "), line]


def docstring(said: str, indent: str) -> list[str]:
    said = said.replace("\\", "\\\\").replace('"""', "'''")
    if len(said) + len(indent) + 6 <= WIDTH and not said.endswith('"'):
        return [f'{indent}"""{said}"""']
    lines = textwrap.wrap(said, WIDTH - 8, break_long_words=False)
    return [f'{indent}"""{lines[0]}', *[indent + line for line in lines[1:]], f'{indent}"""']


def enum_text(h: Header) -> list[str]:
    out = []
    for name, (doc, rows) in h.enums.items():
        prefix = row_prefix([row for row, _, _ in rows])
        out += ["", "", f"class {camel(name)}(enum.IntEnum):", *docstring(doc or f"enum {name}", "    "), ""]
        for row, value, said in rows:
            out += commented(f"    {row.removeprefix(prefix)} = {value}", said)
    out += ["", "", "# By their names in C.", "ENUMERATORS = {"]
    for name, (_, rows) in h.enums.items():
        prefix = row_prefix([row for row, _, _ in rows])
        out += [f'    "{row}": {camel(name)}.{row.removeprefix(prefix)},' for row, _, _ in rows]
    return out + ["}"]


def struct_text(h: Header, s: Struct) -> list[str]:
    lengths = {m.name: m.length for m in s.members if m.length and m.hint}
    enums = ", ".join(f'"{m.name}": {m.enum}' for m in s.members if m.enum)
    out = ["", f"{s.name}._fields_ = ["]
    out += [f'    ("{m.name}", {m.ctype}),' for m in s.members] + ["]"]
    if lengths:
        out += [f"{s.name}.lengths = {{", *[f'    "{array}": "{count}",' for array, count in lengths.items()], "}"]
    inner = ", ".join(f'"{m.name}": "{m.inner}"' for m in s.members if m.inner and m.hint)
    if inner:
        out.append(f"{s.name}.inner = {{{inner}}}")
    if enums:
        out.append(f"{s.name}.enums = {{{enums}}}")
    if s.members[0].name == "size":
        out.append(f"{s.name}.initial = {{" + ", ".join([f'"size": ctypes.sizeof({s.name})'] +
                                                        [f'"{k}": {v}' for k, v in (s.init or {}).items()]) + "}")
    return out


def record_text(s: Struct) -> list[str]:
    counts = {m.length for m in s.members} | {"size"}
    shown = [m for m in s.members if m.hint and m.name not in counts]
    out = ["", "", "@dataclass(frozen=True, slots=True)", f"class {camel(s.name)}:"]
    out += docstring(s.doc, "    ") + [""]
    for m in shown:
        default = (s.init or {}).get(m.name, m.default)
        name = f"{m.name}_" if keyword.iskeyword(m.name) else m.name
        out += commented(f"    {name}: {m.hint} = {default}", m.doc)
    return out


def function_text(f: Function) -> list[str]:
    out = [f'    Function("{f.name}", {f.result}, (']
    out += [f'        ("{name}", {ctype}),' for name, ctype in f.arguments]
    said = f.doc.replace("\\", "\\\\").replace('"', '\\"')
    lines = textwrap.wrap(said, WIDTH - 12, break_long_words=False, drop_whitespace=False) or [""]
    out += ["    ), (" if len(lines) > 1 else f'    ), "{lines[0]}"),']
    if len(lines) > 1:
        out += [f'        "{line}"' for line in lines] + ["    )),"]
    return out


HEAD = '''# SPDX-License-Identifier: Apache-2.0
"""_binding.py - liblayrub's functions, structs and constants, made by make_binding.py from layrub.h: not to be edited

A struct of C is a class of its own name.  It has a second form, a frozen record without sizes, counts and pointers, whose name is
in CamelCase; a member whose name is a keyword of Python has "_" after it there.  _convert.py leads from one to the other.
"""
from __future__ import annotations

import ctypes
import enum
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple
'''

STRUCTURE = '''

class Structure(ctypes.Structure):
    """A struct of C.  One that begins with `size` is made with that size, and with the rest of its _INIT."""

    lengths: ClassVar[dict[str, str]] = {}  # array: the member that counts it
    inner: ClassVar[dict[str, str]] = {}  # array of arrays: the member that counts each of them
    enums: ClassVar[dict[str, type[enum.IntEnum]]] = {}  # integer: the enum whose values it holds
    initial: ClassVar[dict[str, Any]] = {}
    record: ClassVar[type | None] = None  # its second form

    def __init__(self, **members: Any) -> None:
        super().__init__(**{**self.initial, **members})
'''

TAIL = '''

def bind(library: ctypes.CDLL) -> frozenset[str]:
    """Gives every function its types.  Returns the names of the functions that the library lacks."""
    missing = set()
    for f in FUNCTIONS:
        try:
            function = getattr(library, f.name)
        except AttributeError:
            missing.add(f.name)
            continue
        function.restype = f.result
        function.argtypes = [ctype for _, ctype in f.arguments]
        function.__doc__ = f.doc
    return frozenset(missing)
'''


def module_text(h: Header) -> str:
    out = [HEAD]
    in_enum = {row for _, rows in h.enums.values() for row, _, _ in rows}
    out += [f"{name} = {value!r}".replace("'", '"') for name, value in h.constants.items() if name not in in_enum]
    out += enum_text(h) + [STRUCTURE.rstrip("\n")]
    records = [s for s in h.structs.values() if s.members]
    names = [camel(name) for name in h.enums] + [camel(s.name) for s in records]
    if len(set(names)) != len(names):
        raise Refused(f"two types have one name in Python: {sorted(names)}")
    public = sorted(n for n in h.constants if n not in in_enum) + sorted(names)
    out[1:1] = ["__all__ = [", *[f'    "{name}",' for name in public], "]", ""]
    for what, name in h.items:
        s = h.structs.get(name)
        if what == "opaque":
            out += ["", "", f"class {name}(Structure):", *docstring(s.doc, "    ")]
        elif what == "callback":
            out += ["", "", f"{name} = ctypes.CFUNCTYPE({h.callbacks[name]})"]
        else:
            out += ["", *struct_text(h, s)]
    for s in records:
        out += record_text(s)
    out += ["", "", *[f"{s.name}.record = {camel(s.name)}" for s in records]]
    out += ["", "", "class Function(NamedTuple):", '    """A function of C."""', "", "    name: str", "    result: Any",
            "    arguments: tuple[tuple[str, Any], ...]", "    doc: str", "", "", "FUNCTIONS = ("]
    for f in h.functions:
        out += function_text(f)
    return "\n".join(out) + "\n)\n" + TAIL


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: make_binding.py HEADER", file=sys.stderr)
        return 2
    try:
        sys.stdout.write(module_text(Header(Path(sys.argv[1]))))
    except (Refused, c_parser.ParseError) as e:
        print(f"make_binding.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
