"""The folder of an interrupted run of pruning by rounds, so that it goes on."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinykit.core.errors import TinykitError
from tinykit.core.files import make_parents, write_atomic
from tinykit.host.console import plain
from tinykit.host.tried import cost_from
from tinykit.prune.load import load_model, save_model
from tinykit.prune.rounds import Left

STATE = "rounds.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class KeptRounds:
    """Hold where rounds are kept.

    Attributes:
        folder: holds rounds.json, and the network after the last round that is done.
        key: says what is pruned and how; a folder of another run is refused.
        model: the .keras file that is pruned, and a Python file with its classes or None.
        elapsed_s: tells how long this run has taken.
    """

    folder: Path
    key: str
    model: tuple[Path, Path | None]
    elapsed_s: Callable[[], float]

    def load(self) -> Left | None:
        """Return what an interrupted run left, if it left anything.

        Raises:
            TinykitError: the folder is of another run, or damaged.
        """
        path = self.folder / STATE
        if not self.folder.exists():
            return None
        try:
            state = json.loads(path.read_text())
            if (state["schema"], state["key"]) != (SCHEMA, self.key):
                raise TinykitError(
                    f"{self.folder} holds the rounds of another network, recipe, data or seed",
                    "remove it, or choose another name with -o",
                )
            rounds, cost = int(state["rounds"]), cost_from(state["cost"])
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise TinykitError(
                f"{path} is damaged ({type(error).__name__})", f"remove {self.folder}"
            ) from None
        weights = load_model(self._network(rounds), self.model[1]).get_weights()
        return Left(rounds, weights, cost)

    def save(self, model: Any, left: Left) -> None:
        """Keep what the rounds so far left, instead of what is kept."""
        make_parents(self.folder / STATE)
        save_model(model, self._network(left.rounds))
        cost = left.cost.lasting(left.cost.wall_s + self.elapsed_s())
        state = {
            "schema": SCHEMA,
            "key": self.key,
            "rounds": left.rounds,
            "cost": plain(cost),
        }
        write_atomic(self.folder / STATE, json.dumps(state, indent=1).encode())
        self._network(left.rounds - 1).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove what was kept."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _network(self, rounds: int) -> Path:
        return self.folder / f"round{rounds}.keras"
