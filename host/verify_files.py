"""The files that a verification leaves: run.json, JUnit XML, a CSV with a line an input."""

import contextlib
import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

from tinykit.core.errors import TinykitError
from tinykit.core.files import atomic_path, refuse_overwrite, write_atomic
from tinykit.host.console import plain
from tinykit.host.show_verify import mismatch_text
from tinykit.host.tally import Answer, Compared, Mismatch, Tally
from tinykit.host.verify import VerifyReport, Watch
from tinykit.host.version import VERSION

SCHEMA = 1
COLUMNS = (
    "input",
    "label",
    "answer",
    "time_us",
    "mismatches",
    "layer",
    "tensor",
    "element",
    "expected",
    "found",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold where to write what; None where nothing is wanted."""

    run: Path | None
    junit: Path | None
    csv: Path | None

    def refuse(self, force: bool) -> None:
        """Raise TinykitError if a file is there already, before anything is run."""
        paths = [path for path in (self.run, self.junit, self.csv) if path is not None]
        for path in paths:
            refuse_overwrite(path, force)
        if len({path.resolve() for path in paths}) < len(paths):
            raise TinykitError("--run, --junit and --csv name one file", "give each its own")


@contextmanager
def csv_watch(path: Path | None) -> Iterator[list[Watch]]:
    """Write a line for each input as it is answered; the file is there when the run has ended."""
    if path is None:
        yield []
        return
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(atomic_path(path))
        file = stack.enter_context(temporary.open("w", newline="", encoding="utf-8"))
        yield [_Lines(file)]


class _Lines(Watch):
    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def counted(self, _tally: Tally, answer: Answer) -> None:
        first = answer.mismatches[0] if answer.mismatches else None
        head = (answer.sample, answer.label, answer.said, answer.time_us, len(answer.mismatches))
        self._writer.writerow((*head, *_columns(first)))


def _columns(first: Mismatch | None) -> tuple[object, ...]:
    if first is None:
        return ("",) * 5
    return first.layer, first.tensor, first.element, first.expected, first.found


def write_reports(wanted: Wanted, report: VerifyReport) -> None:
    """Write run.json and the JUnit file, as far as they are wanted."""
    if wanted.run is not None:
        write_atomic(wanted.run, run_json(report).encode())
    if wanted.junit is not None:
        write_atomic(wanted.junit, junit(report))


def run_json(report: VerifyReport) -> str:
    """Return what --json prints, with the version of the file and of tinykit before it."""
    record = {"schema": SCHEMA, "tinykit": VERSION, **plain(report)}
    return json.dumps(record, indent=1) + "\n"


def junit(report: VerifyReport) -> bytes:
    """Return a test suite: a case for each tensor that was compared."""
    suite = ElementTree.Element(
        "testsuite",
        name=f"tinykit verify {report.model} {report.board}",
        tests=str(len(report.compared)),
        failures=str(sum(each.mismatches > 0 for each in report.compared)),
        time=f"{report.seconds:.3f}",
    )
    for each in report.compared:
        classname = f"{report.board}.{report.model}"
        case = ElementTree.SubElement(suite, "testcase", classname=classname, name=_name(each))
        if each.mismatches:
            _fail(case, report, each)
    ElementTree.indent(suite)
    text: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _name(compared: Compared) -> str:
    """Name a case in characters that XML knows."""
    name = f"layer {compared.layer}, tensor" if compared.layer else "output"
    return "".join(c if c.isprintable() else "?" for c in f"{name} {compared.tensor}")


def _fail(case: ElementTree.Element, report: VerifyReport, compared: Compared) -> None:
    message = f"{compared.mismatches} of {report.inputs} inputs differ from the oracle"
    failure = ElementTree.SubElement(case, "failure", message=message)
    place = (compared.layer, compared.tensor)
    failure.text = "\n".join(
        mismatch_text(each) for each in report.differences if (each.layer, each.tensor) == place
    )
