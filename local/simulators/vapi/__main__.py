"""``python -m local.simulators.vapi --port 8081 --api-key KEY``: runs the simulator until it is interrupted."""

import argparse
import signal
import threading

from local.simulators.vapi.server import VapiSimulator


def main() -> None:
    """Starts the simulator, prints its address on one line, and waits for SIGINT or SIGTERM."""
    options = argparse.ArgumentParser(prog="python -m local.simulators.vapi", description="A stand-in for Vapi.")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options.add_argument("--api-key", default="vapi-simulator-key", help="the only private key it accepts")
    options.add_argument("--activation-seconds", type=float, default=1.0, help="until a bought number is active")
    options.add_argument("--number-limit", type=int, default=None, help="how many numbers may be bought")
    chosen = options.parse_args()

    stopped = threading.Event()
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, lambda *_: stopped.set())
    simulator = VapiSimulator(chosen.api_key, chosen.activation_seconds, chosen.port, number_limit=chosen.number_limit)
    with simulator:
        print(simulator.url, flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
