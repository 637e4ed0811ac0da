import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from hub_stand_in import READER, contents

from sercli.hub import HubError
from sercli.hub.push import _check_licence


def test_what_is_pushed_is_exactly_the_bundle_as_one_private_commit(hub, login, run, exported):
    login()
    folder = exported(more=["speech.onnx"])
    (folder / "notes.txt").write_text("mine")
    status, out, err = run("push", folder, "me/model")
    assert (status, err) == (0, "note: files that are not part of the bundle were not uploaded: notes.txt\n")
    repo = hub.repos["me/model"]
    assert repo.private
    assert len(repo.branches["main"]) == 2  # the repository's first, and ours
    pushed = hub.files("me/model")
    assert pushed.pop(".gitattributes")
    (folder / "notes.txt").unlink()
    assert pushed == contents(folder)
    assert hub.messages == ["mdcnn on synth-4, fold 1, seed 0 (sercli 0.1.0)"]
    commit = repo.branches["main"][-1][0]
    assert f"commit     {commit}" in out
    assert f"{hub.url}/me/model (made; only you and its members can see it)" in out


def test_a_second_push_removes_what_the_new_bundle_lacks_and_nothing_else(hub, login, run, exported):
    login()
    run("push", exported(more=["speech.onnx"]), "me/model")
    hub.add("me/model", hub.files("me/model") | {"picture.png": b"png", "LICENSE": b"mine"})
    status, out, _ = run("push", exported("second", std=3.0), "me/model", "--message", "without ONNX")
    assert (status, "removed    speech.onnx" in out) == (0, True)
    assert set(hub.files("me/model")) == {
        *(".gitattributes", "picture.png", "LICENSE"),
        *("README.md", "bundle.json", "weights.safetensors"),
    }
    assert hub.messages[-1] == "without ONNX"
    assert len(hub.got("PUT", "/lfs/")) == 2  # equal weights are uploaded once


def test_pushing_the_same_again_commits_nothing(hub, login, run, exported):
    login()
    folder = exported()
    run("push", folder, "me/model")
    status, out, _ = run("push", folder, "me/model")
    assert (status, len(hub.messages)) == (0, 1)
    assert f"commit     {hub.repos['me/model'].branches['main'][-1][0]} (there already)\n" in out


def test_a_branch_is_made_and_main_stays(hub, login, run, exported):
    login()
    run("push", exported(), "me/model")
    before = hub.files("me/model")
    status, out, _ = run("push", exported("other", std=3.0), "me/model", "--branch", "wide")
    assert (status, "branch wide" in out) == (0, True)
    assert hub.files("me/model") == before
    assert hub.files("me/model", "wide")["bundle.json"] != before["bundle.json"]


def test_public_is_said_each_time(hub, login, run, exported):
    login()
    folder = exported()
    assert "everybody can see it" in run("push", folder, "me/open", "--public")[1]
    assert not hub.repos["me/open"].private
    status, _, err = run("push", folder, "me/open")
    assert (status, err) == (
        1,
        "error: me/open: this repository is public; add --public, or name another\n",
    )
    run("push", folder, "me/hidden")
    status, _, err = run("push", folder, "me/hidden", "--public")
    assert (status, hub.repos["me/hidden"].private) == (0, True)
    assert "note: me/hidden is private and stays so" in err


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("CC0 1.0", True),
        ("CC0 1.0 (public domain); synthetic, not to be passed on", False),
        ("free to use", True),
        ("CC BY 4.0", True),
        ("CC BY-NC-SA 4.0", True),
        ("CC BY-ND 4.0", False),
        ("CC BY-NC-ND 4.0", False),
        ("CC BY NC ND", False),
        ("CC BY-NC-SA 4.0 for some, other terms for the rest", False),
        ("free to use for members of the project only", False),
        ("licensed by USC SAIL for research; ask for it there", False),
        ("unknown; whoever has the recordings knows", False),
        ("", False),
        (None, False),
    ],
)
def test_which_licences_let_a_model_be_published(licence, free):
    refused = nullcontext() if free else pytest.raises(HubError, match="--i-have-the-right")
    with refused:
        _check_licence(Path("model"), {"licence": licence, "started_from": []})


