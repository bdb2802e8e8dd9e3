"""The back ends that prune, behind one interface."""

from typing import Any, Protocol

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.prune.keras3 import PruneReport, prune_model
from tinykit.prune.recipe import Recipe
from tinykit.prune.rounds import Keep, Weights
from tinykit.prune.tfmot import prune_by_tfmot
from tinykit.train.progress import Progress, no_progress


class Backend(Protocol):
    """Prune a Keras 3 model in place; see `prune_model` for the arguments."""

    def __call__(
        self,
        model: Any,
        train: DataSet,
        test: DataSet,
        recipe: Recipe,
        seed: int = 0,
        progress: Progress = no_progress,
        early: Weights | None = None,
        keep: Keep | None = None,
    ) -> PruneReport:
        """Prune, and report."""


BACKENDS: dict[str, Backend] = {"keras": prune_model, "tfmot": prune_by_tfmot}


def backend_named(name: str) -> Backend:
    """Return a back end.

    Raises:
        TinykitError: there is none of that name.
    """
    if name not in BACKENDS:
        raise TinykitError(f"no back end '{name}'", f"--backend {' or '.join(BACKENDS)}")
    return BACKENDS[name]
