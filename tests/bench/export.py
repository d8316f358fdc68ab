"""One way of exporting calls in a process of its own, by the CPU that it takes and the memory it has at its most.

python -m tests.bench.export FILE CALLS   tells on stderr, as JSON: `rows`, a second of CPU (all threads, without what
is loaded first); `peak`, the process's largest resident size in MB. FILE: has `export`.
"""

import json
import resource
import sys
import time

from tests.bench.measure import loaded


def main(file: str, calls: int) -> None:
    export = loaded(file).export
    began = time.process_time()
    export(calls)
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stderr.write(json.dumps({"rows": calls / spent, "peak": peak}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