def test_a_public_push_of_what_the_licence_does_not_free_asks_for_the_right(hub, login, run, exported):
    login()
    folder = exported(licence="licensed by USC SAIL for research; ask for it there")
    status, _, err = run("push", folder, "me/model", "--public")
    assert (status, hub.requests) == (1, [])
    assert "(licensed by USC SAIL for research; ask for it there); read it" in err
    assert run("push", folder, "me/private")[0] == 0
    assert run("push", folder, "me/model", "--public", "--i-have-the-right")[0] == 0
    assert [hub.repos[name].private for name in ("me/private", "me/model")] == [True, False]


def test_what_is_no_exported_bundle_is_refused_before_anything_is_asked(hub, login, run, exported, tmp_path):
    login()
    (tmp_path / "empty").mkdir()
    assert "make one with `sercli export`" in run("push", "empty", "me/model")[2]
    assert "make one with `sercli export`" in run("push", exported("own", card=None), "me/model")[2]
    changed = exported("changed")
    (changed / "README.md").write_text("better")
    assert "README.md: changed since the bundle was written" in run("push", changed, "me/model")[2]
    described = exported("described")
    text = (described / "bundle.json").read_text().replace('"synth-4"', '"synth-5"')
    (described / "bundle.json").write_text(text)
    assert "bundle.json: changed since it was written" in run("push", described, "me/model")[2]
    foreign = exported("foreign", more=["setup.py"])
    assert "names 'setup.py', which no bundle has" in run("push", foreign, "me/model")[2]
    assert hub.requests == []


@pytest.mark.parametrize(
    "name", ["model", "a/b/c", "me/", "/model", "me/mo del", "me/-x", "me/a--b", "../x", ""]
)
def test_a_malformed_name_is_refused(hub, login, run, name):
    login()
    for command in (("push", "model", name), ("pull", name)):
        status, _, err = run(*command)
        assert (status, err.count("\n")) == (1, 1)
        assert "write OWNER/NAME" in err
    assert hub.requests == []


def test_who_is_not_logged_in_is_told(hub, run, exported):
    status, _, err = run("push", exported(), "me/model")
    assert (status, hub.requests) == (1, [])
    assert (
        err
        == "error: me/model: you are not logged in to the Hub; log in with `hf auth login`, or set HF_TOKEN\n"
    )


def test_the_login_of_the_library_is_used(hub, run, exported, tmp_path):
    (tmp_path / "hf-home").mkdir()
    (tmp_path / "hf-home" / "token").write_text("hf_owner_secret")
    assert run("push", exported(), "me/model")[0] == 0


def test_each_refusal_is_one_line(hub, login, run, exported):
    folder = exported()
    login("hf_stale_secret")
    assert "does not accept this login" in run("push", folder, "me/model")[2]
    login(READER)
    assert "this login has no permission" in run("push", folder, "me/model")[2]
    hub.add("you/model", {".gitattributes": b""})
    assert "this login has no permission" in run("push", folder, "you/model", "--public")[2]
    login()
    hub.add("me/bert", {"config.json": b"{}", "model.safetensors": b""}, private=True)
    status, _, err = run("push", folder, "me/bert")
    assert (status, "holds something else, such as config.json" in err) == (1, True)
    hub.bad_card = '"license_name" is odd'
    assert '"license_name" is odd' in run("push", folder, "me/model")[2]
    assert set(hub.files("me/model")) == {".gitattributes"}


