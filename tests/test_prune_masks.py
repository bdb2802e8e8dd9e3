import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinykit.core.errors import TinykitError
from tinykit.prune.masks import Scope, Targets, choose_masks, zeros_wanted
from tinykit.prune.schedule import UPDATES, schedule_for


def _kernels(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = [(3, 3, 1, 4), (7, 5), (5, 1)]
    return [
        rng.normal(0, 10.0**place, shape).astype(np.float32) for place, shape in enumerate(shapes)
    ]


@given(st.integers(0, 99), st.floats(0.01, 0.99))
def test_masks_leave_exactly_the_wanted_zeros_over_the_network(seed: int, sparsity: float) -> None:
    kernels = _kernels(seed)
    masks = choose_masks(kernels, Targets(Scope.GLOBAL, sparsity), 1.0)
    assert sum(int((~mask).sum()) for mask in masks) == zeros_wanted(36 + 35 + 5, sparsity)


@given(st.integers(0, 99), st.floats(0.01, 0.99))
def test_masks_leave_exactly_the_wanted_zeros_in_each_layer(seed: int, sparsity: float) -> None:
    kernels = _kernels(seed)
    masks = choose_masks(kernels, Targets(Scope.LAYER, sparsity), 1.0)
    zeros = [int((~mask).sum()) for mask in masks]
    assert zeros == [zeros_wanted(weights, sparsity) for weights in (36, 35, 5)]


@given(st.integers(0, 99), st.sampled_from(Scope))
def test_masks_drop_the_smallest_of_each_kernel(seed: int, scope: Scope) -> None:
    kernels = _kernels(seed)
    for kernel, stays in zip(kernels, choose_masks(kernels, Targets(scope, 0.6), 1.0), strict=True):
        assert np.abs(kernel[stays]).min() >= np.abs(kernel[~stays]).max(initial=0)


def test_masks_measure_each_kernel_by_itself() -> None:
    kernels = _kernels(0)
    scaled = [kernel * factor for kernel, factor in zip(kernels, (64, 1, 0.25), strict=True)]
    for one, other in zip(
        choose_masks(kernels, Targets(Scope.GLOBAL, 0.8), 1.0),
        choose_masks(scaled, Targets(Scope.GLOBAL, 0.8), 1.0),
        strict=True,
    ):
        assert np.array_equal(one, other)


def test_masks_leave_every_kernel_its_largest_weight() -> None:
    masks = choose_masks(_kernels(0), Targets(Scope.GLOBAL, 0.95), 1.0)
    assert all(mask.any() for mask in masks)


def test_masks_keep_zeros_that_were_there() -> None:
    kernel = np.array([[0, 1, 0, 2], [3, 0, 4, 5]], np.float32)
    (mask,) = choose_masks([kernel], Targets(Scope.GLOBAL, 0.25), 1.0)
    assert np.array_equal(mask, kernel != 0)


def test_zeros_wanted_are_at_least_the_share() -> None:
    assert [zeros_wanted(5, share) for share in (0.5, 0.4, 0.41, 0.9)] == [3, 2, 3, 5]
    assert [zeros_wanted(30, 0.1), zeros_wanted(2656, 0.9)] == [3, 2391]


@given(st.integers(1, 40), st.integers(80, 3000))
def test_schedule_rises_to_the_end_in_its_updates(epochs: int, samples: int) -> None:
    schedule = schedule_for(epochs, samples, batch_size=1)
    shares = [schedule.share(step) for step in range(epochs * samples) if schedule.due(step)]
    assert len(shares) == UPDATES + 1
    assert (shares[0], shares[-1]) == (0, 1)
    assert shares == sorted(shares)


def test_schedule_refuses_too_few_steps_with_the_numbers() -> None:
    with pytest.raises(TinykitError) as caught:
        schedule_for(epochs=3, samples=100, batch_size=32)
    assert caught.value.message == (
        "pruning takes at least 67 optimizer steps, 3 epochs of 100 samples in batches of 32 "
        "give 12"
    )
    assert caught.value.hint == "--epochs 17, or a smaller --batch-size"
    assert caught.value.exit_status == 2
