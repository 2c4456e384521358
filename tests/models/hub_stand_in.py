"""A stand-in for the Hugging Face hub on loopback: the few addresses that reading and sharing a preset need."""

import base64
import hashlib
import http.server
import json
import re
import threading
import urllib.parse


class HubStandIn:
    """Serves repositories from memory.

    Attributes:
        repositories: "organisation/name" -> file name -> bytes.
        address: Where it listens, to be put into `HF_ENDPOINT`.
        asked: Every path that was asked for.
    """

    def __init__(self):
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []
        stand_in = self

        class Handler(_Handler):
            hub = stand_in

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def commit_of(files):
    """A made-up commit hash that follows the content."""
    return hashlib.sha1(b"".join(name.encode() + files[name] for name in sorted(files))).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: HubStandIn

    def log_message(self, *words):
        """Says nothing."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.hub.asked.append(self.path)
        path = urllib.parse.unquote(self.path.partition("?")[0])
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            files = self.hub.repositories.get(found[1])
            if files is None or found[2] not in (None, "main", commit_of(files)):
                code = "RepoNotFound" if files is None else "RevisionNotFound"
                return self._answer(404, b"{}", {"X-Error-Code": code})
            siblings = [{"rfilename": name} for name in files]
            about = {"id": found[1], "sha": commit_of(files), "siblings": siblings, "private": False}
            return self._json(about)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/(.+)", path):
            files = self.hub.repositories[found[1]]
            entries = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in files.items()
            ]
            return self._json(entries)
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            files = self.hub.repositories.get(found[1], {})
            if found[3] not in files:
                return self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            content = files[found[3]]
            etag = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": commit_of(files)}
            return self._answer(200, content, etag)
        return self._answer(404, b"{}")

    def do_POST(self):
        self.hub.asked.append(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "Bearer" not in self.headers.get("Authorization", ""):
            return self._answer(401, b"{}")
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            if name in self.hub.repositories:
                return self._answer(409, json.dumps({"url": f"{self.hub.address}/{name}"}).encode())
            self.hub.repositories[name] = {}
            return self._json({"url": f"{self.hub.address}/{name}", "id": name})
        if self.path.endswith("/validate-yaml"):
            return self._json({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return self._json({"files": files})
        found = re.match(r"/api/models/([^/]+/[^/]+)/commit/", self.path)
        assert found, self.path
        files = self.hub.repositories[found[1]]
        for line in body.decode().splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
        commit = commit_of(files)
        url = f"{self.hub.address}/{found[1]}/commit/{commit}"
        return self._json({"commitUrl": url, "commitOid": commit, "success": True, "pullRequestUrl": None})

    def _json(self, value):
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, status, content, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
