import numpy as np
import pytest

from tinykit.core.errors import TinykitError
from tinykit.core.score import Kind, Metric, RunningScore, kind_of, score_outputs


def test_score_counts_the_class_with_the_largest_output() -> None:
    outputs = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], np.float32)
    score = score_outputs(outputs, np.array([1, 0, 0]))
    assert (score.metric, score.value, score.samples) == (Metric.ACCURACY, pytest.approx(2 / 3), 3)
    assert str(score) == "66.67 %"


def test_score_takes_one_hot_labels_for_classes() -> None:
    outputs = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32)
    assert score_outputs(outputs, np.array([[0.0, 1.0], [0.0, 1.0]])).value == 0.5


def test_score_wants_every_decision_of_a_sample_right() -> None:
    outputs = np.array([[[0.9], [0.1]], [[0.9], [0.6]]], np.float32)
    wanted = np.array([[[1], [0]], [[1], [0]]])
    assert kind_of(outputs.shape, wanted) is Kind.YES_NO
    assert score_outputs(outputs, wanted).value == 0.5


def test_score_splits_logits_of_decisions_at_zero() -> None:
    assert score_outputs(np.array([[0.3], [-4.0]]), np.array([1, 0])).value == 1


def test_score_measures_targets_by_mean_squared_error() -> None:
    score = score_outputs(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]], np.float32))
    assert (score.metric, score.value) == (Metric.MEAN_SQUARED_ERROR, 2.0)


def test_score_compares_in_the_metrics_own_direction() -> None:
    y = np.array([[0.0], [0.0]], np.float32)
    assert score_outputs(y + 1, y).better_than(score_outputs(y + 2, y))
    right, wrong = np.array([[0.1, 0.9]]), np.array([[0.9, 0.1]])
    labels = np.array([1])
    assert score_outputs(right, labels).better_than(score_outputs(wrong, labels))


@pytest.mark.parametrize(
    ("shape", "y", "message"),
    [
        ((3, 2), [0, 1, 2], "y has labels from 0 to 2, the model tells apart 0 to 1"),
        ((2, 2), [0, -1], "y has labels from -1 to 0, the model tells apart 0 to 1"),
        ((2, 1), [0, 7], "y has labels from 0 to 7, the model tells apart 0 to 1"),
        ((2, 2), [0], "2 outputs cannot be scored against 1 labels"),
        (
            (2, 3),
            [[0.5, 1.0], [0.0, 1.0]],
            "y has shape (2, 2), the model's output has shape (2, 3)",
        ),
    ],
)
def test_score_refuses_labels_that_fit_no_output(
    shape: tuple[int, ...], y: list[object], message: str
) -> None:
    with pytest.raises(TinykitError) as caught:
        kind_of(shape, np.array(y))
    assert (caught.value.message, caught.value.exit_status) == (message, 2)
    assert caught.value.hint


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("logits", [False, True])
def test_score_of_one_sample_after_the_other_is_that_of_all(kind: Kind, logits: bool) -> None:
    rng = np.random.default_rng(3)
    outputs = rng.random((200, 4)) - 0.5 * logits
    wanted = {
        Kind.CLASSES: rng.integers(0, 4, 200),
        Kind.ONE_HOT: np.eye(4)[rng.integers(0, 4, 200)],
        Kind.YES_NO: rng.integers(0, 2, (200, 4)),
        Kind.NUMBERS: rng.random((200, 4)),
    }[kind]
    assert kind_of(outputs.shape, wanted) is kind
    running = RunningScore(kind, 4)
    for output, target in zip(outputs, wanted, strict=True):
        running.add(output, target)

    whole = score_outputs(outputs, wanted)
    assert (running.score().metric, running.score().samples) == (whole.metric, 200)
    assert running.score().value == pytest.approx(whole.value, rel=1e-12)
    confusion = running.confusion()
    if kind is Kind.NUMBERS:
        assert confusion is None
        return
    assert confusion is not None
    if kind is Kind.YES_NO:
        decided = outputs > (0 if logits else 0.5)
        assert confusion[1, 1] == np.sum(decided & (wanted == 1)) and confusion.sum() == 800
    else:
        assert np.trace(confusion) / 200 == whole.value
