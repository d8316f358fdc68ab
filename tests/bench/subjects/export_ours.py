"""The worker that writes exports, with one message."""

import json

from switchboard.exports.work import write_exports, writer
from tests.bench.export_cases import asked
from tests.bench.measure import Context


class Worker(Context):
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def export(calls: int) -> None:
    message = {"messageId": "m", "receiptHandle": "r", "body": json.dumps(asked(calls).as_json())}
    answer = write_exports({"Records": [message]}, writer(), Worker())
    assert answer == {"batchItemFailures": []}
