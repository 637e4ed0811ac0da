"""A Hub to push to and pull from, and bundles to push."""

import logging
import threading
from dataclasses import replace
from functools import cache

import pytest
from hub_stand_in import OWNER, Hub
from untrained import make


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The stand-in, to which the library's settings point; nobody is logged in."""
    constants = pytest.importorskip("huggingface_hub.hf_api").constants
    monkeypatch.setenv("no_proxy", "*")
    # What it logs about retries goes to a stream that an earlier test had.
    monkeypatch.setattr(logging.getLogger("huggingface_hub"), "handlers", [logging.NullHandler()])
    monkeypatch.setattr(logging.getLogger("huggingface_hub"), "propagate", False)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "hf-home"
    with Hub() as server:
        for name, value in {
            "ENDPOINT": server.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
            "HF_HOME": str(home),
            "HF_HUB_CACHE": str(home / "hub"),
            "HF_TOKEN_PATH": str(home / "token"),
            "HF_STORED_TOKENS_PATH": str(home / "stored_tokens"),
            "HF_HUB_DISABLE_XET": True,
        }.items():
            monkeypatch.setattr(constants, name, value, raising=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def login(monkeypatch):
    """Log in: login() as who may write, login(READER) as who may not."""
    return lambda token=OWNER: monkeypatch.setenv("HF_TOKEN", token)


FACTS = {
    "corpus": "synth",
    "scheme": "synth-4",
    "protocol": "leave-one-speaker-out@1",
    "fold": 1,
    "seed": 0,
    "title": "Synthetic",
    "licence": "CC0 1.0",
    "started_from": [],
    "figures": {"utterances": 24},
}
CARD = "---\nlibrary_name: sercli\n---\n# A model\n\n> **Partial corpus: 1 &lt; 2.**\n\n> **No people.**\n"


@cache
def built(std):
    return make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 4, "blocks": 1}, mean=-5.0, std=std)


@pytest.fixture
def exported(tmp_path):
    """Write a bundle with a card as `sercli export` does: exported(name, licence=...) returns its folder."""

    def write(name="model", card=CARD, more=(), std=2.0, **facts):
        bundle = replace(built(std), facts=FACTS | facts)

        def beside(folder):
            if card is not None:
                (folder / "README.md").write_text(card)
            for each in more:
                (folder / each).write_bytes(each.encode())

        bundle.save(tmp_path / name, beside)
        return tmp_path / name

    return write


@pytest.fixture
def run(monkeypatch, command_line, tmp_path):
    """Run a command in ``tmp_path``: run("pull", ...) returns status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run_(*arguments):
        status, out, err = command_line(*arguments)
        assert "secret" not in out + err
        return status, out, err

    return run_
