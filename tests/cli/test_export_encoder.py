"""An exported model that holds its encoder works where that encoder is not installed."""

import json
import shutil

import pytest
import torch
from conftest import tone
from safetensors.torch import load_file, save_file
from small_encoders import encoder_folder

from sercli.bundle import Bundle
from sercli.encoders import loading

SETTINGS = ("--arch", "linear", "--corpus", "emodb", "--scheme", "emodb-4", "--fold", "1")


@pytest.fixture(scope="module")
def place(small_workspace, tmp_path_factory):
    """A workspace of our own, and an encoder beside it whose card states a licence."""
    found = tmp_path_factory.mktemp("with-encoder") / "w"
    found.mkdir()
    (found / "corpora").symlink_to(small_workspace.root / "corpora")
    shutil.copytree(encoder_folder("whisper"), found.parent / "tiny")
    (found.parent / "tiny/README.md").write_text("---\nlicense: apache-2.0\n---\nA small encoder.\n")
    return found


@pytest.fixture
def run(command_line, place):
    def call(*words):
        return command_line(*words, "--workspace", place)

    if not (place / "runs").exists():
        encoder = f"features.model={place.parent / 'tiny'}"
        status, _, err = call("train", *SETTINGS, "--set", encoder)
        assert status == 0, err
    return call


@pytest.fixture
def recording(tmp_path, write_wav):
    return write_wav(tmp_path / "a.wav", tone(0.6))


def probabilities(run, bundle, recording):
    status, out, err = run("predict", bundle, recording, "--json")
    assert status == 0, err
    return json.loads(out)["probabilities"]


def test_it_predicts_after_the_encoder_is_gone_and_the_folder_was_moved(run, place, tmp_path, recording):
    expected = probabilities(run, "latest", recording)
    status, out, err = run("export", "latest", tmp_path / "model", "--with-encoder")
    assert (status, err.count("works only where")) == (0, 0)
    assert "MB, licence: apache-2.0" in out
    card = (tmp_path / "model/README.md").read_text()
    assert "The encoder is in this folder (encoders/" in card
    for name in ("bundle.json", "README.md"):
        assert str(place.parent) not in (tmp_path / "model" / name).read_text()
    (tmp_path / "model").rename(tmp_path / "moved")
    (place.parent / "tiny").rename(place.parent / "hidden")
    loading._load_once.cache_clear()
    try:
        assert probabilities(run, tmp_path / "moved", recording) == pytest.approx(expected, abs=1e-6)
    finally:
        (place.parent / "hidden").rename(place.parent / "tiny")


def test_by_reference_the_folder_holds_no_encoder_and_the_user_is_informed(run, tmp_path):
    status, out, err = run("export", "latest", tmp_path / "model")
    assert status == 0
    assert not (tmp_path / "model/encoders").exists()
    assert "encoder    tiny, not in the folder, licence: apache-2.0" in out
    assert "--with-encoder copies it" in err
    assert "The encoder is not in this folder" in (tmp_path / "model/README.md").read_text()


def test_the_copy_has_only_the_encoder_in_its_own_precision(run, place, tmp_path):
    half = place.parent / "tiny-half"
    shutil.copytree(place.parent / "tiny", half)
    tensors = {name: tensor.half() for name, tensor in load_file(half / "model.safetensors").items()}
    save_file(tensors, half / "model.safetensors", {"format": "pt"})
    bundle = Bundle.load(next(place.glob("runs/*/fold-01/seed-0/bundle")))
    (choice,) = bundle.inputs.values()
    from sercli.encoders.copying import copy_encoder

    source = choice.config.with_encoder(str(half)).source
    made = load_file(copy_encoder(source, tmp_path) / "model.safetensors")
    assert {tensor.dtype for tensor in made.values()} == {torch.float16}
    assert not [name for name in made if "decoder" in name]
    assert len(made) == len([name for name in tensors if ".encoder." in name])


def test_a_changed_file_of_the_encoder_is_refused(run, tmp_path, recording):
    run("export", "latest", tmp_path / "model", "--with-encoder")
    (config,) = (tmp_path / "model/encoders").glob("*/config.json")
    config.write_text(config.read_text() + " ")
    status, _, err = run("predict", tmp_path / "model", recording)
    assert (status, "config.json: changed since the bundle was written" in err) == (1, True)


def test_a_model_with_its_encoder_can_be_replaced_but_not_files_beside_it(run, tmp_path):
    assert run("export", "latest", tmp_path / "model", "--with-encoder")[0] == 0
    assert run("export", "latest", tmp_path / "model", "--with-encoder")[0] == 0
    (tmp_path / "model/encoders/notes.txt").write_text("mine")
    status, _, err = run("export", "latest", tmp_path / "model")
    assert (status, "encoders/notes.txt" in err) == (1, True)
