"""The studies that come with sercli: their rows, their figures, and that all of it trains."""

import json
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from small_encoders import encoder_folder

from sercli.augmentations.stft_multi import ASCENDING, DESCENDING
from sercli.bundle import build_network
from sercli.config import dotted, merge
from sercli.devices import Device
from sercli.studies import PaperScore, describe, get_study, study_names
from sercli.training.fit import build_module
from sercli.training.folds import load_parts
from sercli.training.plan import make_plan
from sercli.training.settings import check, complete, configure
from sercli.training.trials import compute_features

CPU = Device("cpu")
MERGED = "iemocap-impro4-merged"

OF_THE_ISSUE = (
    *(
        "mdcnn",
        "mdcnn-spp",
        "mdcnn-pyramids",
        "mdcnn-depth",
        "mdcnn-arcface",
        "eca",
        "eca-channels",
        "eca-original",
    ),
    *("eca-positions", "eca-kernels", "eca-ascending", "eca-descending", "melcnn", "diccoser"),
    *("diccoser-baseline", "diccoser-features", "attpool", "attpool-filters"),
    *("protocol-gap", "leaderboard", "cross-corpus"),
    *("superb", "front-ends", "layers", "speaker-normalisation", "class-balance"),
)


def test_every_study_of_the_issue_is_there():
    assert set(study_names()) == set(OF_THE_ISSUE)


@pytest.mark.parametrize("name", OF_THE_ISSUE)
def test_every_cell_s_settings_are_right_and_stay_so(name):
    study = get_study(name)
    assert (study.title, study.source) == describe(name)
    assert study.doubtful
    cells = study.cells()
    assert len({(cell.row.name, cell.on.name) for cell in cells}) == len(cells)
    for cell in cells:
        config = check(cell.settings)
        again = config.with_training(precision="auto")  # what a process of its own is given
        assert again == config
        assert (config.arch, config.corpus, config.scheme.name) == (
            cell.row.arch,
            cell.on.corpus,
            cell.on.scheme,
        )


def figures(name, column, *keys):
    return {
        row.name: tuple(row.paper[column][key].value if key in row.paper[column] else None for key in keys)
        for row in get_study(name).rows
        if column in row.paper
    }


def test_mdcnn_s_figures_are_those_of_table_1():
    assert list(figures("mdcnn", "iemocap-impro4", "ua").values()) == [
        *((59.6,), (60.3,), (66.3,), (66.7,), (67.5,), (67.7,), (67.9,))
    ]
    assert list(figures("mdcnn", "emodb-7", "ua").values()) == [
        *((67.7,), (62.7,), (77.8,), (75.8,), (75.8,), (73.2,), (72.1,), (77.6,))
    ]


def test_mdcnn_s_folds_are_the_paper_s():
    study = get_study("mdcnn")
    assert [(on.corpus, on.scheme, on.protocol) for on in study.rows[0].on] == [
        ("iemocap", "iemocap-impro4", "iemocap-impro4-speaker10@1"),
        ("emodb", "emodb-7", "leave-one-speaker-out@1"),
    ]


def test_mdcnn_s_networks_have_the_paper_s_sizes():
    sizes = []
    for cell in get_study("mdcnn").cells(on=["iemocap"]):
        config = complete(cell.settings)
        n_classes = 7 if cell.row.name == "multi FF, SPP, ArcFace" else 4
        network = build_network(config.arch, config.model, config.features, n_classes)
        sizes.append(sum(p.numel() for p in network.parameters()))
    assert sizes == [
        *(1_731_364, 929_444, 1_441_444, 1_441_444, 1_441_444, 2_098_084, 2_098_214, 2_098_210, 2_098_176)
    ]


