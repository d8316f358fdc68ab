"""The queue of exports that are to be written. A message that came twice is harmless, one that was lost is not."""

import hashlib
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.config import Config

from switchboard.exports.record import Asked
from switchboard.store import sdk

_CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})

_LONGEST_WAIT = 43_200
"""Seconds: SQS hides a message for 12 hours at most."""


@dataclass(frozen=True)
class ExportQueue:
    client: Any
    url: str

    def send(self, asked: Asked, delay_seconds: int = 0) -> None:
        """Asks for an export to be written, or gone on with."""
        self.client.send_message(
            QueueUrl=self.url,
            MessageBody=json.dumps(asked.as_json()),
            MessageGroupId=_tenant(asked.business),
            DelaySeconds=delay_seconds,
        )

    def bring_again(self, receipt: str, seconds: int) -> None:
        """A message that is at work comes again after so many seconds, if it is not done with by then."""
        self.client.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=max(0, min(seconds, _LONGEST_WAIT))
        )


def _tenant(business: str) -> str:
    """By what SQS tells businesses apart; it takes ASCII alone.

    To a queue that is no FIFO it says whose a message is: one whose work takes most of the workers' time waits while
    others' messages are there (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html).
    """
    return hashlib.sha256(business.encode()).hexdigest()


@lru_cache(maxsize=1)
def export_queue() -> ExportQueue:
    return ExportQueue(sdk.client("sqs", _CONFIG), os.environ["EXPORTS_QUEUE_URL"])
