"""Prune with tensorflow-model-optimization, in a child process: importing it changes Keras."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.prune.distill import taught
from tinykit.prune.keras3 import PruneReport, layer_zeros
from tinykit.prune.kernels import LeftDense, find_kernels
from tinykit.prune.masks import Scope
from tinykit.prune.pattern import Blocks, KeepSome, WholeChannels
from tinykit.prune.rebuild import refuse_what_has_no_twin
from tinykit.prune.recipe import Recipe, refuse_bad_recipe
from tinykit.prune.rounds import Keep, Weights
from tinykit.prune.schedule import Growth, schedule_for
from tinykit.train.backend import import_keras
from tinykit.train.fit import refuse_misfit
from tinykit.train.loss import choose_loss, refuse_misfit_loss, shaped_labels
from tinykit.train.meter import dense_cost, teaching_cost
from tinykit.train.predict import evaluate, predict
from tinykit.train.progress import Progress, no_progress

INSTALL = "pip install 'tinykit-mcu[tfmot]'"
LAST_WORDS = 3
COMPARED = 32  # samples, on which the rebuilt network must answer the same


@dataclass(frozen=True, slots=True)
class Order:
    """Hold what the child is asked for.

    Attributes:
        epochs, batch_size, learning_rate: of the pruning.
        every, last: optimizer steps between updates, and that of the last one.
        constant: whether the sparsity is the final one from the start.
        sparsity: for each kernel's layer by name, the share of zeros; absent ones stay dense.
        block: inputs by outputs.
        kept, group: of N:M; 0 without.
        clusters: how many values a kernel may have; 0 for any.
        cluster_epochs: in which they are trained.
        aware_epochs: of quantization-aware training that preserves the zeros and the clusters.
        loss: the name of a loss class, and whether the outputs are logits.
        logits: they are.
        seed: of everything.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    every: int
    last: int
    constant: bool
    sparsity: dict[str, float]
    block: tuple[int, int]
    kept: int
    group: int
    clusters: int
    cluster_epochs: int
    aware_epochs: int
    loss: str
    logits: bool
    seed: int


def prune_by_tfmot(
    model: Any,
    train: DataSet,
    test: DataSet,
    recipe: Recipe,
    seed: int = 0,
    progress: Progress = no_progress,
    early: Weights | None = None,
    keep: Keep | None = None,  # noqa: ARG001  it has no rounds
) -> PruneReport:
    """Prune a Keras 3 model in place with tfmot; the arguments are those of `prune_model`.

    The model is built again in tf_keras, compared layer by layer, pruned there, and its weights
    are brought back.

    Raises:
        TinykitError: tfmot cannot do what the recipe says, or not to this model.
        CheckFailedError: a layer computes something else in tf_keras.
        MissingToolError: tfmot is not installed.
    """
    keras = import_keras()
    _refuse_without_tfmot()
    keras.utils.set_random_seed(seed)
    refuse_bad_recipe(recipe)
    _refuse_what_tfmot_cannot(recipe, early)
    refuse_misfit(model, train, "the data")
    refuse_misfit(model, test, "the test data")
    refuse_what_has_no_twin(model)
    loss = model.loss if getattr(model, "compiled", False) else choose_loss(model, train)
    refuse_misfit_loss(loss, model, train, "the model")
    cost = dense_cost(model, len(train) * _epochs(recipe))
    if recipe.teacher_share > 0:
        cost += teaching_cost(model, len(train))
        train, loss = taught(model, train, recipe.teacher_share), "categorical_crossentropy"
    order = _order(model, train, recipe, loss, seed)
    before = evaluate(model, test)
    skipped = _run_child(model, train, order, progress)
    prunable = find_kernels(model, recipe.exclude)
    layers = tuple(layer_zeros(k) for k in prunable.kernels if _layer_of(k.name) not in skipped)
    left = tuple(
        LeftDense(k.name, k.variable.numpy().size, skipped[_layer_of(k.name)])
        for k in prunable.kernels
        if _layer_of(k.name) in skipped
    )
    left = (*prunable.left_dense, *left)
    return PruneReport(before, evaluate(model, test), layers, left, cost)


def _epochs(recipe: Recipe) -> int:
    """Return how often the child goes over the data."""
    clustering = cluster_epochs(recipe.epochs) if recipe.clusters else 0
    return recipe.epochs + clustering + recipe.aware_epochs


