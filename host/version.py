"""The version of tinykit that is installed."""

from importlib.metadata import version

VERSION = version("tinykit-mcu")
