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
    sys.exit(status)


if __name__ == "__main__":
    main()