def test_mdcnn_s_pyramids_are_those_of_table_3():
    found = figures("mdcnn-spp", "iemocap-impro4", "ua", "wa")
    assert found == {
        "FF, SPP 1": (52.02, 63.72),
        "FF, SPP 1-5-10": (68.48, 73.02),
        "FF, SPP 1-2-5-10": (66.51, 70.23),
        "FF, SPP 1-2-5-8-10": (65.89, 67.91),
    }
    sizes = {}
    for cell in get_study("mdcnn-spp").cells():
        config = complete(cell.settings)
        network = build_network(config.arch, config.model, config.features, 4)
        sizes[cell.row.name] = sum(p.numel() for p in network.parameters())
    assert sizes["FF, SPP 1-2-5-10"] == 1_457_828
    assert sizes["FF, SPP 1-2-5-8-10"] == 1_719_972
    assert sizes["FF, SPP 1-5-6-10"] == 1_588_900


def test_mdcnn_s_other_pyramids_are_all_of_two_or_three_levels():
    found = [tuple(cell.settings["model"]["spp_levels"]) for cell in get_study("mdcnn-pyramids").cells()]
    wanted = [(1, *some) for n in (2, 3) for some in combinations((2, 5, 6, 8, 10), n)]
    assert found == wanted
    assert len(found) == 20


def test_mdcnn_s_iterative_row_differs_in_its_dilations_alone():
    cells = {cell.row.name: cell.settings["model"] for cell in get_study("mdcnn").cells(on=["emodb"])}
    assert cells["iterative FF, SPP, softmax"] == cells["FF, SPP, softmax"] | {"dilation": "iterative"}


def test_eca_s_figures_are_those_of_table_v():
    assert figures("eca", MERGED, "ua", "wa", "acc") == {
        "CNN": (79.16, 79.27, 79.22),
        "+ original ECA": (78.71, 78.80, 78.76),
        "+ our ECA": (79.37, 79.68, 79.53),
        "+ STFT augmentation": (79.66, 80.50, 80.08),
        "+ STFT augmentation + our ECA": (80.28, 80.46, 80.37),
    }


def differing(row, other):
    """The settings in which two rows of the study eca differ, as the first one has them."""
    cells = {cell.row.name: complete(cell.settings).to_dict() for cell in get_study("eca").cells()}
    before = dict(dotted(cells[other]))
    return {name: value for name, value in dotted(cells[row]) if value != before.get(name)}


def test_eca_s_rows_of_other_readings_differ_in_these_readings_alone():
    augmented = "+ STFT augmentation + our ECA"
    assert differing("+ our ECA, constant rate", "+ our ECA") == {"training.schedule": "constant"}
    even = {"features.x.normalise_window": True, "features.x.floor": 1e-15}
    assert differing(f"{augmented}, normalised windows", augmented) == even
    assert differing(f"{augmented}, MATLAB's mel spectrum", augmented) == {
        "features.x.window": "periodic-hamming",
        "features.x.normalise_window": True,
        "features.x.equal_area": True,
        "features.x.floor": 1e-17,
    }


@pytest.mark.parametrize("name", [name for name in OF_THE_ISSUE if name.startswith("eca")])
def test_eca_s_studies_call_1e_6_a_weight_decay(name):
    (line,) = [line for line in get_study(name).doubtful if "1e-6" in line]
    assert "gamma 2, rate 1e-3 falling to zero along a cosine, weight decay 1e-6" in line


@pytest.mark.parametrize("name", ["eca", "eca-channels", "eca-original", "eca-ascending", "eca-descending"])
def test_eca_s_acc_is_the_mean_of_ua_and_wa(name):
    for ua, wa, acc in figures(name, MERGED, "ua", "wa", "acc").values():
        assert abs(acc - (ua + wa) / 2) < 0.011


@pytest.mark.parametrize(("name", "wanted"), [("eca-ascending", ASCENDING), ("eca-descending", DESCENDING)])
def test_the_orders_of_augmentation_are_the_paper_s(name, wanted):
    cells = get_study(name).cells()
    for group in ("CNN", "our ECA"):
        found = {
            cell.row.varied["augment.stft-multi.train"]: cell.settings["augment"]["stft-multi"]
            for cell in cells
            if cell.row.group == group
        }
        assert list(found) == list(wanted)
        for label, config in wanted.items():
            assert (tuple(found[label]["train"]), found[label]["test"]) == (config.train, config.test)


def test_attention_pooling_s_figures_are_those_of_table_1():
    assert figures("attpool", "iemocap-impro4", "wa", "ua") == {
        "GAP": (71.35, 67.54),
        "bilinear": (69.17, 64.16),
        "attention": (71.75, 68.06),
    }


