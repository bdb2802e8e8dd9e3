"""Run the unmodified runner of mlcommons/tiny on a port: `mlperf_runner.py TREE PORT WORDS..`.

Only how it looks for devices is replaced: it finds the one whose ids its devices files name a DUT.
"""

import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import usb.core
from serial.tools import list_ports

tree, port, *arguments = sys.argv[1:]
runner = Path(tree, "benchmark", "runner")
dut = SimpleNamespace(device=port, vid=0x0483, pid=0x374B, description="tinykit")
list_ports.comports = lambda *_: [dut]
usb.core.find = lambda **_: []
os.environ["MPLBACKEND"] = "Agg"  # it draws a curve that nobody looks at
sys.path.insert(0, str(runner))
sys.argv = ["main.py", *arguments]
runpy.run_path(str(runner / "main.py"), run_name="__main__")
