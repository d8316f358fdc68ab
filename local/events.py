"""A queue that receives every event of the bus. It belongs to the local stack only: the template does not have it."""

import json
from dataclasses import dataclass, field
from typing import Any

from mypy_boto3_sqs import SQSClient

from local.aws import Aws

RULE = "every-event"


def create_events_queue(aws: Aws, bus_name: str) -> str:
    """Makes the queue and the bus' rule that fills it; gives the queue's URL."""
    sqs = aws.session.client("sqs", endpoint_url=aws.endpoint_url)
    events = aws.session.client("events", endpoint_url=aws.endpoint_url)
    url = sqs.create_queue(QueueName=f"{bus_name}-every-event")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = events.put_rule(Name=RULE, EventBusName=bus_name, EventPattern=json.dumps({"source": [{"prefix": ""}]}))
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    put = events.put_targets(Rule=RULE, EventBusName=bus_name, Targets=[{"Id": "queue", "Arn": arn}])
    if put["FailedEntryCount"]:
        raise RuntimeError(f"the rule has no target: {put['FailedEntries']}")
    return url


@dataclass
class BusEvents:
    """Reads the queue. `seen` holds every event read so far, as EventBridge delivered it, in order of arrival."""

    sqs: SQSClient
    queue_url: str
    seen: list[dict[str, Any]] = field(default_factory=list)

    def drain(self) -> list[dict[str, Any]]:
        """Takes what is in the queue now, adds it to `seen`, and gives all of `seen`."""
        while messages := self._receive():
            for message in messages:
                self.seen.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return self.seen

    def of(self, phone_number_id: str) -> list[dict[str, Any]]:
        """Every event so far about one number."""
        return [event for event in self.drain() if event["detail"].get("phoneNumberId") == phone_number_id]

    def _receive(self) -> list[Any]:
        return self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", [])
