"""How a network is pruned: every recipe is a row of a table."""

from dataclasses import dataclass, replace

from tinykit.core.errors import TinykitError
from tinykit.prune.criterion import Criterion
from tinykit.prune.kernels import fits
from tinykit.prune.masks import Scope
from tinykit.prune.pattern import WEIGHTS, Blocks, KeepSome, Pattern, WholeChannels
from tinykit.prune.schedule import AT_ONCE, Growth
from tinykit.train.task import Settings


@dataclass(frozen=True, slots=True)
class Pin:
    """Give the layers of a name or pattern a sparsity of their own."""

    pattern: str
    sparsity: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hold how a network is pruned.

    Attributes:
        sparsity: the share of kernel weights, or of channels, that becomes zero (above 0, below 1);
            with a pattern of N:M that says it.
        scope: where the threshold applies.
        epochs: passes over the data while pruning and recovering, in each round.
        batch_size: samples a step.
        learning_rate: Adam's, at the start; it falls to zero along a cosine, in each round.
        teacher_share: how much the dense network's own answers count for against the labels (0 to
            1); above 0 the model must be a classifier that ends in a softmax.
        pattern: which weights become zero together.
        criterion: what the least important ones are chosen by.
        growth: when they become zero, within a round.
        rounds: how often it is pruned and trained; each keeps the same share of what was left.
        tries: how often it is pruned at most, until a try loses nothing on samples held out.
        fresh_epochs: passes that train the network anew before every try but the first, from other
            random weights; 0 if all tries prune the same network.
        rewind: every round starts from early weights, not from those that the last one ended with.
        exclude: names or patterns of layers that stay dense.
        pinned: layers with a sparsity of their own.
        aware_epochs: passes at the end that train the weights as int8 will round them.
        clusters: how many values each kernel may have, zero among them; 0 for any (tfmot only).
    """

    sparsity: float = 0.9
    scope: Scope = Scope.GLOBAL
    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 2e-3
    teacher_share: float = 0.0
    pattern: Pattern = WEIGHTS
    criterion: Criterion = Criterion.MAGNITUDE
    growth: Growth = Growth.CUBIC
    rounds: int = 1
    tries: int = 1
    fresh_epochs: int = 0
    rewind: bool = False
    exclude: tuple[str, ...] = ()
    pinned: tuple[Pin, ...] = ()
    aware_epochs: int = 0
    clusters: int = 0

    @property
    def final(self) -> float:
        """Return the share of zeros at the end."""
        if isinstance(self.pattern, KeepSome):
            return 1 - self.pattern.kept / self.pattern.group
        return self.sparsity

    @property
    def from_start(self) -> bool:
        """Tell whether it trains an untrained network, sparse from the first step."""
        return self.criterion is not Criterion.MAGNITUDE or self.growth is Growth.REGROW

    def share_of(self, name: str) -> float:
        """Return the share of zeros of a kernel; the last pin that fits it counts."""
        found = [pin.sparsity for pin in self.pinned if fits(name, pin.pattern)]
        return found[-1] if found else self.final

    def with_sparsity(self, sparsity: float) -> "Recipe":
        """Return the same recipe with another share of zeros."""
        return replace(self, sparsity=sparsity)


RECIPES = {
    "gradual": Recipe(),
    "layers": Recipe(scope=Scope.LAYER),
    "constant": Recipe(growth=Growth.CONSTANT),
    "one-shot": Recipe(growth=Growth.ONE_SHOT),
    "iterative": Recipe(growth=Growth.ONE_SHOT, rounds=6, epochs=8),
    # Frankle et al., "Linear mode connectivity and the lottery ticket hypothesis", 2020
    "lottery": Recipe(growth=Growth.ONE_SHOT, rounds=6, epochs=8, rewind=True),
    "2:4": Recipe(pattern=KeepSome(2, 4)),
    "1:4": Recipe(pattern=KeepSome(1, 4)),
    "blocks": Recipe(pattern=Blocks(1, 4)),
    "tiles": Recipe(pattern=Blocks(4, 1)),
    "channels": Recipe(pattern=WholeChannels(), sparsity=0.5),
    "taught": Recipe(teacher_share=0.7),
    "aware": Recipe(aware_epochs=5),
    # These three start from an untrained network.
    "erk": Recipe(scope=Scope.ERK, criterion=Criterion.RANDOM, growth=Growth.ONE_SHOT),
    "snip": Recipe(criterion=Criterion.SNIP, growth=Growth.ONE_SHOT),
    "rigl": Recipe(scope=Scope.ERK, criterion=Criterion.RANDOM, growth=Growth.REGROW),
}


def recipe_for(settings: Settings) -> Recipe:
    """Return how a task wants to be pruned."""
    return Recipe(
        settings.sparsity,
        Scope(settings.prune_scope),
        settings.prune_epochs,
        settings.batch_size,
        settings.prune_learning_rate,
        settings.teacher_share,
        growth=Growth(settings.prune_schedule),
        tries=settings.prune_tries,
        fresh_epochs=settings.prune_fresh_epochs,
    )


def recipe_named(name: str) -> Recipe:
    """Return a recipe of the table.

    Raises:
        TinykitError: it has none of that name.
    """
    if name not in RECIPES:
        raise TinykitError(f"no recipe '{name}'", f"--recipe {', '.join(RECIPES)}")
    return RECIPES[name]


def parse_pin(text: str) -> Pin:
    """Read NAME=SPARSITY.

    Raises:
        TinykitError: it is none.
    """
    pattern, equals, number = text.rpartition("=")
    try:
        sparsity = float(number)
    except ValueError:
        equals = ""
    if not equals or not pattern:
        raise TinykitError(f"'{text}' pins no layer", "--pin 'dense*=0.5' pins it to 50 % zeros")
    return Pin(pattern, sparsity)


def refuse_bad_recipe(recipe: Recipe) -> None:
    """Refuse numbers that make no sense.

    Raises:
        TinykitError: naming one.
    """
    for sparsity in (recipe.sparsity, *(pin.sparsity for pin in recipe.pinned)):
        if not 0 < sparsity < 1:
            raise TinykitError(
                f"a sparsity of {sparsity:g} is not between 0 and 1",
                "--sparsity 0.9 prunes to 90 % zeros",
            )
    if not 0 <= recipe.teacher_share <= 1:
        raise TinykitError(
            f"a teacher share of {recipe.teacher_share:g} is not between 0 and 1",
            "0 leaves the teacher out",
        )
    if recipe.epochs < 1 or recipe.batch_size < 1 or not recipe.learning_rate > 0:
        raise TinykitError(
            f"{recipe.epochs} epochs in batches of {recipe.batch_size} at a rate of "
            f"{recipe.learning_rate:g}",
            "all three must be above zero",
        )
    _refuse_bad_rounds(recipe)
    _refuse_bad_start(recipe)
    _refuse_pins_without_use(recipe)


def _refuse_bad_rounds(recipe: Recipe) -> None:
    if recipe.aware_epochs < 0:
        raise TinykitError(
            f"{recipe.aware_epochs} epochs aware of int8", "0 leaves them out: --aware-epochs 0"
        )
    if recipe.clusters != 0 and not 2 <= recipe.clusters <= 256:
        raise TinykitError(
            f"{recipe.clusters} clusters of weights", "2 to 256, or 0 to leave them as they are"
        )
    if recipe.rounds < 1:
        raise TinykitError(f"{recipe.rounds} rounds of pruning", "at least one: --rounds 6")
    if recipe.tries < 1 or (recipe.tries > 1 and (recipe.rounds > 1 or recipe.from_start)):
        raise TinykitError(
            f"{recipe.tries} tries of pruning",
            "--tries 4, without rounds and from a trained model",
        )
    if recipe.fresh_epochs < 0 or (recipe.fresh_epochs > 0 and recipe.tries == 1):
        raise TinykitError(
            f"{recipe.fresh_epochs} fresh epochs before every try but the first",
            "--tries 4 --fresh-epochs 15",
        )
    if recipe.rounds > 1 and recipe.growth is not Growth.ONE_SHOT:
        raise TinykitError(
            f"{recipe.rounds} rounds with a {recipe.growth.value} schedule",
            "rounds prune at once and then train: --schedule one-shot",
        )
    if recipe.rewind and recipe.rounds == 1 and recipe.growth is not Growth.ONE_SHOT:
        raise TinykitError(
            f"weights cannot be rewound within a {recipe.growth.value} schedule",
            "--recipe lottery",
        )


def _refuse_bad_start(recipe: Recipe) -> None:
    moves = recipe.growth is Growth.REGROW
    if moves and recipe.pattern != WEIGHTS:
        raise TinykitError(
            f"zeros of the pattern {recipe.pattern} do not move one by one",
            "--schedule regrow is for --pattern weights",
        )
    if isinstance(recipe.pattern, WholeChannels) and (
        recipe.from_start or recipe.scope is Scope.ERK
    ):
        raise TinykitError(
            "whole channels are chosen by magnitude, not from the start, nor by shape",
            "--recipe channels",
        )
    if recipe.criterion is not Criterion.MAGNITUDE and recipe.growth not in AT_ONCE:
        raise TinykitError(
            f"a {recipe.growth.value} schedule chooses weights while they are trained, "
            f"{recipe.criterion.value} before",
            "--schedule one-shot or regrow",
        )
    if recipe.from_start and (recipe.teacher_share > 0 or recipe.rounds > 1):
        raise TinykitError(
            "a recipe that starts from an untrained network has no teacher and no rounds",
            "leave --teacher-share and --rounds out",
        )


def _refuse_pins_without_use(recipe: Recipe) -> None:
    if recipe.pinned and not isinstance(recipe.pattern, Blocks):
        raise TinykitError(
            f"the pattern {recipe.pattern} leaves no layer a sparsity of its own",
            "leave --pin out, or --exclude the layer",
        )
