"""What three tiny models become is reviewed: make golden writes it, git shows the change."""

import ast
import os
from pathlib import Path

import jinja2
import pytest
from jinja2 import meta
from models import ROOT
from tiny import TINY

from tinykit.codegen.board_files import board_files
from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions
from tinykit.codegen.tflm import Arena, emit_tflm, read_model
from tinykit.core.board import find_board

GOLDEN = ROOT / "tests" / "golden"
TEMPLATES = ROOT / "codegen" / "templates"
VERSION = "0.0.0"


def generated(name: str) -> dict[str, str]:
    """Return everything that is generated for nano33."""
    model = compile_model(TINY[name](), f"{name}.tflite", VERSION, LowerOptions())
    return {**model.files, **board_files(find_board("nano33"), VERSION)}


def generated_for_tflm(name: str) -> dict[str, str]:
    """Return everything that is generated for TensorFlow Lite Micro."""
    data, source = TINY[name](), f"{name}.tflite"
    arena = Arena(2048, "A number for the golden files.")
    return emit_tflm(read_model(data, source), data, source, VERSION, arena)


ENGINES = {"nano33": generated, "tflm": generated_for_tflm}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TINY)
def test_generated_files_equal_the_golden_ones(name: str, engine: str) -> None:
    folder = GOLDEN / f"{name}-{engine}"
    files = ENGINES[engine](name)
    if os.environ.get("TINYKIT_GOLDEN") == "write":
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.iterdir():
            stale.unlink()
        for file, text in files.items():
            (folder / file).write_text(text)
    assert sorted(files) == sorted(path.name for path in folder.iterdir())
    for file, text in files.items():
        assert text == (folder / file).read_text(), f"{file}; if it is meant: make golden"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TINY)
def test_two_runs_give_the_same_bytes(name: str, engine: str) -> None:
    assert ENGINES[engine](name) == ENGINES[engine](name)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TINY)
def test_generated_text_is_tidy(name: str, engine: str) -> None:
    for file, text in ENGINES[engine](name).items():
        assert text.endswith("\n") and not text.endswith("\n\n"), file
        assert "\n\n\n" not in text and " \n" not in text and "\t" not in text, file
        assert str(ROOT) not in text, file


def test_every_variable_that_a_template_gets_is_used() -> None:
    given = {name: keys for path in _python_files() for name, keys in _renderings(path).items()}
    environment = jinja2.Environment(line_statement_prefix="%%", line_comment_prefix="%#")
    environment.filters.update(dict.fromkeys(_filter_names(), str))
    assert given.keys() == {path.name for path in TEMPLATES.iterdir()}
    for name, variables in given.items():
        tree = environment.parse((TEMPLATES / name).read_text())
        assert variables == meta.find_undeclared_variables(tree), name


def _python_files() -> list[Path]:
    return sorted([*(ROOT / "codegen").glob("*.py"), *(ROOT / "host").glob("*.py")])


def _filter_names() -> list[str]:
    trees = [ast.parse((ROOT / "codegen" / name).read_text()) for name in ("c.py", "render.py")]
    body = [node for tree in trees for node in tree.body]
    return [node.name for node in body if isinstance(node, ast.FunctionDef)]


def _renderings(path: Path) -> dict[str, set[str]]:
    """Return the variables that each call of render("x.j2", ...) in a file passes."""
    found: dict[str, set[str]] = {}
    for function in ast.walk(ast.parse(path.read_text())):
        if not isinstance(function, ast.FunctionDef):
            continue
        records = {
            target.id: {str(ast.literal_eval(key)) for key in node.value.keys if key is not None}
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        for call in calls:
            if ast.unparse(call.func) == "render":
                found[str(ast.literal_eval(call.args[0]))] = _passed(call, records)
    return found


def _passed(call: ast.Call, records: dict[str, set[str]]) -> set[str]:
    names: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is not None:
            names.add(keyword.arg)
        else:
            assert isinstance(keyword.value, ast.Name)
            names |= records[keyword.value.id]
    return names
