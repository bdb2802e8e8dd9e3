"""build.json: what flash, emulate, verify and bench need to know of a build folder."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tinykit.core.board import Board, linked_by, load_board
from tinykit.core.errors import TinykitError

FILE_NAME = "build.json"
SCHEMA = 3
FILES = frozenset({"model", "board", "elf", "bin", "hex", "map", "plan"})


@dataclass(frozen=True, slots=True)
class PortRecord:
    """Hold an input or output tensor.

    Scale and zero point are None for float tensors, the offset where the engine finds it on the
    board.
    """

    name: str
    shape: list[int]
    dtype: str
    scale: float | None
    zero_point: int | None
    offset: int | None
    bytes: int


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """Hold how the host reaches the board; no pins on one that only an emulator has.

    `usb` tells that the board's USB port carries the link.
    """

    baud: int
    tx_pin: str | None
    rx_pin: str | None
    usb: bool


@dataclass(frozen=True, slots=True)
class SizeRecord:
    """Hold the sizes of an image in bytes.

    Attributes:
        weights: every table of the model in flash.
        code: kernels, generated calls and compiler support.
        app: start-up, link and application in flash.
        flash: the sum of these.
        arena: the model's arena in RAM.
        static: other variables of the model.
        app_ram: variables of start-up, link and application.
        stack: reserved for the stack.
        stack_model: the most that the model can need of it, from frame sizes and the call graph.
        stack_most: the same of the whole image, without faults.
        ram: the sum of these.
        flash_free, ram_free: what is left on the board.
    """

    weights: int
    code: int
    app: int
    flash: int
    arena: int
    static: int
    app_ram: int
    stack: int
    stack_model: int
    stack_most: int
    ram: int
    flash_free: int
    ram_free: int


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """Hold what build.json says; `library` is the user's own that the engine is linked with."""

    schema: int
    model: str
    digest: str
    build_id: str
    board: str
    engine: str
    library: str
    app: str
    toolchain: str
    optimize: str
    encoding: str
    dsp: bool
    keep_input: bool
    trace: bool
    files: dict[str, str]
    image_bytes: int
    image_crc32: int
    removed_channels: int
    sizes: SizeRecord
    link: LinkRecord
    inputs: list[PortRecord]
    outputs: list[PortRecord]

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read_record(folder: Path) -> BuildRecord:
    """Read a build folder.

    Raises:
        TinykitError: no such folder, no build.json in it, or one that is damaged or of another
            version of tinykit.
    """
    path = folder / FILE_NAME
    hint = "make one: tinykit build MODEL.tflite --board nano33"
    if not folder.is_dir():
        raise TinykitError(f"{folder} is not a folder", hint)
    if not path.is_file():
        raise TinykitError(f"{folder} is not a build folder, it has no {FILE_NAME}", hint)
    try:
        values = json.loads(path.read_text())
        if values["schema"] != SCHEMA:
            raise TinykitError(
                f"{path} has schema {values['schema']}, this tinykit reads {SCHEMA}",
                "build again: tinykit build",
            )
        record = _from_json(values)
    except (ValueError, KeyError, TypeError) as error:
        raise TinykitError(f"{path} is damaged: {error}", "build again: tinykit build") from error
    for name in record.files.values():
        if not (folder / name).is_file():
            raise TinykitError(f"{folder / name} is missing", "build again: tinykit build")
    return record


def built_board(folder: Path, record: BuildRecord) -> Board:
    """Return the board that a folder was built for, as it was then, with the link of that build."""
    return linked_by(
        load_board(folder / record.files["board"]), "usb" if record.link.usb else "uart"
    )


def planned_layers(folder: Path, record: BuildRecord) -> list[dict[str, Any]]:
    """Return what plan.json says of each layer; that of the native engine says most."""
    layers: list[dict[str, Any]] = json.loads((folder / record.files["plan"]).read_text())["layers"]
    return layers


def _from_json(values: dict[str, Any]) -> BuildRecord:
    expected = {field.name for field in fields(BuildRecord)}
    if set(values) != expected:
        raise KeyError(", ".join(sorted(set(values) ^ expected)))
    if set(values["files"]) - {"uf2"} != FILES:
        raise KeyError("files")
    return BuildRecord(
        **{
            **values,
            "sizes": SizeRecord(**values["sizes"]),
            "link": LinkRecord(**values["link"]),
            "inputs": [PortRecord(**port) for port in values["inputs"]],
            "outputs": [PortRecord(**port) for port in values["outputs"]],
        }
    )
