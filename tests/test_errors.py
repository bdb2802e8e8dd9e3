"""Every error says what is wrong in the house style, and what to do next."""

import ast
from collections.abc import Iterator
from pathlib import Path

from models import ROOT

ROOMS = ("core", "train", "prune", "codegen", "host")
# Names of classes are read from the sources: whatever derives from TinykitError counts.
BASE = "TinykitError"
PROPER_NAMES = ("TensorFlow", "Keras", "KERAS_BACKEND", "NaN", "Python", "QEMU", "Renode")


def sources() -> list[tuple[Path, ast.Module]]:
    paths = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return [(path, ast.parse(path.read_text())) for path in paths]


def error_classes() -> set[str]:
    found = {BASE}
    classes = [n for _, tree in sources() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    for _ in classes:
        derived = [c for c in classes if {ast.unparse(base) for base in c.bases} & found]
        found |= {c.name for c in derived}
    return found


def errors() -> Iterator[tuple[str, ast.Call]]:
    """Yield where each error is made, and its call."""
    names = error_classes()
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def literal_ends(node: ast.expr) -> tuple[str | None, str | None]:
    """Return the text that a message starts and ends with, None where that is a value."""
    match node:
        case ast.Constant(value=str(text)):
            return text, text
        case ast.JoinedStr(values=values):
            return literal_ends(values[0])[0], literal_ends(values[-1])[1]
        case ast.BinOp(left=left, right=right):
            return literal_ends(left)[0], literal_ends(right)[1]
    return None, None


def test_there_are_errors_of_several_kinds() -> None:
    assert {"TinykitError", "CheckFailedError", "MissingToolError", "FaultError"} <= error_classes()
    assert len(list(errors())) > 100


def test_every_error_has_a_message_and_a_hint() -> None:
    for where, call in errors():
        assert len(call.args) + len(call.keywords) >= 2, f"{where}: no hint"
        for argument in call.args[:2]:
            assert ast.unparse(argument) not in ("''", "None"), f"{where}: empty"


def test_messages_start_lower_case_and_end_without_a_full_stop() -> None:
    for where, call in errors():
        start, end = literal_ends(call.args[0])
        if start is not None:
            proper = start.startswith(PROPER_NAMES)
            assert start[:1] == start[:1].lower() or proper, f"{where}: {start!r}"
        if end is not None:
            assert not end.endswith((".", "!", "\n")), f"{where}: {end!r}"
