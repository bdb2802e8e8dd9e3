"""The picture of the arena is well-formed, and every buffer lies where the plan says."""

from xml.etree import ElementTree

import pytest
from models import compiled
from tiny import TINY

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", TINY)
def test_the_picture_shows_every_buffer_to_scale(name: str) -> None:
    model = compiled(TINY[name](), name)
    root = ElementTree.fromstring(model.files["plan.svg"])
    width, height = (float(n) for n in root.attrib["viewBox"].split()[2:])
    groups = root.findall(f"{SVG}g")
    assert len(groups) == len(model.plan.slots)
    titles = {group.findtext(f"{SVG}title") for group in groups}
    for slot in model.plan.slots:
        assert f"{slot.name}: {slot.bytes} bytes at {slot.offset}" in titles
    for group in groups:
        box = group.find(f"{SVG}rect")
        assert box is not None
        x, y, w, h = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
        assert x >= 0 and x + w <= width and y >= 0 and y + h <= height and h >= 1
