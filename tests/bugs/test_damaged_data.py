"""A cut .npz left its file open, and a .npy was a traceback."""

from pathlib import Path

import numpy as np
import pytest

from tinykit.core.data import load_dataset
from tinykit.core.errors import TinykitError


def test_a_cut_archive_is_said_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    path.write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(TinykitError, match=r"is not a readable .npz"):
        load_dataset(path)


def test_a_single_array_is_said(tmp_path: Path) -> None:
    path = tmp_path / "d.npy"
    np.save(path, np.zeros(3))
    with pytest.raises(TinykitError, match=r"is a single array, not an .npz archive"):
        load_dataset(path)


def test_a_compressed_archive_cut_in_an_array_is_said(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).normal(size=(50, 9)))
    data = bytearray(path.read_bytes())
    data[200:260] = bytes(60)
    path.write_bytes(data)
    with pytest.raises(TinykitError, match=r"is not a readable .npz"):
        load_dataset(path)


def test_an_array_of_objects_is_said(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, x=np.array([{}, None], dtype=object))
    with pytest.raises(TinykitError, match=r"is not a readable .npz"):
        load_dataset(path)
