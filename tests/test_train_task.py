import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinykit.core.errors import TinykitError
from tinykit.train.task import BUILT_IN, EXPECTED, Settings, load_task

GOOD = """
import keras
import numpy as np

EPOCHS = 2
LABELS = ["no", "yes"]


def build_model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])


def load_data(rng):
    x = rng.normal(size=(40, 3))
    y = (x.sum(axis=1) > 0).astype(int)
    return (x, y), (x[:8], y[:8])
"""


def _write(folder: Path, text: str, name: str = "train.py") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def _refusal(action: object) -> TinykitError:
    assert callable(action)
    with pytest.raises(TinykitError) as caught:
        action()
    assert caught.value.exit_status == 2
    assert caught.value.hint
    return caught.value


def test_task_from_a_file_named_as_a_room_shadows_no_room(tmp_path: Path) -> None:
    task = load_task(_write(tmp_path, GOOD, "train.py"))
    from tinykit.train.splits import Splits

    splits = task.load_data(np.random.default_rng(0))
    assert isinstance(splits, Splits)
    assert task.settings == Settings(epochs=2, labels=("no", "yes"))
    assert task.build_model().count_params() == 4


def test_task_holds_a_validation_split_out_of_train(tmp_path: Path) -> None:
    splits = load_task(_write(tmp_path, GOOD)).load_data(np.random.default_rng(0))
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (34, 6, 8)
    assert splits.train.x.dtype == np.float32
    assert splits.train.labels == ("no", "yes")


def test_task_refuses_a_name_that_is_no_task() -> None:
    error = _refusal(lambda: load_task("lfie"))
    assert error.message == "lfie is neither a built-in task nor a .py file"
    assert error.hint == f"built-in tasks: {', '.join(BUILT_IN)}; or {EXPECTED}"


def test_task_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    error = _refusal(lambda: load_task(str(tmp_path / "no.py")))
    assert error.message == f"{tmp_path / 'no.py'} does not exist"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nraise ValueError('too\\nmany')\n", "PATH:2: ValueError: too many"),
        ("def f(:\n", "PATH:1: SyntaxError: invalid syntax (train.py, line 1)"),
        (
            "import nonsense_module\n",
            "PATH:1: ModuleNotFoundError: No module named 'nonsense_module'",
        ),
        ("def load_data(): pass\n", "PATH has no function build_model()"),
        ("def build_model(): pass\n", "PATH has no function load_data()"),
        (GOOD + "\nEPOCHS = 'ten'\n", "PATH: EPOCHS is 'ten'"),
        (GOOD + "\nBATCH_SIZE = 0\n", "PATH: BATCH_SIZE is 0"),
        (GOOD + "\nSPARSITY = 90\n", "PATH: SPARSITY is 90"),
        (GOOD + "\nPRUNE_SCOPE = 'all'\n", "PATH: PRUNE_SCOPE is 'all'"),
        (GOOD + "\nPRUNE_SCHEDULE = 'late'\n", "PATH: PRUNE_SCHEDULE is 'late'"),
        (GOOD + "\nBEGINS_WITH = 'life'\n", "PATH has no function begin_from()"),
    ],
)
def test_task_explains_a_file_that_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, text)
    error = _refusal(lambda: load_task(path))
    assert error.message == message.replace("PATH", path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("1 / 0", "PATH:4: ZeroDivisionError: division by zero"),
        ("return 3", "PATH: load_data() returned int"),
        ("return {'train': (X, Y)}", "PATH: load_data() returned the splits train"),
        ("return (X, Y, X), (X, Y)", "PATH: train is tuple, not (x, y)"),
        ("return (X, Y), (X * np.nan, Y)", "PATH: test: x has 12 values that are NaN or infinite"),
        ("return (X, Y), (X, Y / 0.0)", "PATH: test: y has 4 values that are NaN or infinite"),
        ("return (X, Y[:3]), (X, Y)", "PATH: train: x has shape (4, 3), y has shape (3,)"),
        ("return (X[:0], Y[:0]), (X, Y)", "PATH: train: x has shape (0, 3), y has shape (0,)"),
        ("return (['a'], Y), (X, Y)", "PATH: train: x is <U1"),
        (
            "return (X, Y), (X[:, :2], Y)",
            "PATH: train samples have shape (3,), test samples (2,)",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_task_explains_data_that_is_wrong(tmp_path: Path, body: str, message: str) -> None:
    start = "import numpy as np\nX, Y = np.ones((4, 3)), np.ones(4, int)\n"
    functions = f"def load_data():\n    {body}\ndef build_model(): pass\n"
    path = _write(tmp_path, start + functions)
    task = load_task(path)
    error = _refusal(lambda: task.load_data(np.random.default_rng(0)))
    assert error.message == message.replace("PATH", path)


def test_task_refuses_a_model_that_is_none(tmp_path: Path) -> None:
    path = _write(tmp_path, "def build_model(): pass\ndef load_data(): pass\n")
    error = _refusal(load_task(path).build_model)
    assert error.message == f"{path}: build_model() returned NoneType, not a keras.Model"


def test_task_sends_what_a_user_prints_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_task(_write(tmp_path, "print('hello')\n" + GOOD))
    assert capsys.readouterr() == ("", "hello\n")


def test_tasks_and_scores_import_without_tensorflow() -> None:
    modules = ("train.life", "train.digits", "train.sine", "train.task", "core.score")
    imports = ";".join(f"import tinykit.{module}" for module in modules)
    check = f"import sys;{imports};print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_missing_tensorflow_says_what_to_install(tmp_path: Path) -> None:
    check = (
        "import sys; sys.modules['keras'] = sys.modules['tensorflow'] = None\n"
        "from tinykit.core.errors import MissingToolError\n"
        "from tinykit.train.backend import import_keras\n"
        "try:\n    import_keras()\n"
        "except MissingToolError as e:\n    print(e.message, e.hint, e.exit_status)\n"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "keras is not installed pip install 'tinykit-mcu[train]' 3\n"


def test_import_of_keras_is_silent() -> None:
    check = (
        "from tinykit.train.backend import import_keras\n"
        "keras = import_keras()\n"
        "import numpy as np\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model(np.zeros((1, 2)))\n"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
