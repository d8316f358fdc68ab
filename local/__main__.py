"""`python -m local demo | up | ring --from +1... --to +1...`; `make help` says what they do."""

import argparse
import sys

from local.demo import demo
from local.keep import keep
from local.processes import end_in_order
from local.progress import StepFailed
from local.ring import CannotRing, ring_running_stack


def main() -> int:
    """Runs one command; the exit code is 0 when it did what it says, and 130 when it was interrupted before."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo")
    commands.add_parser("up")
    ring = commands.add_parser("ring")
    ring.add_argument("--from", dest="caller", required=True)
    ring.add_argument("--to", dest="called", required=True)
    given = parser.parse_args()
    end_in_order()
    try:
        match given.command:
            case "demo":
                demo()
            case "up":
                keep()
            case "ring":
                ring_running_stack(given.caller, given.called)
    except (CannotRing, StepFailed) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
