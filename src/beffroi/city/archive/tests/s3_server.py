"""As much of S3 as a file system needs, in memory: objects, listings, uploads in parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

XML = '<?xml version="1.0" encoding="UTF-8"?>'
DATE = "Wed, 01 Jul 2026 00:00:00 GMT"


class Bucket:
    """The objects of a server, and the uploads that are not complete."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.lock = Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        content = self.bucket.objects.get(self._key())
        is_bucket = "/" not in self._key()
        self._answer(200 if is_bucket or content is not None else 404, content or b"", head=True)

    def do_GET(self) -> None:
        asked = self._asked()
        if "list-type" in asked:
            self._list(asked)
            return
        content = self.bucket.objects.get(self._key())
        if content is None:
            self._answer(404, f"{XML}<Error><Code>NoSuchKey</Code></Error>".encode())
            return
        span = self.headers.get("Range", "")
        if span.startswith("bytes="):
            first, last = span.removeprefix("bytes=").split("-")
            end = int(last) + 1 if last else len(content)
            where = f"bytes {first}-{min(end, len(content)) - 1}/{len(content)}"
            self._answer(206, content[int(first) : end], {"Content-Range": where})
            return
        self._answer(200, content)

    def do_PUT(self) -> None:
        asked, body = self._asked(), self._body()
        with self.bucket.lock:
            if "uploadId" in asked:
                self.bucket.uploads[asked["uploadId"]][int(asked["partNumber"])] = body
            else:
                self.bucket.objects[self._key()] = body
        self._answer(200, b"", {"ETag": f'"{hashlib.sha256(body).hexdigest()}"'})

    def do_POST(self) -> None:
        asked, body = self._asked(), self._body()
        if "delete" in asked:
            for found in body.decode().split("<Key>")[1:]:
                self.bucket.objects.pop(f"{self._key()}/{found.split('<')[0]}", None)
            self._answer(200, f"{XML}<DeleteResult></DeleteResult>".encode())
        elif "uploads" in asked:
            name = f"upload-{len(self.bucket.uploads)}"
            self.bucket.uploads[name] = {}
            told = f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId>"
            self._answer(200, f"{XML}{told}</InitiateMultipartUploadResult>".encode())
        else:
            with self.bucket.lock:
                parts = self.bucket.uploads.pop(asked["uploadId"])
                self.bucket.objects[self._key()] = b"".join(parts[rank] for rank in sorted(parts))
            told = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
            self._answer(200, f"{XML}{told}".encode())

    def do_DELETE(self) -> None:
        self.bucket.objects.pop(self._key(), None)
        self._answer(204, b"")

    def _list(self, asked: dict[str, str]) -> None:
        bucket, prefix = self._key(), asked.get("prefix", "")
        mark = asked.get("delimiter", "")
        files, folders = [], set()
        for path, content in sorted(self.bucket.objects.items()):
            name = path.removeprefix(f"{bucket}/")
            if not path.startswith(f"{bucket}/") or not name.startswith(prefix):
                continue
            rest = name.removeprefix(prefix)
            if mark and mark in rest:
                folders.add(prefix + rest.split(mark)[0] + mark)
                continue
            files.append(
                f"<Contents><Key>{escape(name)}</Key><Size>{len(content)}</Size>"
                "<LastModified>2026-07-01T00:00:00.000Z</LastModified></Contents>"
            )
        found = "".join(files) + "".join(
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
            for name in sorted(folders)
        )
        count = f"<KeyCount>{len(files) + len(folders)}</KeyCount><IsTruncated>false</IsTruncated>"
        self._answer(200, f"{XML}<ListBucketResult>{count}{found}</ListBucketResult>".encode())

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    def _asked(self) -> dict[str, str]:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in query.items()}

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(iter(self._piece, b""))
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return body
        content = b""
        while body:  # length;signature CRLF octets CRLF, then trailers
            line, _mark, body = body.partition(b"\r\n")
            length = int(line.split(b";")[0], 16)
            if not length:
                break
            content, body = content + body[:length], body[length + 2 :]
        return content

    def _piece(self) -> bytes:
        length = int(self.rfile.readline(), 16)
        piece = self.rfile.read(length)
        self.rfile.readline()
        return piece

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, head: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in {"Last-Modified": DATE, "ETag": '"x"', **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not head:
            self.wfile.write(body)


@contextmanager
def s3_server() -> Iterator[tuple[str, Bucket]]:
    """Serve a bucket on loopback; gives the address and what it holds."""
    bucket = Bucket()
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