def test_diccoser_s_figures_are_those_of_the_text():
    assert figures("diccoser", "recola", "ccc_arousal", "ccc_valence") == {
        "DiCCOSER": (0.666, 0.438),
        "CS-V2 max": (0.684, 0.440),
        "CS max": (0.723, 0.492),
        "CS rms": (0.746, 0.506),
    }
    assert figures("diccoser", "iemocap-impro4", "wa", "ua")["CS rms"] == (64.1, 53.6)
    assert figures("diccoser-features", "recola", "ccc_arousal")["CS rms log-mel"] == (0.751,)


def test_without_augmentation_nothing_is_flipped_and_windows_do_not_overlap():
    cells = {
        (cell.row.name, cell.on.name): complete(cell.settings)
        for cell in get_study("diccoser-baseline").cells()
    }
    assert cells["CS rms", "iemocap-impro4"].augment.keys() == {"flip"}
    assert cells["CS rms, no augmentation", "iemocap-impro4"].augment == {}
    assert cells["CS rms", "recola"].segments.hop_s == 4
    assert cells["CNN-LSTM, no augmentation", "recola"].segments.hop_s == 20


def test_of_the_plain_melcnn_nothing_is_trimmed_moved_or_annealed():
    (plain, *_) = get_study("melcnn").cells()
    config = complete(plain.settings)
    assert (config.augment, config.training.schedule) == ({}, "constant")
    assert config.features["x"].config.trim_db is None
    assert plain.paper == {"wa": PaperScore(68.88)}


def test_the_paper_s_value_of_melcnn_stands_beside_both_plain_layouts_and_gender_is_left_out_too():
    study = get_study("melcnn")
    beside = [(cell.row.name, complete(cell.settings).model.layout) for cell in study.cells() if cell.paper]
    assert beside == [("plain", "A"), ("plain, layout B", "B")]
    assert "without_gender" in study.display.metrics


def test_attention_pooling_s_figure_2_has_wa_and_the_recalls_by_height_and_by_width():
    study = get_study("attpool-filters")
    assert (study.display.metrics, study.display.metrics_as_lines) == (("wa", "recall"), True)
    assert {row.group for row in study.rows} == {"height", "width"}


def test_equation_10_of_attention_pooling_is_a_row():
    (cell,) = [
        cell
        for cell in get_study("attpool").cells()
        if complete(cell.settings).model.attention_reduction == "sum"
    ]
    assert "equation 10" in cell.row.name


def test_eca_s_figure_6_has_the_window_on_the_horizontal_axis():
    study = get_study("eca-channels")
    assert study.display.x == "features.window_ms"
    assert all("features.window_ms" in row.varied for row in study.rows)


def test_derived_values_of_diccoser_are_marked():
    derived = {
        (name, row.name, column, key)
        for name in ("diccoser", "diccoser-baseline", "diccoser-features")
        for row in get_study(name).rows
        for column, values in row.paper.items()
        for key, value in values.items()
        if value.derived
    }
    assert len(derived) == 10 + 1 + 7
    assert ("diccoser-baseline", "CNN-LSTM, no augmentation", "iemocap-impro4", "ua") in derived
    assert ("diccoser", "CS rms", "recola", "ccc_arousal") not in derived


def test_each_row_of_the_protocol_gap_has_its_paper_s_folds_and_others():
    for row in get_study("protocol-gap").rows:
        protocols = [on.protocol for on in row.on]
        assert row.on[0].name == "paper"
        assert len(set(protocols)) == len(protocols)
        assert len({on.scheme for on in row.on}) == 1


def test_superb_s_recipe_is_that_of_its_toolkit():
    study = get_study("superb")
    assert study.means
    (fields,) = {
        (t.optimizer, t.lr, t.batch_size, t.clip_norm, t.class_weights, t.patience)
        for t in (check(cell.settings).training for cell in study.cells())
    }
    assert fields == ("adam", 1e-4, 32, 1, False, None)
    (on,) = study.rows[0].on
    assert (on.corpus, on.scheme, on.protocol) == ("iemocap", "iemocap-4", "iemocap-superb@1")
    assert figures("superb", "iemocap-4", "wa")["HuBERT large"] == (67.62,)


