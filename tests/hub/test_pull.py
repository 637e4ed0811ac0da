import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from conftest import tone
from hub_stand_in import OWNER, READER, contents

from sercli.bundle import Bundle
from sercli.config import digest


@pytest.fixture
def pushed(hub, login, run, exported):
    """A bundle in the repository me/model; returns its folder here."""
    login()
    folder = exported(more=["speech.onnx"])
    run("push", folder, "me/model")
    hub.requests.clear()
    return folder


def described_anew(files):
    """Make the digests of a bundle's files fit again, as one would who changes it on purpose."""
    description = json.loads(files["bundle.json"])
    description["weights_sha256"] = hashlib.sha256(files["weights.safetensors"]).hexdigest()
    named = description["files"]
    description["files"] = {
        name: hashlib.sha256(files[name]).hexdigest() if name in files else named[name] for name in named
    }
    del description["digest"]
    description["digest"] = digest(description, 64)
    return files | {"bundle.json": json.dumps(description).encode()}


def test_a_round_trip_is_the_same_to_the_bit_and_predicts(hub, run, pushed, tmp_path, write_wav):
    write_wav(tmp_path / "a.wav", tone(1.0))
    before = run("predict", pushed, "a.wav", "--json")
    status, out, err = run("pull", "me/model", "got")
    assert (status, err) == (0, "")
    assert contents(tmp_path / "got") == contents(pushed)
    assert run("predict", "got", "a.wav", "--json") == before
    commit = hub.repos["me/model"].branches["main"][-1][0]
    for told in (
        "bundle     got: mdcnn, trained on Synthetic",
        f"commit     {commit} of me/model",
        "outputs    anger, happiness, neutral, sadness",
        "licence    of the recordings: CC0 1.0",
        "note: Partial corpus: 1 < 2.",
        "note: No people.",
        "sercli predict got",
    ):
        assert told in out, told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "got", "model"]


def test_the_folder_is_named_like_the_repository_and_never_replaced(hub, run, pushed, tmp_path):
    pushed.rename(tmp_path / "kept")
    assert run("pull", "me/model")[0] == 0
    assert (tmp_path / "model" / "weights.safetensors").exists()
    hub.requests.clear()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").write_text("")
    for out in ("model", "link", "file"):
        status, _, err = run("pull", "me/model", out)
        assert (status, err) == (1, f"error: {out}: exists already; name another folder, or remove it\n")
    assert hub.requests == []
    (tmp_path / "empty").mkdir()
    assert run("pull", "me/model", "empty")[0] == 0
    assert run("pull", "me/model", "new/folders/model")[0] == 0


def test_only_what_the_bundle_names_is_got(hub, run, pushed, tmp_path):
    more = {"train.py": b"import os", "model.pkl": b"\x80", "pytorch_model.bin": b"", "a/config.json": b"{}"}
    hub.add("me/model", hub.files("me/model") | more)
    status, out, _ = run("pull", "me/model", "got")
    assert (status, contents(tmp_path / "got") == contents(pushed)) == (0, True)
    assert "not downloaded: a/config.json, model.pkl, pytorch_model.bin, train.py" in out
    asked = {path.rpartition("/")[2] for path in hub.got("GET", "/resolve/") + hub.got("HEAD", "/resolve/")}
    assert asked == {"README.md", "bundle.json", "speech.onnx", "weights.safetensors"}


@pytest.mark.parametrize("name", ["run.py", "../evil.md", ".hidden.md", "x\n.md"])
def test_a_bundle_that_names_another_kind_of_file_is_refused(hub, run, pushed, tmp_path, name):
    files = hub.files("me/model") | {name: b"x"}
    description = json.loads(files["bundle.json"])
    description["files"][name] = "0"
    hub.add("me/model", described_anew(files | {"bundle.json": json.dumps(description).encode()}))
    status, _, err = run("pull", "me/model", "got")
    assert (status, err.count("\n")) == (1, 1)
    assert "which no bundle has" in err
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert [path for _, path in hub.requests if path.endswith((".py", ".pkl", "evil.md"))] == []
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("spoil", ["weights", "card", "description", "pickle", "missing"])
def test_what_is_not_the_bundle_that_was_exported_never_appears(hub, run, pushed, tmp_path, spoil):
    files = hub.files("me/model")
    if spoil == "weights":
        files["weights.safetensors"] = files["weights.safetensors"][:-1] + b"\xff"
    elif spoil == "card":
        files["README.md"] += b"Never wrong."
    elif spoil == "description":
        files["bundle.json"] = files["bundle.json"].replace(b"synth-4", b"synth-5")
    elif spoil == "pickle":
        files = described_anew(files | {"weights.safetensors": b"\x80\x04cos\nsystem\n"})
    else:
        del files["weights.safetensors"]
    hub.add("me/model", files)
    status, _, err = run("pull", "me/model", "got")
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith("error: me/model: ")
    assert ".tmp" not in err
    assert [path.name for path in tmp_path.iterdir() if "got" in path.name and not _waits(path)] == []


