"""A budget is read with the line of its mistake, and held: what is over ends with status 1."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from commands import Tinykit

from tinykit.core.budget import Budget
from tinykit.core.config import load_config
from tinykit.host.budget import base_figures

pytest.importorskip("unicorn")

HEAD = 'model = "dense.tflite"\nboard = "nano33"\n'
LIMITS = "[budget]\nflash = 13_000\nram = 4_000\ninstructions = 100_000\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project within its budget, and go there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return make_project(tmp_path)


def make_project(folder: Path, text: str = HEAD + LIMITS, zeros: float = 0.98) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "dense.tflite").write_bytes(tiny.dense(zeros=zeros))
    (folder / "tinykit.toml").write_text(text)
    return folder


def labelled(folder: Path, samples: int = 12) -> str:
    """Write a data set with labels beside a project; return the line that names it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 40)).astype(np.float32)
    np.savez(folder / "test.npz", x=x, y=rng.integers(0, 3, samples))
    return 'data = "test.npz"\n'


def table(limits: dict[str, float]) -> str:
    return "[budget]\n" + "".join(f"{key} = {limit}\n" for key, limit in limits.items())


def figures(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {figure["name"]: figure for figure in report["figures"]}


def test_every_key_of_a_budget_is_read(tmp_path: Path) -> None:
    text = HEAD + LIMITS + "accuracy = 0.9\nmismatches = 2\n"
    (tmp_path / "tinykit.toml").write_text(text)
    assert load_config(tmp_path).budget == Budget(13_000, 4000, 100_000, 0.9, 2)
    (tmp_path / "tinykit.toml").write_text("[budget]\n")
    assert load_config(tmp_path).budget == Budget(None, None, None, None, 0)
    (tmp_path / "tinykit.toml").write_text(HEAD)
    assert load_config(tmp_path).budget is None


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("budget = 5\n", "tinykit.toml:1: budget is 5, not a table", "[budget]"),
        (
            "[budget]\nflahs = 1\n",
            "tinykit.toml:2: unknown key 'flahs' in [budget]",
            "keys: accuracy, flash, instructions, mismatches, ram; the file's other keys come "
            "before [budget]",
        ),
        (
            'model = "m"\n\n[budget]\nram = 1\nboard = "nano33"\n',
            "tinykit.toml:5: unknown key 'board' in [budget]",
            "come before",
        ),
        (
            '# flash = 1\n[budget]\nram = 1\nflash = "20k"\n',
            "tinykit.toml:4: flash is '20k', not a whole number of bytes",
            "flash = 20000",
        ),
        ("budget.ram = true\n", "tinykit.toml:1: ram is True, not a whole number", "ram = 20000"),
        (
            "budget.flash = 1\nbudget.instructions = 1.5\n",
            "tinykit.toml:2: instructions is 1.5, not a whole number",
            "instructions = 20000",
        ),
        (
            "[budget]\nmismatches = -1\n",
            "tinykit.toml:2: mismatches is -1, which is negative",
            "mismatches = 20000",
        ),
        (
            "[budget]\naccuracy = 97\n",
            "tinykit.toml:2: accuracy is 97, not a share from 0 to 1",
            "accuracy = 0.97",
        ),
        ("[budget]\naccuracy = nan\n", "tinykit.toml:2: accuracy is nan, not a share", "0.97"),
        ("budget = { flash = [] }\n", "tinykit.toml:1: flash is [], not a whole", "flash = 2"),
    ],
)
def test_a_mistake_in_a_budget_is_shown_with_its_line(
    tinykit: Tinykit, project: Path, text: str, line: str, hint: str
) -> None:
    Path("tinykit.toml").write_text(text)
    found_line, found_hint = tinykit.refuses("check-budget")
    assert found_line.startswith(line)
    assert hint in found_hint


def test_within_the_budget_is_status_0_and_a_table(tinykit: Tinykit, project: Path) -> None:
    ended = tinykit("check-budget")
    assert ended.status == 0, ended.err
    assert "at most 13 000" in ended.out and "over" not in ended.out
    assert "20 random inputs in unicorn, against TFLite Micro" in ended.err
    assert sorted(path.name for path in project.iterdir()) == ["dense.tflite", "tinykit.toml"]


