"""Files in the bucket: written whole or in parts, never half; and what waits for the next part of one."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.exceptions import ClientError

from switchboard.store import sdk

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
else:
    S3Client = Any

# Each request here may be sent again: the same bytes under the same key, or under the same number of the same upload. A
# part of 8 MiB takes well under a second; 20 s are for a network that is not well. Each request is signed with the hash
# of its bytes, so that nothing arrives changed.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    signature_version="s3v4",
    request_checksum_calculation="when_required",
    max_pool_connections=2,
)

_UNUSABLE = {"NoSuchUpload", "InvalidPart", "InvalidPartOrder", "NoSuchKey"}
"""What S3 calls an upload that is over, one whose parts are not those that were saved, and a rest that is not there."""


class UploadGone(Exception):
    """A file cannot be gone on with: its upload was completed or aborted, or its parts are not the ones we know of."""


@dataclass(frozen=True)
class Objects:
    client: S3Client
    bucket: str

    def put(self, key: str, body: bytes, media_type: str) -> None:
        """A small file in one go."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=media_type)

    def keep(self, key: str, body: bytes, said: Mapping[str, str]) -> None:
        """Keeps something for whoever goes on, with what is to be said of it, in place of what was there."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body, Metadata=said)

    def kept(self, key: str) -> tuple[bytes, Mapping[str, str]]:
        """What `keep` kept. Raises UploadGone if it is not there any more."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as refused:
            raise _named(refused) from None
        return answer["Body"].read(), answer["Metadata"]

    def forget(self, key: str) -> None:
        """Removes what `keep` kept, if it is there."""
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def begin(self, key: str, media_type: str) -> str:
        """The id of a new upload in parts. One that is begun and forgotten is removed by the bucket after a day."""
        begun = self.client.create_multipart_upload(Bucket=self.bucket, Key=key, ContentType=media_type)
        return begun["UploadId"]

    def part(self, key: str, upload: str, number: int, body: bytes) -> str:
        """Writes part `number` (from 1) in place of what it was; its ETag. Raises UploadGone."""
        try:
            answer = self.client.upload_part(Bucket=self.bucket, Key=key, UploadId=upload, PartNumber=number, Body=body)
        except ClientError as refused:
            raise _named(refused) from None
        return answer["ETag"]

    def complete(self, key: str, upload: str, etags: Sequence[str]) -> None:
        """Makes the parts a file. Raises UploadGone, also if it was completed and nobody heard."""
        parts: Any = [{"PartNumber": at, "ETag": etag} for at, etag in enumerate(etags, 1)]
        try:
            self.client.complete_multipart_upload(
                Bucket=self.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except ClientError as refused:
            raise _named(refused) from None

    def abort(self, key: str, upload: str) -> None:
        """Removes the parts of an upload; one that is gone already is fine."""
        try:
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)
        except ClientError as refused:
            if not isinstance(_named(refused), UploadGone):
                raise


def _named(refused: ClientError) -> Exception:
    return UploadGone() if refused.response["Error"]["Code"] in _UNUSABLE else refused


@lru_cache(maxsize=1)
def objects() -> Objects:
    return Objects(cast("S3Client", sdk.client("s3", _CONFIG)), os.environ["EXPORTS_BUCKET_NAME"])