def test_each_row_of_the_speaker_normalisation_has_a_twin_that_differs_in_the_statistics_alone():
    rows = {cell.row.name: check(cell.settings) for cell in get_study("speaker-normalisation").cells()}
    assert len(rows) == 6
    for name in ("eGeMAPS", "ComParE", "Whisper tiny.en"):
        one, other = (dict(dotted(rows[each].to_dict())) for each in (name, f"{name}, per speaker"))
        differing = {key for key in one if one[key] != other[key]}
        assert differing == {"features.x.statistics"}
        assert other["features.x.statistics"] == "per-speaker"


def test_front_ends_are_compared_on_unseen_speakers_and_the_same_training_part():
    for cell in get_study("front-ends").cells():
        config = check(cell.settings)
        assert config.protocol.speaker_independent
        assert config.protocol.has_dev


def test_studies_are_read_without_their_encoders(monkeypatch):
    from sercli.features import pretrained

    def fail(*_):
        raise AssertionError("looked for an encoder")

    monkeypatch.setattr(pretrained, "read_facts", fail)
    assert len(get_study("superb").cells()) == 8


def test_files_of_studies_are_in_the_package():
    root = Path(get_study("mdcnn").file).parent
    assert root.name == "studies"
    assert all(yaml.safe_load(path.read_text()) for path in root.glob("*.yaml"))


TINY = {
    "mdcnn": {"filters": 4},
    "eca": {"n": 1, "base": 2},
    "melcnn": {"filters": [4, 4, 4, 4]},
    "diccoser": {"channels": 4},
    "cnnlstm": {"filters": [4, 4, 4], "hidden_size": 4},
    "attpool": {},
    "linear": {"layers": "all"},
    "probe": {},
    "mlp": {},
}


@cache
def distinct():
    """Cells, by study, that have between them every network and every feature of all studies."""
    found, seen = {}, set()
    for study in study_names():
        for cell in get_study(study).cells():
            config = check(merge(cell.settings, {"model": TINY[cell.row.arch]}))
            stated = config.to_dict()
            kinds = [["model", stated["model"]], ["augment", stated["augment"], config.training.loss]]
            kinds += [[name, settings] for name, settings in stated["features"].items()]
            keys = {json.dumps([config.arch, config.task.name, *kind], sort_keys=True) for kind in kinds}
            if keys - seen:
                seen |= keys
                found.setdefault(study, []).append(cell)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_THE_ISSUE)
def test_a_step_of_each_distinct_network_and_feature_trains(name, small_workspace, talking):
    for cell in distinct().get(name, []):
        train_a_step(cell, small_workspace, talking)


def train_a_step(cell, small_workspace, talking):
    settings = merge(cell.settings, {"model": TINY[cell.row.arch]})
    if cell.row.arch != "linear":
        settings = merge(settings, {"training": {"batch_size": 4}})
    if "model" in settings.get("features", {}):
        settings = merge(settings, {"features": {"model": str(encoder_folder("whisper"))}})
    if complete(settings).task.per_frame:
        place, corpus, segments = talking, "synth-continuous", {"size_s": 1.0, "hop_s": 0.5}
        there = {"corpus": corpus, "protocol": "speaker-3-fold", "segments": segments | {"test_hop_s": 1.0}}
        there |= {"model": {"frames": 25}} if cell.row.arch == "diccoser" else {}
    else:
        place = small_workspace
        there = {"corpus": "emodb", "scheme": "emodb-4", "protocol": "leave-one-speaker-out"}
    plan = make_plan(configure(merge(settings, there), place, CPU), place, "1")
    compute_features(plan)
    parts = load_parts(plan, 1)
    module = build_module(plan, parts, seed=0)
    batch = parts.train[[0, 1, 2, 3]]
    loss = module.batch_loss(module(batch), batch)
    loss.backward()
    assert loss.isfinite()
    assert any(p.grad is not None and p.grad.any() for p in module.parameters())