def test_figures_are_those_of_build_and_bench(tinykit: Tinykit, project: Path) -> None:
    found = figures(tinykit("check-budget", "--json").json)
    cost = tinykit("bench", "dense.tflite", "--inputs", "1", "--json").json
    assert found["flash"]["value"] == cost["flash"]["total"]
    assert found["ram"]["value"] == cost["ram"]["total"]
    assert found["instructions"]["value"] == cost["instructions"]
    assert found["mismatches"] == {
        "name": "mismatches",
        "value": 0,
        "budget": 0,
        "base": None,
        "over": False,
    }
    assert "accuracy" not in found


def test_a_budget_may_be_used_up_and_no_more(tinykit: Tinykit, project: Path) -> None:
    keys = ("flash", "ram", "instructions")
    found = figures(tinykit("check-budget", "--json").json)
    limits = {key: found[key]["value"] for key in keys}
    make_project(project, HEAD + table(limits))
    assert tinykit("check-budget").status == 0
    make_project(project, HEAD + table({key: limit - 1 for key, limit in limits.items()}))
    ended = tinykit("check-budget", "--json")
    assert ended.status == 1
    assert tuple(figure["name"] for figure in ended.json["figures"] if figure["over"]) == keys
    line, hint = ended.err.splitlines()[-2:]
    assert line.startswith("tinykit: over budget: flash is ")
    assert all(f"{key} is " in line for key in keys)
    assert "tinykit bench dense.tflite" in hint


def test_accuracy_is_the_board_s_and_has_a_least(tinykit: Tinykit, project: Path) -> None:
    make_project(project, labelled(project) + HEAD + "[budget]\naccuracy = 0\n")
    report = tinykit("check-budget", "--json").json
    assert (report["source"], report["inputs"]) == ("data", 12)
    reached = figures(report)["accuracy"]["value"]
    assert 0 < reached < 1
    make_project(project, labelled(project) + HEAD + f"[budget]\naccuracy = {reached}\n")
    assert tinykit("check-budget").status == 0
    make_project(project, labelled(project) + HEAD + f"[budget]\naccuracy = {reached + 0.01}\n")
    ended = tinykit("check-budget")
    assert ended.status == 1
    assert "over budget: accuracy is " in ended.err and ", at least " in ended.err


@pytest.mark.parametrize("targets", [None, np.zeros((12, 3), np.float32)])
def test_an_accuracy_without_labels_is_refused(
    tinykit: Tinykit, project: Path, targets: np.ndarray[Any, Any] | None
) -> None:
    data = ""
    if targets is not None:
        data = labelled(project)
        np.savez(project / "test.npz", x=np.zeros((12, 40), np.float32), y=targets)
    make_project(project, data + HEAD + "[budget]\naccuracy = 0.5\n")
    line, hint = tinykit.refuses("check-budget")
    assert line == "[budget] has an accuracy, and there are no labels to count it with"
    assert hint.startswith('data = "test.npz" in tinykit.toml')


def test_another_folder_can_be_named(
    tinykit: Tinykit, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_project(project / "other", labelled(project) + HEAD + "[budget]\n")
    (project / "test.npz").rename(other / "test.npz")
    monkeypatch.chdir("/")
    report = tinykit("check-budget", other, "--json").json
    assert (report["source"], report["inputs"]) == ("data", 12)


def test_what_grew_is_told_from_a_report(tinykit: Tinykit, project: Path) -> None:
    base = tinykit("check-budget", "--json")
    Path("base.json").write_text(base.out)
    make_project(project, zeros=0.5)
    ended = tinykit("check-budget", "--base", "base.json", "--json")
    before, after = figures(base.json), figures(ended.json)
    for name, figure in after.items():
        assert figure["base"] == before[name]["value"]
    assert after["flash"]["value"] > before["flash"]["value"]
    grown = after["flash"]["value"] - before["flash"]["value"]
    assert f"+{grown}" in tinykit("check-budget", "--base", "base.json").out.replace(" ", "")


def test_what_grew_is_told_from_another_checkout(tinykit: Tinykit, project: Path) -> None:
    make_project(project / "base", HEAD, zeros=0.5)  # a budget need not be there yet
    found = figures(tinykit("check-budget", "--base", "base", "--json").json)
    assert found["flash"]["base"] > found["flash"]["value"]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (None, "there is no tinykit.toml in base"),
        ('model = "dense.tflite"\n', "base/tinykit.toml names no board"),
        (HEAD.replace("dense", "absent"), "base/absent.tflite: No such file or directory"),
        (
            HEAD.replace("nano33", "microbit"),
            "base is for microbit, the project is for nano33",
        ),
    ],
)
def test_a_checkout_without_figures_says_why(project: Path, text: str | None, note: str) -> None:
    make_project(project / "base", text or "")
    if text is None:
        (project / "base" / "tinykit.toml").unlink()
    assert base_figures(Path("base"), "nano33", None, None, 1) == ({}, note)