def _waits(path):
    """Whether a folder is the one in which files wait for a later pull; of a spoilt bundle none do."""
    return path.name.endswith(".part") and not (path / "weights.safetensors").exists()


def test_what_holds_no_bundle_is_told(hub, login, run):
    login()
    hub.add("me/bert", {"config.json": b"{}"})
    assert "holds no bundle (no bundle.json)" in run("pull", "me/bert")[2]
    for content in (b"[]", b"{}", b"\xff", b"[" * 100_000):
        hub.add("me/odd", {"bundle.json": content, "weights.safetensors": b""})
        assert "its bundle.json is not that of a bundle" in run("pull", "me/odd")[2]


def test_what_is_larger_than_any_bundle_is_not_got(hub, run, pushed, monkeypatch):
    monkeypatch.setattr("sercli.hub._files._MOST_BYTES", 10_000)
    assert "bytes, more than the 10000 of the largest bundle" in run("pull", "me/model", "got")[2]
    assert not [path for path in hub.got("HEAD", "/resolve/") if "weights" in path]
    monkeypatch.setattr("sercli.hub._files._MOST_DESCRIPTION_BYTES", 10)
    hub.requests.clear()
    assert "bundle.json has" in run("pull", "me/model", "other")[2]
    assert hub.got("HEAD", "/resolve/") == []


def test_a_branch_or_a_commit_can_be_named(hub, run, pushed, exported, tmp_path):
    first = hub.repos["me/model"].branches["main"][-1][0]
    newer = exported("newer", std=3.0)
    run("push", newer, "me/model")
    run("push", exported("wide", std=4.0), "me/model", "--branch", "wide")
    for revision, folder in ((first, "model"), ("main", "newer"), ("wide", "wide")):
        assert run("pull", "me/model", f"got-{folder}", "--revision", revision)[0] == 0
        assert contents(tmp_path / f"got-{folder}") == contents(tmp_path / folder)
    status, _, err = run("pull", "me/model", "got", "--revision", "nosuch")
    assert (status, err) == (
        1,
        "error: me/model: no branch, tag or commit 'nosuch'; its page lists all of them\n",
    )


def test_who_may_not_see_it_is_told_the_same_as_of_what_is_not_there(hub, login, run, pushed, monkeypatch):
    login(READER)
    hidden = run("pull", "me/model", "got")
    assert (hidden[0], "or a private one without access for you" in hidden[2]) == (1, True)
    assert run("pull", "me/nothing", "got")[2] == hidden[2].replace("me/model", "me/nothing")
    monkeypatch.delenv("HF_TOKEN")
    assert run("pull", "me/model", "got")[2] == hidden[2]
    hub.repos["me/model"].private = False
    assert run("pull", "me/model", "got")[0] == 0


