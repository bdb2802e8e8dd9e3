"""The command that prunes: as a recipe says, or as far as a search finds that it pays."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from tinykit.core.errors import TinykitError
from tinykit.host.console import command, plain, print_json, results, say, stages
from tinykit.host.model_commands import Custom, Data, Force, Json, Keras, Output, Seed, Test

if TYPE_CHECKING:  # these need TensorFlow
    from tinykit.host.build import BuildOptions
    from tinykit.host.rounds import KeptRounds
    from tinykit.host.twin import Twin
    from tinykit.prune.keras3 import PruneReport
    from tinykit.prune.recipe import Recipe

_Places = tuple[Path, Path, Path | None, Path, Path | None, Path | None]


def prune_command(
    model: Keras,
    data: Data,
    output: Output,
    test: Test = None,
    recipe: Annotated[str, typer.Option(help="By name; see docs/pruning.md.")] = "gradual",
    sparsity: Annotated[
        float | None, typer.Option(help="The share of weights that become 0.")
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            help="One threshold for all layers (global), one a layer, or shares by its shape (erk)."
        ),
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="weights, blocks as 4x1, N:M as 2:4, or channels.")
    ] = None,
    criterion: Annotated[
        str | None, typer.Option(help="What goes first: by magnitude, random, or snip.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option(help="cubic, constant, one-shot or regrow.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="Of pruning at once and training.")] = None,
    tries: Annotated[
        int | None, typer.Option(min=1, help="At most, until one loses nothing; the best is kept.")
    ] = None,
    fresh_epochs: Annotated[
        int | None,
        typer.Option(min=0, help="Before every try but the first, train the network anew so long."),
    ] = None,
    early: Annotated[
        Path | None,
        typer.Option(help="Weights to rewind to, of tinykit train --early."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="A layer that stays dense, a name or a pattern.")
    ] = None,
    pin: Annotated[
        list[str] | None, typer.Option(help="A layer with a sparsity of its own: NAME=0.5.")
    ] = None,
    teacher_share: Annotated[
        float | None, typer.Option(help="How much the dense network's answers count (0 to 1).")
    ] = None,
    clusters: Annotated[
        int | None, typer.Option(help="Values that each kernel may have, with --backend tfmot.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data.")] = None,
    aware_epochs: Annotated[
        int | None, typer.Option(min=0, help="Passes at the end that know of the rounding to int8.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Samples a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Adam's, at the start.")] = None,
    max_drop: Annotated[
        float | None,
        typer.Option(help="Search the cheapest network that loses at most so many points."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="Search the best that costs at most flash=20k, instructions=400k, ram=8k."
        ),
    ] = None,
    board: Annotated[
        str | None, typer.Option("--board", "-b", help="What the search, or --twin, compiles for.")
    ] = None,
    optimize: Annotated[
        str | None, typer.Option(help="How it compiles: size, balanced (default) or speed.")
    ] = None,
    backend: Annotated[
        str, typer.Option(help="What prunes: keras, or tfmot, a library to install.")
    ] = "keras",
    twin: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Beside it train a dense network of the same flash bytes, for so many epochs.",
        ),
    ] = None,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="The model is untrained, and meant to be.")
    ] = False,
    seed: Seed = 0,
    custom: Custom = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Prune a network while fine-tuning it; a recipe says how, options change it."""
    from tinykit.core.files import refuse_overwrite
    from tinykit.host.recipes import Changes, chosen_recipe

    refuse_overwrite(output, force)
    changes = Changes(
        sparsity=sparsity,
        scope=scope,
        pattern=pattern,
        criterion=criterion,
        schedule=schedule,
        rounds=rounds,
        tries=tries,
        fresh_epochs=fresh_epochs,
        exclude=tuple(exclude or ()),
        pin=tuple(pin or ()),
        teacher_share=teacher_share,
        clusters=clusters,
        epochs=epochs,
        aware_epochs=aware_epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
    )
    how = chosen_recipe(recipe, changes)
    places = (model, data, test, output, custom, early)
    wanted = _Wanted(max_drop, tuple(target or ()), board, optimize, backend)
    if max_drop is not None or target:
        _refuse_beside_a_search(sparsity, twin)
        _search(places, how, wanted, seed, from_scratch, json)
        return
    if twin is None:
        _refuse_without_a_search(board, optimize)
    report, beside = _prune(places, how, wanted, twin, seed, from_scratch)
    if json:
        print_json({"model": output, "recipe": recipe, **_plain(report), "twin": beside})
        return
    _show(report, beside)
    step = command("quantize", output, "--data", data, "-o", "model.tflite")
    say(f"wrote {output}; next: {step}")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Hold the options of a search, some of which a twin takes too."""

    max_drop: float | None
    targets: tuple[str, ...]
    board: str | None
    optimize: str | None
    backend: str


def _prune(
    places: _Places,
    how: "Recipe",
    wanted: _Wanted,
    twin: int | None,
    seed: int,
    from_scratch: bool,
) -> tuple["PruneReport", "Twin | None"]:
    """Prune once, and train a dense twin for so many epochs, if any."""
    from tinykit.host.networks import load_split, prune
    from tinykit.host.settings import chosen_board
    from tinykit.host.twin import Place, train_twin
    from tinykit.prune.load import load_model

    model, data, test, output, custom, early = places
    place = None
    if twin is not None:  # refused before anything is trained
        place = Place(chosen_board(wanted.board), _options(wanted), custom)
    keep = _kept_rounds(places, how, seed) if how.rounds > 1 else None
    with stages() as progress, _resumable("" if keep is None else "the rounds that are done"):
        split = load_split(data, test, seed)
        files = (model, output, custom, early)
        report = prune(files, split, how, seed, from_scratch, wanted.backend, progress, keep)
        if keep is not None:
            keep.remove()
        if twin is None or place is None:
            return report, None
        shape = load_model(model, custom)
        return report, train_twin(shape, output, split, how, twin, seed, place, progress)


def _kept_rounds(places: _Places, how: "Recipe", seed: int) -> "KeptRounds":
    """Return where rounds are kept; refuses those of another run."""
    from tinykit.host.rounds import KeptRounds
    from tinykit.host.tried import key_of
    from tinykit.host.version import VERSION

    model, data, test, output, custom, early = places
    files = [path for path in (model, data, test, custom, early) if path is not None]
    for path in files:
        if not path.is_file():
            raise TinykitError(f"{path} does not exist", "give the name of a file")
    started_s = monotonic()
    keep = KeptRounds(
        output.with_suffix(".rounds"),
        key_of(*files, how, seed, VERSION),
        (model, custom),
        lambda: monotonic() - started_s,
    )
    keep.load()
    return keep


def _show(report: "PruneReport", twin: "Twin | None") -> None:
    from tinykit.host.show import pruning
    from tinykit.host.show_cost import assumption_of
    from tinykit.host.show_twin import twins

    results().print(pruning(report))
    if twin is not None:
        results().print(twins(twin))
    say(assumption_of(report.cost))


@contextmanager
def _resumable(what: str) -> Iterator[None]:
    """Say after Ctrl-C that the same command goes on with something, if there is anything."""
    try:
        yield
    except KeyboardInterrupt:
        if what:
            say(f"the same command goes on with {what}")
        raise


def _options(wanted: _Wanted) -> "BuildOptions":
    from tinykit.host.settings import build_options

    return build_options(None, None, wanted.optimize, None, None, False, False)


def _search(
    places: _Places,
    how: "Recipe",
    wanted: _Wanted,
    seed: int,
    from_scratch: bool,
    json: bool,
) -> None:
    from tinykit.host.search import Search, search
    from tinykit.host.settings import chosen_board, wired
    from tinykit.host.show_cost import assumption_of
    from tinykit.host.show_search import found, trial_line
    from tinykit.host.targets import parse_targets

    model, data, test, output, custom, early = places
    options = _options(wanted)
    task = Search(
        model=model,
        data=data,
        test=test,
        recipe=how,
        board=wired(chosen_board(wanted.board), options),
        options=options,
        max_drop=wanted.max_drop,
        targets=parse_targets(list(wanted.targets)),
        output=output,
        seed=seed,
        custom=custom,
        early=early,
        from_scratch=from_scratch,
        backend=wanted.backend,
    )
    with stages() as progress, _resumable("what was tried so far"):
        report = search(task, progress, lambda trial: say(trial_line(trial)))
    if json:
        print_json(report)
        return
    results().print(found(report))
    say(assumption_of(report.cost))
    say(
        f"wrote {output} and {report.picture}; next: tinykit quantize {output} --data {data} -o ..."
    )


def _refuse_beside_a_search(sparsity: float | None, twin: int | None) -> None:
    if twin is not None:
        raise TinykitError(
            f"--twin {twin} beside --max-drop or --target, which train on less of the data",
            "leave it out, and prune again with --twin and the --sparsity that the search takes",
        )
    if sparsity is not None:
        raise TinykitError(
            f"--sparsity {sparsity:g} beside --max-drop or --target, which search for it",
            "leave --sparsity out",
        )


def _refuse_without_a_search(board: str | None, optimize: str | None) -> None:
    for option, value in (("board", board), ("optimize", optimize)):
        if value is not None:
            raise TinykitError(
                f"--{option} {value} has nothing to do without a search",
                "add --max-drop 0.5 or --twin 30, or leave it out",
            )


def _plain(report: object) -> dict[str, object]:
    made = plain(report)
    assert isinstance(made, dict)
    return made
