"""Shapes compiled to read and to write XML, for rest-xml and query."""

from collections.abc import Callable
from typing import Any

from clary.aws.model import Shape
from clary.aws.rest import reader, writer
from clary.aws.xml import Node, escape

ReadNode = Callable[[Node], Any]
Write = Callable[[Any, str, list[str]], None]
"""(value, the tag to stand in, where to append)."""


def compile_read(shape: Shape) -> ReadNode:
    """A value in handler form out of an element. Compiled once a shape."""
    name = ("xml-read", shape.name, shape.wire(""), shape.traits.get("timestampFormat"))
    compiled = shape.model.compiled
    if name not in compiled:
        compiled[name] = lambda node: compiled[name](node)  # for shapes that hold themselves
        compiled[name] = _reader(shape)
    found: ReadNode = compiled[name]
    return found


def _reader(shape: Shape) -> ReadNode:
    match shape.kind:
        case "structure":
            return _read_structure(shape)
        case "list":
            read = compile_read(shape.member)
            return lambda node: [read(child) for child in node.children]
        case "map":
            return _read_map(shape)
    scalar = reader(shape, "iso8601")
    return (lambda node: node.text) if shape.kind == "string" else (lambda node: scalar(node.text.strip()))


def _read_structure(shape: Shape) -> ReadNode:
    members: dict[str, tuple[str, bool, ReadNode]] = {}
    attributes: dict[str, str] = {}
    for name, member in shape.members.items():
        if member.location is not None:
            continue
        flat = member.kind in ("list", "map") and bool(member.traits.get("flattened"))
        if member.traits.get("xmlAttribute"):
            attributes[member.wire(name)] = name
        elif flat and member.kind == "list":
            tag = member.traits.get("locationName") or member.member.wire(name)
            members[tag] = (name, True, compile_read(member.member))
        else:
            members[member.wire(name)] = (name, False, compile_read(member))

    def read(node: Node) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for wire, name in attributes.items():
            if wire in node.attributes:
                found[name] = node.attributes[wire]
        for child in node.children:
            known = members.get(child.tag)
            if known is None:
                continue
            name, many, make = known
            if many:
                found.setdefault(name, []).append(make(child))
            else:
                found[name] = make(child)
        return found

    return read


def _read_map(shape: Shape) -> ReadNode:
    key_tag, value_tag = shape.key.wire("key"), shape.value.wire("value")
    key, value = compile_read(shape.key), compile_read(shape.value)

    def read(node: Node) -> dict[str, Any]:
        found = {}
        for entry in node.children:
            parts = {child.tag: child for child in entry.children}
            if key_tag in parts and value_tag in parts:
                found[key(parts[key_tag])] = value(parts[value_tag])
        return found

    return read


def compile_write(shape: Shape) -> Write:
    """Appends an element with a value in handler form. Compiled once a shape."""
    name = (
        "xml-write",
        shape.name,
        shape.wire(""),
        bool(shape.traits.get("flattened")),
        shape.traits.get("timestampFormat"),
    )
    compiled = shape.model.compiled
    if name not in compiled:
        compiled[name] = lambda value, tag, out: compiled[name](value, tag, out)
        compiled[name] = _writer(shape)
    found: Write = compiled[name]
    return found


def _writer(shape: Shape) -> Write:
    match shape.kind:
        case "structure":
            return _write_structure(shape)
        case "list":
            return _write_list(shape)
        case "map":
            return _write_map(shape)
    text = writer(shape, "iso8601")
    return lambda value, tag, out: out.append(f"<{tag}>{escape(text(value))}</{tag}>")


def _write_structure(shape: Shape) -> Write:
    inner = compile_content(shape)
    attributes = {
        name: member.wire(name) for name, member in shape.members.items() if member.traits.get("xmlAttribute")
    }
    space = shape.traits.get("xmlNamespace") or {}
    prefix, uri = space.get("prefix"), space.get("uri")
    declared = f' xmlns{":" + prefix if prefix else ""}="{escape(uri)}"' if uri and attributes else ""

    def write(value: Any, tag: str, out: list[str]) -> None:
        more = "".join([f' {wire}="{escape(value[name])}"' for name, wire in attributes.items() if name in value])
        out.append(f"<{tag}{declared}{more}>")
        inner(value, out)
        out.append(f"</{tag}>")

    return write


def compile_content(shape: Shape) -> Callable[[Any, list[str]], None]:
    """Appends the members of a structure that stand in the body, without an element around them."""
    members = [
        (name, member.wire(name), compile_write(member))
        for name, member in shape.members.items()
        if member.location is None and not member.traits.get("xmlAttribute")
    ]

    def write(value: Any, out: list[str]) -> None:
        for name, wire, put in members:
            item = value.get(name)
            if item is not None:
                put(item, wire, out)

    return write


def _write_list(shape: Shape) -> Write:
    put = compile_write(shape.member)
    if shape.traits.get("flattened"):
        own = None if shape.traits.get("locationName") else shape.member.traits.get("locationName")

        def flat(value: Any, tag: str, out: list[str]) -> None:
            for item in value:
                put(item, own or tag, out)

        return flat
    member_tag = shape.member.wire("member")

    def write(value: Any, tag: str, out: list[str]) -> None:
        out.append(f"<{tag}>")
        for item in value:
            put(item, member_tag, out)
        out.append(f"</{tag}>")

    return write


def _write_map(shape: Shape) -> Write:
    key_tag, value_tag = shape.key.wire("key"), shape.value.wire("value")
    key, item = compile_write(shape.key), compile_write(shape.value)
    flattened = bool(shape.traits.get("flattened"))

    def write(value: Any, tag: str, out: list[str]) -> None:
        entry = tag if flattened else "entry"
        if not flattened:
            out.append(f"<{tag}>")
        for name, one in value.items():
            out.append(f"<{entry}>")
            key(name, key_tag, out)
            item(one, value_tag, out)
            out.append(f"</{entry}>")
        if not flattened:
            out.append(f"</{tag}>")

    return write
