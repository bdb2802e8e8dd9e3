"""Where the command starts: Ctrl-C ends it in one line even while the command line is imported."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its status."""
    try:
        from tinykit.host.cli import run  # takes a tenth of a second

        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("tinykit: interrupted", file=sys.stderr)
        status = INTERRUPTED
        # What Ctrl-C interrupts may be an exec(): imports make dataclasses by it. Python, run with
        # -m, then ends by the signal whatever our status is, unless another exec() ends well.
        exec("")
    sys.exit(status)


if __name__ == "__main__":
    main()