def test_a_failing_upload_leaves_the_repository_as_it_was(hub, login, run, exported, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    login()
    run("push", exported(), "me/model")
    before = hub.files("me/model")
    for part, status, told in (
        ("/preupload/", 500, "the Hub answers 500 (so it is)"),
        ("/lfs/", 403, "no permission (so it is)"),
        ("/commit/", 412, "meanwhile"),
        ("/commit/", 429, "too many requests"),
    ):
        hub.refuse = {part: status}
        code, _, err = run("push", exported("other", std=3.0), "me/model")
        assert (code, err.count("\n")) == (1, 1)
        assert told in err
    assert hub.files("me/model") == before


def test_no_network_is_one_line(hub, login, run, exported, monkeypatch):
    login()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    for command in (("push", exported(), "me/model"), ("pull", "me/model", "got")):
        status, _, err = run(*command)
        assert (status, err.count("\n")) == (1, 1)
        assert err.startswith("error: me/model: the Hub can't be reached (")
        assert err.endswith("check the connection and run again\n")


def test_a_missing_extra_is_one_line_with_the_remedy(run, exported, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for command in (("push", exported(), "me/model"), ("pull", "me/model", "got")):
        status, _, err = run(*command)
        assert (status, err) == (
            1,
            "error: push and pull need 'huggingface_hub': pip install 'sercli[hub]'\n",
        )


def test_what_others_put_there_stays_and_an_edited_card_is_told(hub, login, run, exported):
    login()
    run("push", exported("old", more=["speech.onnx"]), "me/model")
    mine = {"LICENSE.md": b"mine", "demo.onnx": b"mine", "README.md": b"edited on the web"}
    hub.add("me/model", hub.files("me/model") | mine)
    status, out, err = run("push", exported("new", std=3.0), "me/model")
    assert status == 0
    there = hub.files("me/model")
    assert (there["LICENSE.md"], there["demo.onnx"]) == (b"mine", b"mine")
    assert "speech.onnx" not in there
    assert "removed    speech.onnx, of the bundle there before" in out
    assert "the README.md of the repository was edited and is now replaced; " in err
    assert "edited" not in run("push", exported("newer", std=4.0), "me/model")[2]


def test_the_licence_of_every_corpus_that_the_weights_saw_counts():
    free = {"corpus": "emodb", "licence": "free to use"}
    _check_licence(Path("model"), free | {"started_from": [free]})
    for before in ({"corpus": "iemocap"}, {"corpus": "iemocap", "licence": "ask for it"}):
        with pytest.raises(HubError, match=r"trained on recordings \(iemocap\)"):
            _check_licence(Path("model"), free | {"started_from": [before]})


@pytest.mark.parametrize("licence", ["free to use, but no models", "CC BY-NC 4.0; for members only"])
def test_a_licence_with_more_to_it_is_not_free(licence):
    with pytest.raises(HubError, match="--i-have-the-right"):
        _check_licence(Path("model"), {"licence": licence, "started_from": []})


def test_weights_of_which_nobody_recorded_what_they_saw_are_not_free():
    with pytest.raises(HubError, match=r"trained on recordings \(unknown\)"):
        _check_licence(Path("model"), {"corpus": "emodb", "licence": "free to use"})


@pytest.mark.parametrize("record", [None, 7, "synth", ["synth"], [{"licence": "CC0"}]])
def test_a_damaged_record_of_earlier_trainings_is_one_line(hub, login, run, exported, record):
    login()
    status, _, err = run("push", exported(started_from=record), "me/model", "--public")
    assert (status, err.count("\n"), hub.requests) == (1, 1, [])
    assert "record of earlier trainings is damaged" in err


def test_a_card_made_on_the_web_before_the_first_push_is_told(hub, login, run, exported):
    login()
    hub.add("me/model", {".gitattributes": b"", "README.md": b"to come"}, private=True)
    _, _, err = run("push", exported(), "me/model")
    commit = hub.repos["me/model"].branches["main"][-1][0]
    told = (
        "note: the README.md of the repository was edited and is "
        f"now replaced; the commit before {commit[:8]} keeps it\n"
    )
    assert err == told
