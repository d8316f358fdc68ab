"""What was said in calls, in the bucket: one gzip JSON object a call, `{callId, transcript, messages}`.

Under a key that follows from the call alone, so that a repeat writes the same object again and an erasure finds it
without a look at the record.
"""

import gzip
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from switchboard.calls.messages import Said
from switchboard.store import keys, sdk

# At the worst two attempts of 2 s and a second between them: Vapi waits 20 s for the answer to a report.
_CONFIG = Config(connect_timeout=0.5, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 2})
_FAILED = (BotoCoreError, ClientError)


@dataclass(frozen=True)
class Transcripts:
    """Each method raises BucketUnavailable. All of them may be repeated."""

    client: Any
    bucket: str

    def keep(self, business: str, number_id: str, call_id: str, said: Said) -> str:
        """Writes what was said in a call; the key under which it is."""
        key = keys.transcript(business, number_id, call_id)
        held = {"callId": call_id, "transcript": said.transcript, "messages": said.messages}
        body = gzip.compress(json.dumps(held).encode(), mtime=0)
        try:
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType="application/json", ContentEncoding="gzip"
            )
        except _FAILED as error:
            raise sdk.BucketUnavailable(key) from error
        return key

    def text(self, key: str) -> str | None:
        """The transcript that is kept there; None if it has expired."""
        try:
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None
        except _FAILED as error:
            raise sdk.BucketUnavailable(key) from error
        return str(json.loads(gzip.decompress(body))["transcript"])

    def forget(self, business: str, number_id: str, call_id: str) -> None:
        """Takes away what was said in a call, if anything of it is kept."""
        key = keys.transcript(business, number_id, call_id)
        try:
            self.client.delete_object(Bucket=self.bucket, Key=key)
        except _FAILED as error:
            raise sdk.BucketUnavailable(key) from error


@lru_cache(maxsize=1)
def transcripts() -> Transcripts:
    return Transcripts(sdk.client("s3", _CONFIG), os.environ["EXPORTS_BUCKET_NAME"])
