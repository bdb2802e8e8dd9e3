"""docs/protocol.md is enough to write a client from: an independent one of 60 lines works."""

import ast
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from faulty import Faults, FaultyLine, evenly
from models import ROOT
from native import NativeBoard, compile_stub, needs_gcc, stub_output

pytestmark = [needs_gcc, pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")]
CLIENT = ROOT / "tests" / "protocol_client.py"


def test_the_client_is_independent_and_short() -> None:
    text = CLIENT.read_text()
    tree = ast.parse(text)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert all(isinstance(node, ast.Import) for node in imports)
    assert {ast.unparse(node) for node in imports} == {
        f"import {name}" for name in ("struct", "sys", "zlib", "serial")
    }
    code = [line for line in text.partition('"""\n\n')[2].splitlines() if line.strip()]
    assert len(code) <= 60


@pytest.mark.parametrize("rate", [0.0, 2e-4])
def test_the_client_gets_the_right_answers(tmp_path: Path, rate: float) -> None:
    inputs = [random.Random(seed).randbytes(600) for seed in range(20)]
    board = NativeBoard(compile_stub(tmp_path))
    with FaultyLine(board.wire, evenly(rate)) as line:
        done = subprocess.run(
            [sys.executable, str(CLIENT), line.port, "1.0" if rate == 0 else "0.2"],
            input=b"".join(inputs),
            stdout=subprocess.PIPE,
            check=True,
        )
    board.close()
    assert done.stdout == b"".join(map(stub_output, inputs))
    assert (line.hits > 0) == (rate > 0)


def test_the_client_sees_what_a_board_refuses(tmp_path: Path) -> None:
    board = NativeBoard(compile_stub(tmp_path))
    with FaultyLine(board.wire, Faults()) as line:
        done = subprocess.run(
            [sys.executable, str(CLIENT), line.port, "1.0"], input=b"short", capture_output=True
        )
    board.close()
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"board: type 0xfe, 0600000005000000\n"  # incomplete: 5 bytes are there
