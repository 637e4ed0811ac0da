"""A small stand-in for the Hub, which speaks what its library asks when it pushes and pulls."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

OWNER, READER = "hf_owner_secret", "hf_reader_secret"


@dataclass
class Repo:
    private: bool
    branches: dict = field(default_factory=dict)  # name to list of commits, each (id, files)

    def find(self, revision):
        """Give the commit and the files of a branch or a commit."""
        if revision in self.branches:
            return self.branches[revision][-1]
        return next((c for commits in self.branches.values() for c in commits if c[0] == revision), None)


class Hub(ThreadingHTTPServer):
    """Repositories in memory; keeps each request as method and path."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos, self.blobs, self.requests, self.messages = {}, {}, [], []
        self.refuse = {}  # part of a path to the status it is answered with
        self.bad_card = None
        self.cut = None  # bytes after which a download breaks off
        self.url = f"http://127.0.0.1:{self.server_port}"

    def add(self, name, files, *, private=False, branch="main"):
        repo = self.repos.setdefault(name, Repo(private))
        commits = repo.branches.setdefault(branch, [])
        content = json.dumps([name, len(commits), sorted(files)]).encode()
        commits.append((hashlib.sha1(content).hexdigest(), dict(files)))
        return commits[-1][0]

    def got(self, method, part):
        return [path for m, path in self.requests if m == method and part in path]

    def files(self, name, branch="main"):
        return self.repos[name].branches[branch][-1][1]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, status=200, body=b"", headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **dict(headers)}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: self.server.cut] if self.path.startswith("/lfs/") else body)

    def fail(self, status, code="", message=""):
        self.answer(status, {"error": message}, {"X-Error-Code": code, "X-Error-Message": message})

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def handle_request(self):
        self.path = unquote(self.path)
        parts, body = urlsplit(self.path), self.body()
        self.server.requests.append((self.command, parts.path))
        self.token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        for part, status in self.server.refuse.items():
            if part in self.path:
                return self.fail(status, message="so it is")
        if self.token not in {"", OWNER, READER}:
            return self.fail(401, message="Invalid credentials in Authorization header")
        for pattern, method in self.routes.items():
            match = re.fullmatch(pattern, f"{self.command} {parts.path}")
            if match:
                return method(self, body=body, query=parse_qs(parts.query), **match.groupdict())
        return self.fail(404, message="no such route")

    do_GET = do_HEAD = do_POST = do_PUT = handle_request

    def repo(self, name, revision=None, *, write=False):
        """Give a repository, or answer why not."""
        found = self.server.repos.get(name)
        if found is None or (found.private and self.token != OWNER):
            return self.fail(404 if self.token else 401, "RepoNotFound", "Repository not found")
        if write and self.token != OWNER:
            return self.fail(403, message="You don't have the rights")
        if revision is not None and found.find(revision) is None:
            return self.fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return found

    def create(self, body, query):
        asked = json.loads(body)
        if self.token != OWNER:
            return self.fail(403, message="You don't have the rights")
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.server.repos:
            return self.fail(409, message="You already created this model repo")
        private = asked.get("private", asked.get("visibility") == "private")
        self.server.add(name, {".gitattributes": b"*.safetensors lfs\n"}, private=private)
        return self.answer(body={"url": f"{self.server.url}/{name}"})

    def info(self, body, query, name, revision="main"):
        repo = self.repo(name, revision or "main")
        if repo is None:
            return None
        commit, files = repo.find(revision or "main")
        sizes = "blobs" in query
        siblings = [{"rfilename": n} | ({"size": len(c)} if sizes else {}) for n, c in files.items()]
        told = {"id": name, "modelId": name, "sha": commit, "private": repo.private, "siblings": siblings}
        return self.answer(body=told | {"tags": [], "downloads": 0, "likes": 0})

    def validate(self, body, query):
        told = json.loads(body)
        assert told["content"].startswith("---\n")
        if self.server.bad_card:
            return self.answer(400, {"errors": [{"message": self.server.bad_card}], "warnings": []})
        return self.answer(body={"errors": [], "warnings": []})

    def preupload(self, body, query, name, revision):
        repo = self.repo(name, revision, write=True)
        if repo is None:
            return None
        files = repo.find(revision)[1]
        answer = []
        for each in json.loads(body)["files"]:
            path = each["path"]
            lfs = path.endswith((".safetensors", ".onnx", ".pt2"))
            content = files.get(path)
            oid = None if content is None else _sha256(content) if lfs else _git_hash(content)
            mode = "lfs" if lfs else "regular"
            answer.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return self.answer(body={"files": answer})

    def batch(self, body, query, name):
        objects = []
        for each in json.loads(body)["objects"]:
            upload = {"href": f"{self.server.url}/lfs/{each['oid']}", "header": {}}
            known = each["oid"] in self.server.blobs
            objects.append(each | ({} if known else {"actions": {"upload": upload}}))
        return self.answer(body={"transfer": "basic", "objects": objects})

    def upload(self, body, query, oid):
        assert _sha256(body) == oid
        self.server.blobs[oid] = body
        return self.answer()

    def blob(self, body, query, oid):
        assert not self.token
        return self.answer(body=self.server.blobs[oid])

    def commit(self, body, query, name, revision):
        repo = self.repo(name, revision, write=True)
        if repo is None:
            return None
        parent, files = repo.find(revision)
        files = dict(files)
        for line in body.splitlines():
            told = json.loads(line)
            value = told["value"]
            if told["key"] == "header":
                self.server.messages.append(value["summary"])
                if value.get("parentCommit") != parent:
                    return self.fail(412, message="A commit has happened since")
            elif told["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif told["key"] == "lfsFile":
                files[value["path"]] = self.server.blobs[value["oid"]]
            else:
                assert told["key"] == "deletedFile"
                del files[value["path"]]
        oid = self.server.add(name, files, branch=revision)
        url = f"{self.server.url}/{name}/commit/{oid}"
        return self.answer(body={"success": True, "commitOid": oid, "commitUrl": url})

    def branch(self, body, query, name, branch):
        repo = self.repo(name, write=True)
        if repo is not None:
            repo.branches[branch] = list(repo.branches["main"])
            self.answer(body={})

    def resolve(self, body, query, name, revision, file):
        repo = self.repo(name, revision)
        if repo is None:
            return None
        commit, files = repo.find(revision)
        if file not in files:
            return self.fail(404, "EntryNotFound", "Entry not found")
        content = files[file]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{_git_hash(content)}"'}
        if not file.endswith((".safetensors", ".onnx", ".pt2")):
            return self.answer(body=content, headers=headers)
        oid = _sha256(content)
        self.server.blobs[oid] = content
        linked = {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(content))}
        # Large files lie on another host, to which the library sends no login.
        place = f"http://localhost:{self.server.server_port}/lfs/{oid}"
        return self.answer(302, headers=headers | linked | {"Location": place})

    _NAME = r"(?P<name>[^/]+/[^/]+)"
    routes: ClassVar = {
        r"POST /api/repos/create": create,
        rf"GET /api/models/{_NAME}(/revision/(?P<revision>.+))?": info,
        r"POST /api/validate-yaml": validate,
        rf"POST /api/models/{_NAME}/preupload/(?P<revision>.+)": preupload,
        rf"POST /{_NAME}\.git/info/lfs/objects/batch": batch,
        r"PUT /lfs/(?P<oid>\w+)": upload,
        r"(GET|HEAD) /lfs/(?P<oid>\w+)": blob,
        rf"POST /api/models/{_NAME}/commit/(?P<revision>.+)": commit,
        rf"POST /api/models/{_NAME}/branch/(?P<branch>.+)": branch,
        rf"(GET|HEAD) /{_NAME}/resolve/(?P<revision>[^/]+)/(?P<file>.+)": resolve,
    }


def _sha256(content):
    return hashlib.sha256(content).hexdigest()


def _git_hash(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def contents(folder):
    """Read the files below a folder: bytes by relative name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
