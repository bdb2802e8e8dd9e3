"""Fixtures that many tests share."""

from pathlib import Path

import pytest
import tiny
from batch import kernel_objects
from commands import Tinykit, shared_build


@pytest.fixture
def tinykit(capsys: pytest.CaptureFixture[str]) -> Tinykit:
    """Give the command line."""
    return Tinykit(capsys)


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Give the object files that tests/batch.py links models with."""
    return kernel_objects(tmp_path_factory)


@pytest.fixture(scope="session")
def dense_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a build folder of a tiny dense network."""
    return shared_build(tmp_path_factory, "dense", tiny.dense())


@pytest.fixture(scope="session")
def image_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a build folder of a tiny convolution network."""
    return shared_build(tmp_path_factory, "image", tiny.image())
