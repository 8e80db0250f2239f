"""A model card as a PDF: headings and lines of text, on as many A4 pages as it takes.

The letters are Helvetica, which every reader has, so nothing is embedded. It knows the letters of Western Europe; any
other stands as "?".
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final, NamedTuple

from clary.kernel.resource import Doc

_WIDE, _HIGH, _EDGE = 595.0, 842.0, 56.0
_INDENT: Final = 14.0
_STEP: Final = 1.35
"""Height of a line, of its letters' size."""
_WIDTHS: Final = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 "
    "556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 "
    "722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 "
    "500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584 "
)
"""Of Helvetica's letters from the space on, in thousandths of the size."""
_LETTERS: Final = {chr(32 + place): int(width) for place, width in enumerate(_WIDTHS.split())}
_OTHER: Final = 722
"""Of a letter that is not in the table: as wide as the wide ones, so that no line is too long."""
_BOLD: Final = 1.08
"""How much wider bold letters are, at most."""


class _Line(NamedTuple):
    text: str
    size: float = 9.5
    bold: bool = False
    indent: int = 0
    above: float = 0.0


def pdf(card: Doc, content: Doc) -> bytes:
    """The whole document. `card` is DescribeModelCard's answer, `content` its content as a document."""
    import pydyf  # loaded by the first export

    document = pydyf.PDF()
    fonts = {
        name: pydyf.Dictionary(
            {"Type": "/Font", "Subtype": "/Type1", "BaseFont": f"/{font}", "Encoding": "/WinAnsiEncoding"}
        )
        for name, font in (("F1", "Helvetica"), ("F2", "Helvetica-Bold"))
    }
    for font in fonts.values():
        document.add_object(font)
    resources = {"Font": pydyf.Dictionary({name: font.reference for name, font in fonts.items()})}
    for lines in _pages(list(_lines(card, content))):
        drawn = pydyf.Stream(compress=True)
        for line, height in lines:
            drawn.begin_text()
            drawn.set_font_size("F2" if line.bold else "F1", line.size)
            drawn.move_text_to(_EDGE + line.indent * _INDENT, height)
            drawn.show_text_string(line.text.encode("cp1252", "replace"))
            drawn.end_text()
        document.add_object(drawn)
        page = {
            "Type": "/Page",
            "Parent": document.pages.reference,
            "MediaBox": pydyf.Array([0, 0, _WIDE, _HIGH]),
            "Contents": drawn.reference,
            "Resources": pydyf.Dictionary(resources),
        }
        document.add_page(pydyf.Dictionary(page))
    written = BytesIO()
    document.write(written)
    return written.getvalue()


def _pages(lines: Sequence[_Line]) -> Iterator[list[tuple[_Line, float]]]:
    """(line, height of its foot) page by page."""
    page: list[tuple[_Line, float]] = []
    height = _HIGH - _EDGE
    for line in lines:
        height -= line.above + line.size * _STEP
        if height < _EDGE:
            yield page
            page, height = [], _HIGH - _EDGE - line.size * _STEP
        page.append((line, height))
    yield page


def _lines(card: Doc, content: Doc) -> Iterator[_Line]:
    yield _Line(f"Model card {card['ModelCardName']}", 18, True)
    changed = datetime.fromtimestamp(card["LastModifiedTime"], UTC)
    status = f"Version {card['ModelCardVersion']}, {card['ModelCardStatus']}, last changed {changed:%Y-%m-%d %H:%M} UTC"
    yield from _wrapped(_Line(status, above=4))
    yield from _wrapped(_Line(card["ModelCardArn"]))
    for part, value in content.items():
        if value:
            yield _Line(_title(part), 13, True, above=12)
            yield from _told(value, 0)


def _told(value: Any, indent: int) -> Iterator[_Line]:
    """A value in lines: members below their names, items below each other."""
    if isinstance(value, dict):
        for name, one in value.items():
            if one in (None, "", [], {}):
                continue
            if isinstance(one, dict | list) and not _flat(one):
                yield from _wrapped(_Line(_title(name), bold=True, indent=indent, above=3))
                yield from _told(one, indent + 1)
            else:
                yield from _wrapped(_Line(f"{_title(name)}: {_plain(one)}", indent=indent))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _told(one, indent)
            if isinstance(one, dict) and place < len(value) - 1:
                yield _Line("", 4)
    else:
        yield from _wrapped(_Line(_plain(value), indent=indent))


def _flat(value: Any) -> bool:
    """A list that is told in one line."""
    return isinstance(value, list) and not any(isinstance(one, dict) for one in value)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        inner = [f"[{_plain(one)}]" if isinstance(one, list) else _plain(one) for one in value]
        return ", ".join(inner)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _wrapped(line: _Line) -> Iterator[_Line]:
    """The line in as many as it takes; a word that is longer than a line is cut."""
    room = _WIDE - 2 * _EDGE - line.indent * _INDENT
    above = line.above
    for text in line.text.splitlines() or [""]:
        rest = text
        while rest:
            taken = _fits(rest, line, room)
            yield line._replace(text=rest[:taken].rstrip(), above=above)
            rest, above = rest[taken:].lstrip(), 0.0


def _fits(text: str, line: _Line, room: float) -> int:
    """How many letters of the text go into one line: up to the end of a word where there is one."""
    wide, scale = 0.0, line.size / 1000 * (_BOLD if line.bold else 1.0)
    for place, letter in enumerate(text):
        wide += _LETTERS.get(letter, _OTHER) * scale
        if wide > room:
            space = text.rfind(" ", 0, place)
            return space if space > 0 else max(place, 1)
    return len(text)
