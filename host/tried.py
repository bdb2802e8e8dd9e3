"""The folder of a search: every network that was tried, so that an interrupted search goes on."""

import hashlib
import json
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tinykit.core.errors import TinykitError
from tinykit.core.files import make_parents, write_atomic
from tinykit.core.score import Metric, Score
from tinykit.host.console import plain
from tinykit.prune.kernels import LeftDense
from tinykit.prune.search import Price, Trial
from tinykit.train.meter import TrainingCost

STATE = "search.json"
SCHEMA = 2


@dataclass(frozen=True, slots=True)
class Tried:
    """Hold a search's folder.

    Attributes:
        folder: holds search.json and the networks.
        key: says what was searched; a folder of another search is refused.
    """

    folder: Path
    key: str

    def load(self) -> list[Trial]:
        """Return what was tried before.

        Raises:
            TinykitError: the folder is of another search, or damaged.
        """
        path = self.folder / STATE
        if not path.exists():
            if self.folder.exists():
                raise TinykitError(
                    f"{self.folder} is there, and holds no {STATE}",
                    "move it away, or choose another name with -o",
                )
            return []
        try:
            state = json.loads(path.read_text())
            if (state["schema"], state["key"]) != (SCHEMA, self.key):
                raise TinykitError(
                    f"{self.folder} holds the search of another network, recipe, board or seed",
                    "remove it, or choose another name with -o",
                )
            trials = [_trial(each) for each in state["trials"]]
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise TinykitError(
                f"{path} is damaged ({type(error).__name__})", f"remove {self.folder}"
            ) from None
        return [trial for trial in trials if self.network(trial.kept).is_file()]

    def add(self, trials: list[Trial]) -> None:
        """Note what was tried, whole or not at all."""
        state = {"schema": SCHEMA, "key": self.key, "trials": plain(trials)}
        write_atomic(self.folder / STATE, json.dumps(state, indent=1).encode())

    def network(self, kept: float) -> Path:
        """Return where the network that keeps this share lies."""
        return self.folder / f"{kept:.6f}.keras"

    def make(self) -> None:
        """Make the folder."""
        make_parents(self.folder / STATE)

    def remove(self) -> None:
        """Remove what this search made."""
        shutil.rmtree(self.folder)


def key_of(*parts: object) -> str:
    """Return a digest of what decides a search: files by their bytes, the rest by what it says."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else repr(part).encode()
        digest.update(f"{type(part).__name__} {len(data)} ".encode() + data)
    return digest.hexdigest()


def _trial(given: dict[str, Any]) -> Trial:
    score = given["score"]
    return Trial(
        float(given["kept"]),
        int(given["weights"]),
        int(given["zeros"]),
        Score(Metric(score["metric"]), float(score["value"]), int(score["samples"])),
        Price(**{name: int(value) for name, value in given["price"].items()}),
        cost_from(given["cost"]),
        tuple(LeftDense(**each) for each in given["left_dense"]),
    )


def cost_from(given: dict[str, Any]) -> TrainingCost:
    """Read what training took, as it is written as JSON."""
    values = {each.name: given[each.name] for each in fields(TrainingCost) if each.init}
    return TrainingCost(**{**values, "uncounted": tuple(values["uncounted"])})
