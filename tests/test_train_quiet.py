import os

import pytest

from tinykit.train.quiet import quiet


def test_quiet_catches_what_is_written_to_the_descriptors(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with quiet() as noise:
        os.write(1, b"one ")
        os.write(2, b"two ")
    os.write(1, b"after")
    assert noise.text == "one two "
    assert capfd.readouterr() == ("after", "")


def test_quiet_keeps_the_noise_of_a_block_that_failed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), quiet() as noise:
        os.write(2, b"the reason")
        raise ZeroDivisionError
    assert noise.text == "the reason"
    os.write(2, b"heard")
    assert capfd.readouterr() == ("", "heard")