def test_after_an_interruption_it_goes_on(hub, run, pushed, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.refuse = {"/lfs/": 500}
    status, _, err = run("pull", "me/model", "got")
    assert (status, err.splitlines()[-1][:16]) == (1, "error: me/model:")
    assert not (tmp_path / "got").exists()
    hub.refuse = {}
    hub.requests.clear()
    assert run("pull", "me/model", "got")[0] == 0
    # Once, to learn what is named; what waits is not got again.
    assert len([path for path in hub.got("GET", "/resolve/") if "bundle.json" in path]) == 1
    assert contents(tmp_path / "got") == contents(pushed)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_after_ctrl_c_what_is_here_waits_for_the_next_pull(hub, run, pushed, tmp_path, monkeypatch):
    from huggingface_hub import HfApi

    whole = HfApi.hf_hub_download

    def interrupted(self, repo, name, **keys):
        if name == "weights.safetensors":
            raise KeyboardInterrupt
        return whole(self, repo, name, **keys)

    with monkeypatch.context() as patch:
        patch.setattr(HfApi, "hf_hub_download", interrupted)
        assert run("pull", "me/model", "got")[0] == 130
    (waiting,) = tmp_path.glob(".got.*.part")
    assert (waiting / "bundle.json").exists()
    hub.requests.clear()
    assert run("pull", "me/model", "got")[0] == 0
    # Once, to learn what is named; what waits is not got again.
    assert len([path for path in hub.got("GET", "/resolve/") if "bundle.json" in path]) == 1
    assert contents(tmp_path / "got") == contents(pushed)


def test_a_transfer_that_breaks_off_is_told_and_leaves_nothing_half(hub, run, pushed, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.cut = 100
    status, _, err = run("pull", "me/model", "got")
    assert (status, not (tmp_path / "got").exists()) == (1, True)
    assert err.splitlines()[-1].startswith("error: me/model: ")
    hub.cut = None
    assert run("pull", "me/model", "got")[0] == 0
    assert contents(tmp_path / "got") == contents(pushed)


def test_a_newer_commit_starts_anew(hub, run, pushed, exported, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.refuse = {"/lfs/": 500}
    run("pull", "me/model", "got")
    hub.refuse = {}
    newer = exported("newer", std=3.0)
    run("push", newer, "me/model")
    assert run("pull", "me/model", "got")[0] == 0
    assert contents(tmp_path / "got") == contents(newer)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_what_a_stranger_wrote_can_not_steer_the_terminal(hub, login, run, exported):
    login()
    card = "---\n---\n> **\x1b[2Jgone**\n"
    run("push", exported(card=card, title="\x1b]0;x\x07", licence="CC0\r1.0"), "me/model")
    status, out, err = run("pull", "me/model", "got")
    assert status == 0
    assert not {"\x1b", "\x07", "\r"} & set(out + err)


def test_the_environment_names_the_hub_and_the_login(hub, exported, tmp_path):
    hub.add("me/model", contents(exported()), private=True)
    home = tmp_path / "home"
    home.mkdir()
    (home / "token").write_text(OWNER)
    named = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "no_proxy": "*"}
    done = subprocess.run(
        [sys.executable, "-m", "sercli", "pull", "me/model", "got"],
        cwd=tmp_path,
        env=os.environ | named,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "got") == contents(tmp_path / "model")


def test_what_appears_at_the_place_meanwhile_is_kept(hub, run, pushed, tmp_path, monkeypatch):
    from huggingface_hub import HfApi

    whole = HfApi.hf_hub_download

    def busy(self, repo, name, **keys):
        (tmp_path / "got").mkdir(exist_ok=True)
        (tmp_path / "got" / "thesis.txt").write_text("years of work")
        return whole(self, repo, name, **keys)

    monkeypatch.setattr(HfApi, "hf_hub_download", busy)
    status, _, err = run("pull", "me/model", "got")
    assert (status, err.splitlines()[-1][:26]) == (1, "error: got: can't be made ")
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["thesis.txt"]
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("out", [".", ".."])
def test_the_folder_at_hand_is_no_place(hub, run, pushed, out):
    assert "not a new folder" in run("pull", "me/model", out)[2]


def test_the_folder_at_hand_is_none_by_another_name(hub, run, pushed, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert "not a new folder" in run("pull", "me/model", "../here")[2]
    (tmp_path / "here" / "new").mkdir()
    assert run("pull", "me/model", "new")[0] == 0


def test_what_is_no_commit_is_never_part_of_a_path(hub, run, pushed, tmp_path):
    branch = hub.repos["me/model"].branches["main"]
    branch[-1] = ("../../elsewhere", branch[-1][1])
    status, _, err = run("pull", "me/model", "got")
    assert (status, err) == (1, "error: me/model: the Hub states no commit\n")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_repository_of_thousands_of_files_is_told_in_short(hub, run, pushed):
    more = {f"shard-{i:04}.bin": b"" for i in range(1000)}
    hub.add("me/model", hub.files("me/model") | more)
    _, out, _ = run("pull", "me/model", "got")
    assert "not downloaded: shard-0000.bin" in out
    assert "shard-0009.bin and 990 more\n" in out


def test_a_card_of_endless_notices_is_cut(hub, run, pushed):
    files = hub.files("me/model")
    files["README.md"] += b"\n".join(b"> **notice %d**" % i for i in range(5000))
    hub.add("me/model", described_anew(files))
    _, out, _ = run("pull", "me/model", "got")
    assert out.count("note: ") == 11
    assert "more, see README.md" in out


def test_an_encoder_inside_the_bundle_comes_along(hub, login, run, tmp_path, write_wav):
    from small_encoders import encoder_folder
    from untrained import make

    from sercli.encoders.copying import copy_encoder

    login()
    bundle = make("linear", {"x": {"kind": "pretrained", "model": str(encoder_folder("hubert"))}})
    source = bundle.inputs["x"].config.source

    def beside(folder):
        (folder / "README.md").write_text("---\nlibrary_name: sercli\n---\n# A model\n")
        copy_encoder(source, folder)

    facts = {"corpus": "synth", "licence": "CC0 1.0", "started_from": [], "figures": None}
    replace(bundle, facts=facts).save(tmp_path / "model", beside)
    write_wav(tmp_path / "a.wav", tone(1.0))
    status, _, err = run("push", "model", "me/other", "--public")
    assert (status, "holds an encoder whose licence may forbid" in err) == (1, True)
    status, out, err = run("push", "model", "me/model")
    assert status == 0, err
    assert f"{source.folder}/model.safetensors" in out
    status, _, err = run("pull", "me/model", "got")
    assert (status, err) == (0, "")
    assert contents(tmp_path / "got") == contents(tmp_path / "model")
    place = (tmp_path / "got" / source.folder).resolve()
    assert Bundle.load(tmp_path / "got").inputs["x"].config.source.model == str(place)
    assert run("predict", "got", "a.wav", "--json") == run("predict", "model", "a.wav", "--json")
