"""XMP: a few properties read out of a packet that anybody may have made, and a packet of them.

The parser is expat without document types, so that there are no entities; depth, elements and
size are bounded. What was complete before a packet breaks off counts.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from liveresize.imaging.rights.fields import MOST_ITEMS, STRUCTS, XMP, Fields, Item, Kind, kept

MOST_BYTES = 1 << 19
MOST_DEPTH = 40
MOST_ELEMENTS = 20_000
MOST_TEXT = 4_096
"""Characters of a text that are looked at."""

NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ROOT, DESCRIPTION, VALUE, RESOURCE = (
    f"{RDF} {name}" for name in ("RDF", "Description", "value", "resource")
)
LISTS = frozenset(f"{RDF} {name}" for name in ("Alt", "Bag", "Seq"))
LI = f"{RDF} li"
LANGUAGE = "http://www.w3.org/XML/1998/namespace lang"
DEFAULT = "x-default"

NAMES = {
    f"{NAMESPACES[prefix]} {local}": name
    for name in XMP
    for prefix, _, local in (name.partition(":"),)
}
"""The names of properties as expat tells them → ours."""

_PLUS = NAMESPACES["plus"]

_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_END = '<?xpacket end="r"?>'


class _Refused(Exception):
    """The packet is of no kind that is read."""


@dataclass(slots=True)
class _Element:
    """An element inside a property."""

    name: str
    attributes: dict[str, str]
    children: list["_Element"] = field(default_factory=list)
    text: str = ""


def parsed(packet: bytes) -> Fields:
    """The properties of XMP that are kept, of the first description that has each."""
    packet = packet[:MOST_BYTES].strip(b"\0 \t\r\n")
    reader = _Reader()
    # Names come as "namespace name"; nothing else than UTF-8 is read.
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    with contextlib.suppress(expat.ExpatError, _Refused):  # what was complete counts
        parser.Parse(packet, True)
    return reader.found


def packet(
    fields: Iterable[tuple[str, tuple[Item, ...]]], *, wrapped: bool = True, more: str = ""
) -> bytes:
    """The packet of the properties among `fields`, and of `more` descriptions; b"" for nothing.

    With `wrapped` it is between the marks that programs look for.
    """
    properties = [(name, items) for name, items in fields if name in XMP]
    if not properties and not more:
        return b""
    used = dict.fromkeys(name.partition(":")[0] for name, _ in properties)
    spaces = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in used)
    body = "".join(_property(name, items) for name, items in properties)
    if properties:
        more += f'<rdf:Description rdf:about=""{spaces}>{body}</rdf:Description>'
    text = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
        f"{more}</rdf:RDF></x:xmpmeta>"
    )
    return (f"{_BEGIN}{text}{_END}" if wrapped else text).encode("utf-8")


def _property(name: str, items: tuple[Item, ...]) -> str:
    kind = XMP[name]
    if kind is Kind.TEXT:
        inner = "".join(_content(item) for item in items[:1])
    else:
        language = f' xml:lang="{DEFAULT}"' if kind is Kind.ALT else ""
        listed = "".join(_listed(item, language) for item in items)
        inner = f"<rdf:{kind.value}>{listed}</rdf:{kind.value}>"
    return f"<{name}>{inner}</{name}>"


def _listed(item: Item, language: str) -> str:
    resource = "" if isinstance(item, str) else ' rdf:parseType="Resource"'
    return f"<rdf:li{language}{resource}>{_content(item)}</rdf:li>"


def _content(item: Item) -> str:
    if isinstance(item, str):
        return _escaped(item)
    return "".join(f"<plus:{name}>{_escaped(text)}</plus:{name}>" for name, text in item)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Reader:
    """Takes the properties in XMP out of what expat tells."""

    def __init__(self) -> None:
        self.found: Fields = {}
        self._depth = self._elements = 0
        self._root = 0
        """How deep the element is that holds the descriptions; 0 outside of it."""
        self._described = False
        self._open: list[_Element] = []
        """The elements of the property that is being read."""

    def refuse(self, *_: object) -> None:
        """Refuse a document type, and with it all entities. Raises _Refused."""
        raise _Refused

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins. Raises _Refused for too many, and for too deep a one."""
        self._depth += 1
        self._elements += 1
        if self._depth > MOST_DEPTH or self._elements > MOST_ELEMENTS:
            raise _Refused
        if self._open:
            element = _Element(name, attributes)
            self._open[-1].children.append(element)
            self._open.append(element)
        elif not self._root:
            self._root = self._depth if name == ROOT else 0
        elif self._depth == self._root + 1:
            self._described = name == DESCRIPTION
            for each, text in attributes.items() if self._described else ():
                if each in NAMES:
                    self._keep(NAMES[each], _Element(each, {}, text=text[:MOST_TEXT]))
        elif self._depth == self._root + 2 and self._described and name in NAMES:
            self._open.append(_Element(name, attributes))

    def text(self, text: str) -> None:
        """Characters inside an element."""
        if self._open and len(self._open[-1].text) < MOST_TEXT:
            self._open[-1].text += text[:MOST_TEXT]

    def end(self, name: str) -> None:
        """An element ends."""
        if self._open:
            element = self._open.pop()
            if not self._open:
                self._keep(NAMES[name], element)
        elif self._depth == self._root:
            self._root = 0
        self._depth -= 1

    def _keep(self, name: str, element: _Element) -> None:
        items = () if name in self.found else kept(list(_items(name, element)))
        if items:
            self.found[name] = items


def _items(name: str, element: _Element) -> Iterator[Item]:
    """What a property says, in whichever way it is written."""
    lists = (child for child in element.children if child.name in LISTS)
    holder = next(lists, None)
    entries = [element]
    if holder is not None:
        entries = [child for child in holder.children if child.name == LI][:MOST_ITEMS]
    if XMP[name] is Kind.ALT:
        entries.sort(key=lambda entry: entry.attributes.get(LANGUAGE, DEFAULT) != DEFAULT)
    if XMP[name] in (Kind.ALT, Kind.TEXT):
        del entries[1:]
    for entry in entries:
        yield _struct(entry, STRUCTS[name]) if name in STRUCTS else _text(entry)


def _text(entry: _Element) -> str:
    """A text, as it is, as the value of a resource, or as the address of one."""
    for child in entry.children:
        if child.name == DESCRIPTION:
            return _text(child)
        if child.name == VALUE:
            return child.text
    return entry.attributes.get(RESOURCE) or entry.attributes.get(VALUE) or entry.text


def _struct(entry: _Element, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The fields of a structure, whether they are attributes or elements."""
    inner = next((child for child in entry.children if child.name == DESCRIPTION), entry)
    told = dict(inner.attributes)
    for child in inner.children:
        told.setdefault(child.name, _text(child))
    spelled = ((name, told.get(f"{_PLUS} {name}", "")) for name in names)
    return tuple((name, text[:MOST_TEXT]) for name, text in spelled if text)
