"""Files of encoders: which are read, which are refused, and how an encoder is known again."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_encoders import FAMILIES, change_config, encoder_folder

from sercli.encoders import is_file_of_encoder
from sercli.encoders.copying import copy_encoder
from sercli.encoders.finding import cached_encoder, find_encoder
from sercli.encoders.loading import load_encoder, read_facts
from sercli.encoders.upper import load_upper_layers
from sercli.errors import ConfigError, FeatureError


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(encoder_folder("wav2vec2"), tmp_path / "encoder")
    return tmp_path / "encoder"


def rewrite(folder, change):
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def add_mark(file):
    """Write a file as Notepad of Windows does."""
    file.write_text(file.read_text(), encoding="utf-8-sig")


def test_an_index_with_a_byte_order_mark_is_read(folder):
    (folder / "model.safetensors").rename(folder / "one.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors"}}), encoding="utf-8-sig")
    assert find_encoder(str(folder)).weights == (folder / "one.safetensors",)


def test_facts_of_a_folder(folder):
    facts = read_facts(str(folder))
    assert (facts.family, facts.layers, facts.size, facts.licence) == ("waveform", 3, 32, None)


def test_the_licence_is_read_from_the_card(folder):
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# Card\n")
    assert read_facts(str(folder)).licence == "apache-2.0"


def test_half_precision_and_pickled_files_of_the_same_weights_have_the_same_digest(folder):
    wanted = read_facts(str(folder)).tensors
    half = {name: tensor.half() for name, tensor in load_file(folder / "model.safetensors").items()}
    rewrite(folder, lambda tensors: half)
    assert read_facts(str(folder)).tensors == wanted
    (folder / "model.safetensors").unlink()
    torch.save({f"wav2vec2.{name}": tensor for name, tensor in half.items()}, folder / "pytorch_model.bin")
    assert read_facts(str(folder)).tensors == wanted
    encoder = load_encoder(str(folder), None, wanted)
    assert {each.dtype for each in encoder.parameters()} == {torch.float32}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16])
def test_a_model_that_was_saved_in_half_precision_is_computed_in_32_bits(tmp_path, family, number):
    folder = shutil.copytree(encoder_folder(family), tmp_path / "encoder")
    rewrite(folder, lambda tensors: {name: tensor.to(number) for name, tensor in tensors.items()})
    change_config(folder, dtype=str(number).removeprefix("torch."))
    encoder = load_encoder(str(folder), None, read_facts(str(folder)).tensors)
    assert {each.dtype for each in encoder.parameters()} == {torch.float32}
    states, _ = encoder([torch.rand(16_000)])
    assert torch.isfinite(states[-1]).all()


def test_other_weights_have_another_digest_and_are_refused(folder):
    before = read_facts(str(folder)).tensors
    rewrite(folder, lambda tensors: tensors | {"encoder.layer_norm.bias": torch.ones(32)})
    assert read_facts(str(folder)).tensors != before
    with pytest.raises(FeatureError, match="not the encoder that is needed"):
        load_encoder(str(folder), None, before)


def test_facts_are_remembered_as_long_as_files_do_not_change(folder, monkeypatch):
    before = read_facts(str(folder))
    monkeypatch.setattr("sercli.encoders.loading._load", None)  # calling it would fail
    assert read_facts(str(folder)) == before


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f: (f / "preprocessor_config.json").unlink(), "has no preprocessor_config.json"),
        (lambda f: (f / "config.json").unlink(), "has no config.json"),
        (lambda f: (f / "config.json").write_text("{"), "not the settings of an encoder"),
        (lambda f: add_mark(f / "config.json"), "config.json: begins with a byte order mark.*without BOM"),
        (lambda f: add_mark(f / "preprocessor_config.json"), "begins with a byte order mark"),
        (lambda f: (f / "model.safetensors").unlink(), "has no weights"),
        (lambda f: (f / "model.safetensors").rename(f / "model.pt"), "has only model.pt"),
        (lambda f: (f / "model.safetensors").write_bytes(b"x" * 99), "damaged"),
        (lambda f: change_config(f, model_type="bert"), "'bert' is not an encoder of speech"),
        (lambda f: change_config(f, hidden_size=64), "in the weights"),
        (lambda f: change_config(f, num_hidden_layers=4), "lack"),
        (lambda f: change_config(f, conv_stride=[5, 2, 2, 2, 2, 2, 1]), "every 160"),
    ],
)
def test_a_folder_with_a_fault_is_refused_in_one_line(folder, break_it, message):
    break_it(folder)
    with pytest.raises(FeatureError, match=message) as caught:
        read_facts(str(folder))
    assert "\n" not in str(caught.value)


def test_the_extractor_in_processor_config_is_read_kept_in_mind_and_copied(folder, tmp_path):
    """As the processor of transformers 5 saves it; transformers prefers it to preprocessor_config.json."""
    from sercli.features.pretrained import PretrainedConfig

    before = PretrainedConfig(model=str(folder)).pinned()
    extractor = json.loads((folder / "preprocessor_config.json").read_text()) | {"do_normalize": True}
    (folder / "processor_config.json").write_text(json.dumps({"feature_extractor": extractor}))
    config = PretrainedConfig(model=str(folder)).pinned()
    assert (before.encoder.normalises, config.encoder.normalises) == (False, True)
    copied = copy_encoder(config.source, tmp_path / "model")
    assert read_facts(str(copied)) == config.encoder
    assert is_file_of_encoder((copied / "processor_config.json").relative_to(tmp_path / "model").as_posix())
    (folder / "preprocessor_config.json").unlink()
    assert read_facts(str(folder)) == config.encoder


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("wav2vec_small.pt", r"has only wav2vec_small\.pt, .*save_pretrained"),
        ("adapter_config.json", "adapters of PEFT .*merge"),
        ("snapshots/abc/config.json", "name snapshots/abc below it"),
        ("notes.txt", r"has no config\.json; get the complete folder"),
    ],
)
def test_a_folder_that_is_no_encoder_is_refused_with_its_own_remedy(tmp_path, file, message):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("{}")
    with pytest.raises(FeatureError, match=message):
        read_facts(str(tmp_path))


def test_a_file_in_place_of_a_folder_is_named(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    for model in (str(folder / "model.safetensors"), "encoder/model.safetensors"):
        with pytest.raises(FeatureError, match="is a file; name its folder"):
            read_facts(model)


def test_an_extractor_of_another_encoder_is_refused(tmp_path):
    shutil.copytree(encoder_folder("whisper"), tmp_path / "encoder")
    read_facts(str(tmp_path / "encoder"))
    for changes in ({"feature_size": 128}, {"feature_extractor_type": "Wav2Vec2FeatureExtractor"}):
        file = tmp_path / "encoder/preprocessor_config.json"
        before = file.read_text()
        file.write_text(json.dumps(json.loads(before) | changes))
        with pytest.raises(FeatureError, match=r"preprocessor_config\.json is of another encoder"):
            read_facts(str(tmp_path / "encoder"))
        file.write_text(before)


def test_the_normalisation_of_samples_is_a_part_of_the_identity_of_features(folder):
    from sercli.features.pretrained import PretrainedConfig

    first = PretrainedConfig(model=str(folder)).pinned()
    file = folder / "preprocessor_config.json"
    described = json.loads(file.read_text())
    file.write_text(json.dumps(described | {"do_normalize": not described["do_normalize"]}))
    second = PretrainedConfig(model=str(folder)).pinned()
    assert first.encoder.tensors == second.encoder.tensors
    assert (first.encoder.normalises, second.encoder.normalises) == (False, True)
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("wav2vec2-layer", {"do_stable_layer_norm": False}),
        ("wav2vec2-layer", {"num_attention_heads": 4}),
        ("wav2vec2-layer", {"layer_norm_eps": 0.01}),
        ("wavlm", {"max_bucket_distance": 100}),
        ("whisper", {"encoder_attention_heads": 4}),
        ("w2v-bert", {"hidden_act": "relu"}),
    ],
)
def test_settings_that_change_the_states_are_a_part_of_the_identity(tmp_path, family, changes):
    from sercli.features.pretrained import PretrainedConfig

    folder = shutil.copytree(encoder_folder(family), tmp_path / "encoder")
    first = PretrainedConfig(model=str(folder)).pinned()
    change_config(folder, **changes)
    second = PretrainedConfig(model=str(folder)).pinned()
    assert first.encoder.tensors == second.encoder.tensors
    assert first.digest != second.digest
    second.require()
    with pytest.raises(FeatureError, match="other settings"):
        first.require()
    with pytest.raises(FeatureError, match="other settings"):
        load_upper_layers(str(folder), None, first.encoder.tensors, 1, 32, settings=first.encoder.settings)
    # Records of earlier releases hold no settings.
    load_encoder(str(folder), None, first.encoder.tensors)


def test_settings_that_change_no_state_are_no_part_of_the_identity(folder):
    before = read_facts(str(folder))
    change_config(
        folder, dtype="float64", hidden_dropout=0.5, mask_time_prob=0.1, vocab_size=99, num_labels=7
    )
    assert read_facts(str(folder)) == before


def test_an_encoder_that_normalises_otherwise_is_refused(folder):
    facts = read_facts(str(folder))
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"do_normalize": not facts.normalises}))
    for settings in (None, facts.settings):  # records of earlier releases have none
        with pytest.raises(FeatureError, match="other settings"):
            load_encoder(str(folder), None, facts.tensors, settings=settings, normalises=facts.normalises)


@pytest.mark.parametrize("changes", [{"num_hidden_layers": "x"}, {"num_attention_heads": 7}])
def test_settings_that_make_no_encoder_are_refused_in_one_line(folder, changes):
    change_config(folder, **changes)
    with pytest.raises(FeatureError, match="can't read its settings"):
        read_facts(str(folder))


def test_pickled_files_of_the_old_format_are_read_and_other_objects_refused(folder):
    wanted = read_facts(str(folder)).tensors
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    file = folder / "pytorch_model.bin"
    torch.save(tensors, file, _use_new_zipfile_serialization=False)
    assert read_facts(str(folder)).tensors == wanted
    torch.save(list(tensors.values()), file)
    with pytest.raises(FeatureError, match="holds no tensors by name"):
        read_facts(str(folder))


def test_a_downloaded_encoder_is_found_again_by_its_name(folder, tmp_path, monkeypatch):
    """The cache as a download of some files of a repository leaves it."""
    from huggingface_hub import constants

    cache, commit = tmp_path / "hub", "0123456789" * 4
    place = cache / "models--someone--encoder"
    shutil.copytree(folder, place / "snapshots" / commit)
    (place / "refs").mkdir()
    (place / "refs/main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    assert find_encoder("someone/encoder").folder == (place / "snapshots" / commit).resolve()
    assert find_encoder("someone/encoder", commit).folder.name == commit
    assert cached_encoder("someone/other") is None


def test_a_relative_folder_keeps_its_meaning_elsewhere(folder, monkeypatch, tmp_path):
    from sercli.features.pretrained import PretrainedConfig

    monkeypatch.chdir(folder.parent)
    config = PretrainedConfig(model="encoder").pinned()
    monkeypatch.chdir("/")
    assert config.model == str(folder.resolve())
    assert find_encoder(config.model).folder == folder.resolve()


def test_another_sample_rate_is_refused(folder):
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sampling_rate": 24_000}))
    with pytest.raises(FeatureError, match="takes audio at 24000 Hz"):
        read_facts(str(folder))


def test_a_whisper_encoder_of_shorter_windows_is_refused(tmp_path):
    folder = shutil.copytree(encoder_folder("whisper"), tmp_path / "encoder")
    path = folder / "preprocessor_config.json"
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {"chunk_length": 10, "n_samples": 160_000}))
    with pytest.raises(FeatureError, match="encodes 1500 frames of 10 s of audio"):
        read_facts(str(folder))
    path.write_text(before)
    change_config(folder, max_source_positions=500)
    with pytest.raises(FeatureError, match="encodes 500 frames of 30 s of audio"):
        read_facts(str(folder))


def test_weights_that_are_not_numbers_are_refused(folder):
    rewrite(folder, lambda tensors: tensors | {"encoder.layer_norm.bias": torch.full((32,), torch.nan)})
    with pytest.raises(FeatureError, match="not finite"):
        read_facts(str(folder))


@pytest.mark.parametrize("number", [torch.int8, torch.float8_e4m3fn])
def test_quantised_weights_are_refused(folder, number):
    rewrite(folder, lambda t: {name: each.to(number) if each.ndim == 2 else each for name, each in t.items()})
    with pytest.raises(FeatureError, match="the weights are quantised"):
        read_facts(str(folder))


def test_quantised_weights_under_other_names_are_refused(folder):
    change_config(folder, quantization_config={"quant_method": "gptq"})
    rewrite(folder, lambda t: {f"{name[:-6]}qweight" if "k_proj" in name else name: t[name] for name in t})
    with pytest.raises(FeatureError, match="the weights are quantised"):
        read_facts(str(folder))


@pytest.mark.parametrize("usual", ["", "wav2vec2.", "encoder."])
def test_the_usual_one_of_several_encoders_in_one_file_is_taken(folder, usual):
    wanted = read_facts(str(folder)).tensors
    tensors = load_file(folder / "model.safetensors")
    for one, other in ((usual, "ema."), ("a.", "b.")):
        assert read_facts(str(folder)).tensors == wanted
        both = {one + name: each for name, each in tensors.items()}
        both |= {other + name: each * 2 for name, each in tensors.items()}
        rewrite(folder, lambda _, both=both: both)
    with pytest.raises(FeatureError, match=r"several encoders \(a\.\*, b\.\*\)"):
        read_facts(str(folder))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 377\n",
            ["run `git lfs pull`"] * 2,
        ),
        ("<!DOCTYPE html><html><body>Denied</body></html>", ["a web page", "a web page"]),
        ('{"error":"Entry not found"}', ["no file of weights", "damaged"]),
    ],
)
def test_a_text_in_place_of_the_weights_is_named(folder, name, text, messages):
    (folder / "model.safetensors").unlink()
    (folder / name).write_text(text)
    with pytest.raises(FeatureError, match=messages[name == "model.safetensors"]):
        read_facts(str(folder))


class Harmful:
    def __reduce__(self):
        return (print, ("harm",))


def test_a_pickle_that_holds_code_is_refused(folder, capsys):
    (folder / "model.safetensors").unlink()
    torch.save({"x": Harmful()}, folder / "pytorch_model.bin")
    with pytest.raises(FeatureError, match="could run code"):
        read_facts(str(folder))
    assert "harm" not in capsys.readouterr().out


def test_a_name_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="not an encoder; take a folder"):
        read_facts("whisper tiny")


def test_a_folder_has_no_revision(folder):
    with pytest.raises(ConfigError, match="which has no revisions"):
        read_facts(str(folder), "main")


def test_without_a_network_the_message_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        FeatureError,
        match=r"whisper-tiny: the Hub can't be reached.*`sercli features fetch whisper-tiny`, or add --from",
    ):
        read_facts("whisper-tiny")


@pytest.mark.usefixtures("_own_cache")
def test_without_a_network_a_revision_is_named_and_offline_mode_too():
    remedy = "unset HF_HUB_OFFLINE and run `sercli features fetch whisper-tiny --revision v2`, or name"
    with pytest.raises(FeatureError, match=rf"at revision v2: .*\(offline mode is set\); {remedy}"):
        read_facts("whisper-tiny", "v2")


@pytest.mark.usefixtures("_own_cache")
def test_without_a_network_the_message_says_what_the_cache_lacks(folder, tmp_path):
    place, commit = tmp_path / "hub/models--openai--whisper-base", "a" * 40
    copied = shutil.copytree(folder, place / "snapshots" / commit)
    (place / "refs").mkdir()
    (place / "refs/main").write_text(commit)
    (copied / "preprocessor_config.json").unlink()
    with pytest.raises(FeatureError, match=r"cache is not complete \(.*no preprocessor_config\.json\)"):
        read_facts("whisper-base")


@pytest.fixture
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("sercli.encoders.finding.USER_CACHE", tmp_path / "cache")


@pytest.mark.usefixtures("_own_cache")
def test_a_folder_is_given_once_and_found_by_the_name(folder, command_line, tmp_path):
    status, out, _ = command_line("features", "fetch", "whisper-base", "--from", folder)
    assert (status, f"folder    {folder}\n" in out) == (0, True)
    assert find_encoder("whisper-base").folder == find_encoder("openai/whisper-base").folder == folder
    listed = json.loads(command_line("features", "encoders", "--json")[1])
    assert listed["whisper-base"]["folder"] == str(folder)
    assert listed["whisper-small"]["folder"] is None
    other = shutil.copytree(folder, tmp_path / "other")
    command_line("features", "fetch", "whisper-base", "--from", other)
    assert find_encoder("whisper-base").folder == other
    shutil.rmtree(other)
    with pytest.raises(FeatureError, match="the Hub can't be reached"):
        find_encoder("whisper-base")


@pytest.mark.usefixtures("_own_cache")
def test_a_folder_for_a_name_must_be_an_encoder_and_has_no_revision(folder, command_line, tmp_path):
    fetch = ("features", "fetch", "whisper-base", "--from")
    assert "no such folder" in command_line(*fetch, tmp_path / "missing")[2]
    assert "has no config.json" in command_line(*fetch, tmp_path)[2]
    assert command_line(*fetch, folder, "--revision", "main")[0] == 2
    assert "not the name of an encoder" in command_line("features", "fetch", folder, "--from", folder)[2]
    with pytest.raises(FeatureError, match="the Hub can't be reached"):
        find_encoder("whisper-base")


def test_a_connection_that_fails_is_one_line(monkeypatch, tmp_path):
    import huggingface_hub

    error = next(
        each for each in huggingface_hub.errors.HfHubHTTPError.__mro__ if each.__name__ == "HTTPError"
    )

    def fail(*_, **__):
        raise error("Name or service not known")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", fail)
    with pytest.raises(
        FeatureError, match=r"the Hub can't be reached \(Name or service not known\); check the"
    ):
        read_facts("openai/whisper-base")
