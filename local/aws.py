"""Access to the emulated account as its root user, who may do everything; the functions' own roles are enforced."""

from dataclasses import dataclass
from functools import cached_property

import boto3

REGION = "us-east-1"
ROOT_KEY = "test"
"""The emulator takes this for the root user's access key and for its secret."""


@dataclass(frozen=True)
class Aws:
    """`aws.session.client(name, endpoint_url=aws.endpoint_url)` makes a typed client of the emulator."""

    endpoint_url: str

    @cached_property
    def session(self) -> boto3.Session:
        return boto3.Session(aws_access_key_id=ROOT_KEY, aws_secret_access_key=ROOT_KEY, region_name=REGION)

    @property
    def environment(self) -> dict[str, str]:
        """The same access, for a process that reads it from its environment."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }
