"""One subject in a process of its own, timed by the CPU (user and system, all threads) that the process has taken.

python -m tests.bench.measure SUBJECT EVENT WARM   tells on stderr, as JSON: `cold`, ms from the process's start to the
first answer; `warm`, the median of WARM more, in ms. SUBJECT: a file with a `lambda_handler`; its log is on stdout.
"""

import json
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any


class Context:
    """What the handlers read of a Lambda context."""

    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


def loaded(path: str) -> Any:
    """A handler's file as a module."""
    spec = spec_from_file_location("app", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["app"] = module
    spec.loader.exec_module(module)
    return module


def main(path: str, event_file: str, times: int) -> None:
    with open(event_file) as file:  # noqa: PTH123 - pathlib would be loaded for every subject
        event = json.load(file)
    handler = loaded(path).lambda_handler
    answer = handler(event, Context())
    cold = time.process_time()
    assert answer["statusCode"] == 200, answer
    spent = []
    for _ in range(times):
        began = time.process_time()
        answer = handler(event, Context())
        spent.append(time.process_time() - began)
        assert answer["statusCode"] == 200, answer
    warm = sorted(spent)[times // 2] if times else 0.0
    sys.stderr.write(json.dumps({"cold": cold * 1000, "warm": warm * 1000}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
