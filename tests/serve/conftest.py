from dataclasses import replace

import pytest
from untrained import diccoser, make

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("python_multipart", reason="python-multipart is not installed")

from starlette.testclient import TestClient

from sercli.serve.app import build_app
from sercli.serve.service import Service, Settings
from sercli.web.loaded import load


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Folders of untrained bundles by name."""
    root = tmp_path_factory.mktemp("bundles")
    small = make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 8, "arcface_scale": 20.0}, mean=-5.0)
    facts = {"corpus": "emodb", "licence": "CC0", "warning": "Wrong for every second recording."}
    linear = make("linear", {"x": {"kind": "logmel3d"}}, {"layers": [0]})
    choice = linear.inputs["x"].with_settings(statistics="per-speaker")
    made = {
        "classes": replace(small, facts=facts),
        "traces": diccoser("b"),
        "speakers": replace(linear, inputs={"x": choice}),
    }
    for name, bundle in made.items():
        bundle.save(root / name)
    return {name: root / name for name in made}


@pytest.fixture(scope="session")
def models(bundles):
    """Loaded bundles by name."""
    return {name: load([path])[0] for name, path in bundles.items()}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "private"
    path.mkdir()
    return path


@pytest.fixture
def service(models, folder):
    """Make a service: service("classes", places=2)."""

    def service_(name="classes", **settings):
        return Service(models[name], Settings(**settings), folder)

    return service_


@pytest.fixture
def client(service):
    """Make a client of a service: client("classes", places=2); ``.service`` is the service."""
    opened = []

    def client_(name="classes", **settings):
        made = service(name, **settings)
        found = TestClient(build_app(made), raise_server_exceptions=False)
        found.__enter__()
        found.service = made
        opened.append(found)
        return found

    yield client_
    for each in opened:
        each.__exit__()
