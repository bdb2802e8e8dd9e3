"""Run a command and end it with the process that wanted it, however that one ends.

Started by guarded.py: `python -m tinykit.host.guard CONTROL_FD PASSED_FDS COMMAND...`. The end of
the control channel is the end of the parent; nothing else would tell of a SIGKILL.
"""

import os
import signal
import subprocess
import sys
import threading

QUIT_TIMEOUT_S = 2.0


def main() -> None:
    """Run the command until it ends, or until the parent closes the control channel."""
    control = int(sys.argv[1])
    passed = [int(word) for word in sys.argv[2].split(",") if word]
    # In a group of its own, so that what it starts in turn ends with it. Its input stays open and
    # silent: Renode's console asks without a pause for more behind the end of its own.
    process = subprocess.Popen(
        sys.argv[3:], pass_fds=passed, stdin=subprocess.PIPE, process_group=0
    )
    for descriptor in passed:
        os.close(descriptor)
    threading.Thread(target=_follow, args=(process,), daemon=True).start()
    while os.read(control, 1):
        pass
    _end(process)
    os._exit(0)


def _follow(process: "subprocess.Popen[bytes]") -> None:
    """End when the command ends, with its status; a signal's number is negative."""
    os._exit(process.wait() & 0xFF)


def _end(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(QUIT_TIMEOUT_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    main()
