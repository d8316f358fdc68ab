"""DynamoDB and Secrets Manager as far as a bench needs them: constant answers on loopback, in a process of their own.

python -m tests.bench.stub ANSWERS   prints its port. ANSWERS: a JSON file {operation: answer}, where the answer of
GetItem is one for each sort key.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def serve(answers: dict[str, Any]) -> None:
    """Answers until it is ended."""
    constant = {name: json.dumps(answer).encode() for name, answer in answers.items() if name != "GetItem"}
    items = {sort_key: json.dumps(answer).encode() for sort_key, answer in answers["GetItem"].items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept, as AWS keeps them
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            _, _, operation = self.headers["X-Amz-Target"].rpartition(".")
            answer = items[json.loads(body)["Key"]["SK"]["S"]] if operation == "GetItem" else constant[operation]
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(json.loads(Path(sys.argv[1]).read_text()))
