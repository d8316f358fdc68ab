"""DynamoDB and S3 as far as an export needs them, on loopback, in a process of their own.

python -m tests.bench.export_stub FOLDER   prints its port. FOLDER has `item.json`, the export's item, and `page.json`,
a page of the index, in which MARK stands for the page's number. How many calls a number has its id says.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.bench.export_cases import ITEMS_OF_A_PAGE, MARK, NUMBER_ID, page_of

BEGUN = b"<InitiateMultipartUploadResult><UploadId>upload</UploadId></InitiateMultipartUploadResult>"
COMPLETE = b"<CompleteMultipartUploadResult><ETag>whole</ETag></CompleteMultipartUploadResult>"


def queried(asked: dict[str, Any], page: bytes) -> bytes:
    """The page that a query is answered with."""
    values = asked["ExpressionAttributeValues"].values()
    (calls,) = (int(value["S"].removeprefix(NUMBER_ID)) for value in values if "S" in value)
    start = asked.get("ExclusiveStartKey")
    number = 0 if start is None else page_of(int(start["calledAt"]["N"])) + 1
    answer = page.replace(MARK, b"%06d" % number)
    if (number + 1) * ITEMS_OF_A_PAGE >= calls:
        return answer
    last = json.loads(answer[answer.rindex(b'{"PK"') : answer.rindex(b"]")])
    key = {name: last[name] for name in ("PK", "SK", "callsOf", "calledAt")}
    return answer[:-1] + b',"LastEvaluatedKey":' + json.dumps(key).encode() + b"}"


def serve(item: bytes, page: bytes) -> None:
    """Answers until it is ended."""
    updated = b'{"Attributes":%b}' % item

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = self._read()
            target = self.headers.get("X-Amz-Target")
            if target is None:
                self._answer(BEGUN if "uploads" in self.path else COMPLETE, "application/xml")
                return
            answer = queried(json.loads(body), page) if target.endswith("Query") else updated
            self._answer(answer, "application/x-amz-json-1.0")

        def do_PUT(self) -> None:
            self._read()
            self._answer(b"", "application/xml")

        def do_DELETE(self) -> None:
            self._answer(b"", "application/xml")

        def _read(self) -> bytes:
            if self.headers.get("Expect") == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            return self.rfile.read(int(self.headers["Content-Length"]))

        def _answer(self, answer: bytes, media_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("ETag", '"part"')
            self.end_headers()
            self.wfile.write(answer)

        def handle_expect_100(self) -> bool:
            return True  # where the body is read

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    given = Path(sys.argv[1])
    serve((given / "item.json").read_bytes(), (given / "page.json").read_bytes())
