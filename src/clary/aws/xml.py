"""XML in and out, no more of it than AWS uses: no DTD, no entities of one's own, bounded depth."""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from clary.aws.errors import ServiceError

MAX_DEPTH = 64


class MalformedXML(ServiceError):
    """The document is not well-formed, or not of the published schema."""


_WORDS = "The XML you provided was not well-formed or did not validate against our published schema"


@dataclass(slots=True)
class Node:
    tag: str
    """Without its namespace prefix."""
    attributes: dict[str, str]
    children: list["Node"] = field(default_factory=list)
    text: str = ""


def parse(data: bytes) -> Node:
    """The root element. Raises MalformedXML, also for any DTD: entities could make a small document a huge one."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    stack: list[Node] = []
    roots: list[Node] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        node = Node(name.rpartition(":")[2], attributes)
        if len(stack) >= MAX_DEPTH:
            raise MalformedXML(f"{_WORDS}: nested deeper than {MAX_DEPTH} elements.")
        (stack[-1].children if stack else roots).append(node)
        stack.append(node)

    def end(name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        if stack:
            stack[-1].text += data

    def doctype(*_: object) -> None:
        raise MalformedXML(f"{_WORDS}: document type declarations are not allowed.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise MalformedXML(f"{_WORDS}: {error}.") from None
    return roots[0]


_ESCAPES = {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("\r"): "&#13;",
    # XML 1.0 knows no other control characters; S3 writes them as references all the same, and so do its clients read.
    **{code: f"&#{code};" for code in range(32) if code not in (9, 10, 13)},
}


_NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    return text.translate(_ESCAPES)


def readable(text: str) -> str:
    """Escaped, with a mark in place of every character that no XML parser reads: who is told of an error must be able
    to read of which."""
    return escape(_NOT_XML.sub("\ufffd", text))