def test_a_checkout_without_figures_is_no_failure(tinykit: Tinykit, project: Path) -> None:
    (project / "base").mkdir()
    ended = tinykit("check-budget", "--base", "base")
    assert ended.status == 0, ended.err
    note = "The base branch has no figures: there is no tinykit.toml in base."
    assert note in ended.err.splitlines()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "base.json: No such file or directory"),
        ("", "base.json is no report of tinykit check-budget --json"),
        ("[]", "base.json is no report of tinykit check-budget --json"),
        ('{"schema": 1}', "base.json is no report of tinykit check-budget --json"),
        (
            '{"schema": 1, "board": "nano33", "figures": [{"name": "ram", "value": "1"}]}',
            "base.json is no report of tinykit check-budget --json",
        ),
        ('{"schema": 99}', "base.json has schema 99, this tinykit reads 1"),
        (
            '{"schema": 1, "board": "microbit", "figures": []}',
            "base.json is for microbit, the project is for nano33",
        ),
    ],
)
def test_a_report_that_does_not_fit_is_refused(
    tinykit: Tinykit, project: Path, text: str | None, line: str
) -> None:
    if text is not None:
        Path("base.json").write_text(text)
    found_line, hint = tinykit.refuses("check-budget", "--base", "base.json")
    assert found_line == line
    assert "tinykit check-budget --json > base.json" in hint or "leave --base out" in hint


def test_the_summary_of_github_actions_gets_the_table(
    tinykit: Tinykit, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("# of an earlier step\n")
    make_project(project, HEAD + "[budget]\nflash = 1\n")
    ended = tinykit("check-budget", "--base", ".", "--json")
    assert ended.status == 1
    flash = f"{figures(ended.json)['flash']['value']:,}".replace(",", " ")
    lines = Path("summary.md").read_text().splitlines()
    assert lines[:2] == ["# of an earlier step", "## dense on nano33"]
    assert f"| flash, bytes | {flash} | at most 1 (over) | {flash} | 0 |" in lines
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "absent/summary.md")
    make_project(project)
    ended = tinykit("check-budget", "--json")
    assert ended.status == 2
    assert ended.err.splitlines()[-2:] == [
        "tinykit: cannot write absent/summary.md: no such file or directory",
        "  hint: unset GITHUB_STEP_SUMMARY, or name a file that can be written",
    ]


def test_markdown_is_written_and_not_over_a_file_of_the_user_s(
    tinykit: Tinykit, project: Path
) -> None:
    assert tinykit("check-budget", "--markdown", "table.md").status == 0
    text = Path("table.md").read_text()
    assert text.startswith("## dense on nano33\n\nMeasured with 20 random inputs")
    assert "\n\n| | now | budget | base branch | change |\n|---|---:|" in text
    line, hint = tinykit.refuses("check-budget", "--markdown", "table.md")
    assert line == "table.md exists" and "--force" in hint
    assert tinykit("check-budget", "--markdown", "table.md", "--force").status == 0
    line, _ = tinykit.refuses("check-budget", "--markdown", "absent/table.md")
    assert line == "absent is not a folder"


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        (None, "there is no tinykit.toml here", "docs/tinykit-toml.md"),
        ('board = "nano33"\n[budget]\n', "tinykit.toml names no model", 'model = "model.tflite"'),
        ('model = "m.tflite"\n[budget]\n', "tinykit.toml names no board", 'board = "nano33"'),
        (HEAD, "tinykit.toml has no [budget]", "flash, ram, instructions, accuracy, mismatches"),
        (HEAD.replace("nano33", "nano34") + LIMITS, "no board 'nano34'", "nano33"),
    ],
)
@pytest.mark.parametrize("command", [("check-budget",), ("ci", "init")])
def test_a_project_that_is_not_ready_is_refused(
    tinykit: Tinykit,
    project: Path,
    command: tuple[str, ...],
    text: str | None,
    line: str,
    hint: str,
) -> None:
    Path("tinykit.toml").unlink()
    if text is not None:
        Path("tinykit.toml").write_text(text)
    found_line, found_hint = tinykit.refuses(*command)
    assert found_line == line
    assert hint in found_hint
    assert not Path(".github").exists()
