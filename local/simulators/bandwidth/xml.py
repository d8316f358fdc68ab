"""XML as Bandwidth writes it: elements without attributes, in a document of its own."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET


def element(name: str, *content: str | int | bool | ET.Element | None) -> ET.Element:
    """An element that holds texts and elements; None is left out."""
    made = ET.Element(name)
    for each in content:
        if isinstance(each, ET.Element):
            made.append(each)
        elif each is not None:
            made.text = str(each).lower() if isinstance(each, bool) else str(each)
    return made


def optional(name: str, value: str | None) -> ET.Element | None:
    """An element for a value, where there is one."""
    return None if value is None else element(name, value)


def document(root: ET.Element) -> bytes:
    """The bytes of a document."""
    return b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + ET.tostring(root)


def texts(root: ET.Element, path: str) -> Iterator[str]:
    """The texts of the elements at a path, without the white space around them."""
    return ((each.text or "").strip() for each in root.iterfind(path))


def text(root: ET.Element, path: str) -> str | None:
    """The first of these texts, None where there is none or it is empty."""
    return next(texts(root, path), None) or None
