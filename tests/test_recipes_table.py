"""The page that compares recipes says what its figures say, also where pruning loses."""

from pathlib import Path

import pytest
import recipes_table as table


def seeds(scores: dict[str, float]) -> list[dict[str, table.Row]]:
    """Return rows of two seeds, whose scores lie a little around these."""
    return [
        {
            name: table.Row(scores.get(name, 0.9) + offset, 2 * 10**9, 10**9, 1.5, 0.2)
            for name in table.ROWS
        }
        for offset in (-0.01, 0.01)
    ]


def test_the_page_says_who_wins_and_who_loses() -> None:
    life = {"gradual": 0.98, "rigl": 0.985, "snip": 0.5, "dense twin": 0.91}
    sine = {"gradual": 0.2, "erk": 0.1, "rigl": 0.1, "snip": 0.1, "dense twin": 0.15}
    text = table.page({"life": seeds(life), "sine": seeds(sine)}, {"life": 1600, "sine": 1300})
    one, other = text.split("## life")[1].split("## sine")
    assert "| gradual | 98.00 (97.00 to 99.00) | 2 | 1 | 1.5 | 0.2 |" in one
    assert "gradual pruning beats the dense twin" in one
    assert "Sparse from the start loses to it: erk; snip." in one
    assert "Sparse from the start is as good or better: rigl." in one
    assert "1600 bytes of tables" in one
    assert "does **not** beat the dense twin" in other  # a smaller error is better
    assert "| gradual | 0.2 (0.21 to 0.19) |" in other
    assert "As good as the twin or worse: gradual" in other


def test_what_was_measured_is_not_measured_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [{"gradual": [0.9, 2, 1, 1.5, 0.2]}, {"gradual": []}]
    path = tmp_path / "results" / "life-0.json"
    assert [table._kept(path, made.pop) for _ in range(2)] == [{"gradual": []}, {"gradual": []}]
    assert len(made) == 1 and capsys.readouterr().err == "life-0 ...\n"
