"""What training took is counted exactly, zeros multiplied and zeros skipped."""

from dataclasses import replace

import nets
import pytest

from tinykit.prune.keras3 import prune_model
from tinykit.prune.recipe import RECIPES, Recipe
from tinykit.prune.schedule import Growth
from tinykit.train.meter import ASSUMPTION, TrainingCost

FAST = Recipe(epochs=14, sparsity=0.75, growth=Growth.ONE_SHOT)
SAMPLES, EPOCHS = 150, 14  # the last batch is short
FIRST, SECOND = 4 * 8, 8 * 2  # weights of the two layers


def cost_of(recipe: Recipe) -> tuple[TrainingCost, list[int]]:
    """Prune a small network; returns what that took and which weights each layer keeps."""
    nets.keras.utils.set_random_seed(0)
    report = prune_model(nets.sequential(), nets.classes(SAMPLES), nets.classes(20), recipe)
    return report.cost, [layer.weights - layer.zeros for layer in report.layers]


def test_pruning_at_once_skips_the_same_zeros_in_every_step() -> None:
    cost, (first, second) = cost_of(FAST)
    seen = SAMPLES * EPOCHS
    assert cost.forward_macs == seen * (FIRST + SECOND)
    assert cost.backward_macs == seen * (FIRST + 2 * SECOND)
    assert cost.forward_effective == seen * (first + second)
    assert cost.backward_effective == seen * (first + 2 * second)
    assert cost.uncounted == () and cost.assumption == ASSUMPTION
    assert cost.joules == pytest.approx(2 * cost.macs / 16.876e9)


def test_weights_that_may_return_need_their_gradients_while_they_may() -> None:
    once, _ = cost_of(FAST)
    anew, _ = cost_of(replace(FAST, growth=Growth.CONSTANT))
    assert anew.forward_effective == once.forward_effective
    assert anew.backward_macs == once.backward_macs
    assert anew.backward_effective > once.backward_effective


def test_gradual_pruning_takes_more_than_pruning_at_once() -> None:
    gradual, _ = cost_of(replace(FAST, growth=Growth.CUBIC))
    once, _ = cost_of(FAST)
    assert gradual.macs == once.macs
    assert once.effective < gradual.effective < gradual.macs


def test_rounds_awareness_and_a_teacher_are_counted() -> None:
    once, _ = cost_of(FAST)
    twice, _ = cost_of(replace(RECIPES["iterative"], epochs=EPOCHS, sparsity=0.75, rounds=2))
    assert twice.macs == 2 * once.macs
    aware, _ = cost_of(replace(FAST, aware_epochs=7))
    assert aware.macs == once.macs * 3 // 2
    taught, _ = cost_of(replace(FAST, teacher_share=0.5))
    assert taught.macs == once.macs + SAMPLES * (FIRST + SECOND)


def test_costs_add_up_and_what_is_unknown_stays_unknown() -> None:
    one = TrainingCost(1, 2, 3, 4, 0.5, ("memory",))
    both = one + TrainingCost(10, 20, 30, 40, 1.5, ("memory", "attention"))
    assert both == TrainingCost(11, 22, 33, 44, 2.0, ("memory", "attention"))
    assert (both.macs, both.effective) == (33, 77)
    assert (one + TrainingCost(1, 1, None, None)).effective is None
