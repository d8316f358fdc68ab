"""URLs by which a file is downloaded without a token, for an hour at most.

They are signed by a role that may read exports and nothing else, in a session of an hour: a URL dies with the session
that signed it, and a function's own session may be almost over.
"""

import os
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from botocore.config import Config

from switchboard.store import sdk

_SESSION_SECONDS = 3600
"""The longest that AWS allows a role which is assumed by a function's."""

_FRESH_SECONDS = 600
"""How long a session is used for new URLs, so that each is good for 50 minutes at least."""

_STS = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
_S3 = Config(signature_version="s3v4")


@dataclass
class Downloads:
    """role: the ARN of the role that may download."""

    role: str
    bucket: str
    _signer: Any = None
    _ends: float = field(default=0.0)

    def url(self, key: str, filename: str, until: int) -> tuple[str, int]:
        """A URL that answers GET with the file under that name, and until when: `until` (Unix seconds) at most."""
        now = int(time.time())
        if self._ends - now < _SESSION_SECONDS - _FRESH_SECONDS:
            self._assume()
        seconds = min(int(self._ends), until) - now
        url: str = self._signer.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self.bucket,
                "Key": key,
                "ResponseContentDisposition": f'attachment; filename="{filename}"',
            },
            ExpiresIn=seconds,
        )
        return url, now + seconds

    def _assume(self) -> None:
        answer = _sts().assume_role(RoleArn=self.role, RoleSessionName="download", DurationSeconds=_SESSION_SECONDS)
        credentials = answer["Credentials"]
        self._signer = sdk.session().create_client(
            "s3",
            config=_S3,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )
        self._ends = credentials["Expiration"].timestamp()


@lru_cache(maxsize=1)
def _sts() -> Any:
    return sdk.client("sts", _STS)


@lru_cache(maxsize=1)
def downloads() -> Downloads:
    return Downloads(os.environ["DOWNLOAD_ROLE_ARN"], os.environ["EXPORTS_BUCKET_NAME"])