def cluster_epochs(epochs: int) -> int:
    """Return how many epochs follow those of pruning while weights share values."""
    return max(1, epochs // 4)


def _order(model: Any, train: DataSet, recipe: Recipe, loss: Any, seed: int) -> Order:
    schedule = schedule_for(recipe.epochs, len(train), recipe.batch_size, recipe.growth)
    pattern = recipe.pattern
    kernels = find_kernels(model, recipe.exclude).kernels
    name, logits = _loss_name(loss)
    return Order(
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        every=schedule.every,
        last=schedule.last,
        constant=recipe.growth is Growth.CONSTANT,
        sparsity={_layer_of(kernel.name): recipe.share_of(kernel.name) for kernel in kernels},
        block=(pattern.inputs, pattern.outputs) if isinstance(pattern, Blocks) else (1, 1),
        kept=pattern.kept if isinstance(pattern, KeepSome) else 0,
        group=pattern.group if isinstance(pattern, KeepSome) else 0,
        clusters=recipe.clusters,
        cluster_epochs=cluster_epochs(recipe.epochs),
        aware_epochs=recipe.aware_epochs,
        loss=name,
        logits=logits,
        seed=seed,
    )


def _layer_of(kernel: str) -> str:
    """Return the name of the outermost layer that a kernel lies in."""
    return kernel.split("/")[0]


def _loss_name(loss: Any) -> tuple[str, bool]:
    """Return the class of a loss, and whether it takes logits."""
    import keras

    made = keras.losses.get(loss)
    words = getattr(made, "__name__", type(made).__name__)  # a function, or an object
    name = "".join(part.capitalize() for part in words.split("_")) if "_" in words else words
    if not hasattr(keras.losses, name):
        raise TinykitError(f"tfmot does not know the loss {words}", "--backend keras")
    return name, bool(getattr(made, "_fn_kwargs", {}).get("from_logits", False))


def _run_child(model: Any, train: DataSet, order: Order, progress: Progress) -> dict[str, str]:
    """Prune in a child process; returns the layers that it left dense, and why."""
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        folder = Path(name)
        model.save(folder / "model.keras")
        (folder / "order.json").write_text(json.dumps(asdict(order)))
        _save_samples(folder, model, train)
        # -P: what lies in the user's folder must not shadow a module of ours.
        command = [sys.executable, "-P", "-m", "tinykit.prune.tfmot_child", name]
        environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
        with (folder / "said.txt").open("wb") as said:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=environment,
            )
            try:
                _follow(child, progress)
            except BaseException:
                child.kill()
                child.wait()
                raise
        if child.wait() != 0:
            raise _explain(folder, child.returncode)
        with np.load(folder / "weights.npz") as archive:
            model.set_weights([archive[f"w{place}"] for place in range(len(model.weights))])
        skipped: dict[str, str] = json.loads((folder / "skipped.json").read_text())
        return skipped


def _save_samples(folder: Path, model: Any, train: DataSet) -> None:
    assert train.y is not None
    labels: NDArray[Any] = shaped_labels(predict(model, train.x[:1]).shape[1:], train.y)
    np.savez(folder / "train.npz", x=train.x, y=labels)


def _follow(child: "subprocess.Popen[str]", progress: Progress) -> None:
    assert child.stdout is not None
    with child.stdout:
        for line in child.stdout:
            if line.startswith("{"):
                told = json.loads(line)
                progress(told["stage"], told["done"], told["text"])


def _explain(folder: Path, status: int) -> TinykitError:
    path = folder / "error.json"
    if path.exists():
        reason = json.loads(path.read_text())
        kind = CheckFailedError if reason["status"] == 1 else TinykitError
        return kind(reason["message"], reason["hint"])
    said = (folder / "said.txt").read_text(errors="replace").strip().splitlines()
    how = f"crashed ({signal.Signals(-status).name})" if status < 0 else f"ended with {status}"
    words = " ".join(said[-LAST_WORDS:]) or "it said nothing"
    return TinykitError(f"tfmot {how}: {words}", "--backend keras prunes the same network")


def _refuse_without_tfmot() -> None:
    missing = [n for n in ("tf_keras", "tensorflow_model_optimization") if find_spec(n) is None]
    if missing:
        raise MissingToolError(f"{', '.join(missing)} is not installed", INSTALL)


def _refuse_what_tfmot_cannot(recipe: Recipe, early: Sequence[Any] | None) -> None:
    cannot = {
        "training that is sparse from the start": recipe.from_start,
        "one threshold for the network, nor shares by shape": recipe.scope is not Scope.LAYER
        and not isinstance(recipe.pattern, KeepSome),
        "rounds, or pruning all at once": recipe.growth is Growth.ONE_SHOT or early is not None,
        "several tries": recipe.tries > 1,
        "whole channels": isinstance(recipe.pattern, WholeChannels),
    }
    for what, asked in cannot.items():
        if asked:
            raise TinykitError(
                f"tfmot has no {what}", "--backend keras; or --recipe layers, which tfmot knows"
            )
