"""The models' RAM stays below what they set out to need, beside TFLM with CMSIS-NN."""

from pathlib import Path

import pytest
from benchmarks import BASELINE
from commands import shared_build
from models import shared_model

from tinykit.host.record import read_record

# The most that arena, static data and stack may be together, of the other engine's.
GOALS = {
    "ad01_int8": 0.45,
    "hello_world_int8": 0.4,
    "kws_int8": 0.45,
    "micro_speech_int8": 0.6,
    "resnet8_int8": 0.62,
    "vww_int8": 0.45,
}


@pytest.mark.parametrize("name", GOALS)
def test_ram_is_below_its_goal(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = shared_build(tmp_path_factory, name, shared_model(name))
    sizes = read_record(folder).sizes
    ram_bytes = sizes.arena + sizes.static + sizes.stack_model
    assert ram_bytes <= GOALS[name] * BASELINE[name].ram_bytes
