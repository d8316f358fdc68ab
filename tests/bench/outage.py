"""How soon a caller is answered while the table fails or hangs: by the clock, in a process of its own.

python -m tests.bench.outage APP EVENT CALLS STARTED   handles the event so often and tells of the last one on stderr,
as JSON: `status`; `answered`, ms from the handler's call, in which a new instance makes its clients; `since`, ms from
STARTED, when the process was started (seconds, monotonic clock).
"""

import json
import sys
import time
from pathlib import Path

from tests.bench.measure import Context, loaded


def main(app: str, event_file: str, calls: int, started: float) -> None:
    event = json.loads(Path(event_file).read_text())
    handler = loaded(app).lambda_handler
    for _ in range(calls):
        began = time.monotonic()
        answer = handler(event, Context())
        ended = time.monotonic()
    told = {"status": answer["statusCode"], "answered": (ended - began) * 1000, "since": (ended - started) * 1000}
    sys.stderr.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
