import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from sercli.bundle import Bundle
from sercli.evaluation.predictions_csv import read_predictions
from sercli.inference import attention_maps, insight, score
from sercli.inference.stored import Stored
from sercli.models import get_architecture
from sercli.models.layers.maps import SpatialPyramidPooling

ECA = {
    "arch": "eca",
    "model": {"channels": [4, 4, 4, 4, 6, 8]},
    "features": {"duration_s": 0.5},
    "training": {"max_epochs": 1, "batch_size": 8},
}
MDCNN = {
    "arch": "mdcnn",
    "model": {"filters": 4, "blocks": 1, "spp_levels": [1, 2, 5], "embedding_size": 3},
    "training": {"max_epochs": 1, "batch_size": 8},
}
DICCOSER = {
    "arch": "diccoser",
    "model": {"channels": 4, "frames": 10},
    "training": {"max_epochs": 1, "batch_size": 8},
}


def opened(trained):
    """Utterances of the test part as the bundle takes them, and their true classes."""
    plan, trial = trained
    predictions = read_predictions(trial.predictions_file)
    utterances = [plan.utterances[name] for name in predictions.ids]
    bundle = Bundle.load(trial.bundle)
    return Stored.open(bundle, "emodb", utterances, plan.workspace), predictions


def batch_of(stored, rows):
    return stored.dataset([stored.utterances[row] for row in rows])[list(range(len(rows)))]


@pytest.fixture(scope="session")
def eca(train):
    return opened(train(ECA))


@pytest.fixture(scope="session")
def mdcnn(train):
    return opened(train(MDCNN))


@pytest.fixture(scope="session")
def diccoser(train):
    return opened(train(DICCOSER))


@pytest.fixture(scope="session")
def attpool(segmented):
    return opened(segmented)


@pytest.mark.parametrize("name", ["eca", "mdcnn", "attpool"])
def test_stored_utterances_are_scored_as_the_test_part_was(name, request):
    stored, predictions = request.getfixturevalue(name)
    scores = score(stored.bundle.network, stored.dataset(stored.utterances), stored.bundle.outputs)
    np.testing.assert_allclose(
        np.concatenate(scores),
        predictions.probabilities,
        rtol=1e-5,
    )


@torch.inference_mode()
def test_channel_weights_of_both_layers_equal_a_direct_computation(eca):
    stored, predictions = eca
    found = insight.channel_weights(stored, predictions.target.tolist(), batch_size=5)
    assert list(found) == [5, 6]
    network = stored.bundle.network
    x = batch_of(stored, range(len(predictions))).inputs["x"]
    for number, block in enumerate(network.blocks, 1):
        if number > 4:
            means = torch.relu(block.norm(block.conv(x))).mean(dim=(2, 3))  # (batch, channels)
            kernel = block.attention.conv.weight.flatten()
            padded = torch.nn.functional.pad(means, (3, 3))
            columns = [(padded[:, i : i + 7] * kernel).sum(1) for i in range(means.shape[1])]
            weights = torch.stack(columns, 1).sigmoid().numpy()
            wanted = [weights[predictions.target == label].mean(axis=0) for label in range(4)]
            np.testing.assert_allclose(found[number], wanted, rtol=1e-5)
        x = block(x)


def test_a_class_without_an_utterance_has_no_weights(eca):
    stored, predictions = eca
    for weights in insight.channel_weights(stored, [2] * len(predictions)).values():
        assert np.isnan(weights[[0, 1, 3]]).all()
        assert np.isfinite(weights[2]).all()


@torch.inference_mode()
def test_embeddings_are_what_the_head_takes(mdcnn):
    stored, predictions = mdcnn
    what, found = insight.embeddings(stored, batch_size=5)
    batch = batch_of(stored, range(len(predictions)))
    wanted = stored.bundle.network.embed(batch.inputs["x"], batch.mask)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert what == "embeddings"


@torch.inference_mode()
def test_local_contexts_are_averaged_over_time(diccoser):
    stored, predictions = diccoser
    what, found = insight.embeddings(stored)
    batch = batch_of(stored, range(len(predictions)))
    wanted = stored.bundle.network.local_network(batch.inputs["x"].flatten(1, -2)).mean(dim=2)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert what.startswith("local contexts")


def test_networks_without_such_things_say_why(mdcnn, attpool, small):
    assert insight.channel_weights(mdcnn[0], [0] * 12) == "it has no channel attention"
    assert insight.embeddings(attpool[0]) == "it has no method 'embed' with a layer 'head' after it"
    stored, _ = opened(small)  # an MDCNN without attention
    found = attention_maps.map_attention(stored, stored.utterances[0], 0)
    assert found == "it is built without attention; set model.attention=true"


def test_the_projection_is_that_of_scikit_learn():
    vectors = np.random.default_rng(0).normal(size=(20, 5)) * [3, 1, 2, 0.5, 0.1]
    found, pca = insight.project(vectors), PCA(2).fit(vectors)
    wanted = pca.transform(vectors)
    signs = np.sign((found.points * wanted).sum(axis=0))
    np.testing.assert_allclose(found.points * signs, wanted, atol=1e-9)
    np.testing.assert_allclose(found.share, pca.explained_variance_ratio_)


def test_equal_vectors_are_projected_on_one_point():
    found = insight.project(np.ones((3, 4)))
    np.testing.assert_array_equal(found.points, np.zeros((3, 2)))
    assert found.share == (0, 0)


@pytest.mark.parametrize("bins", ["adaptive", "rounded"])
def test_even_weights_are_spread_evenly(bins):
    pyramid = SpatialPyramidPooling((1, 2, 5), bins)
    laid = pyramid.spread(np.full(30, 1 / 30), (7, 13))
    np.testing.assert_allclose(laid, np.ones((7, 13)))


def test_a_cell_that_weighs_more_is_seen_where_it_lies():
    # Levels 1 and 2 over 2 x 4: the second row's first cell weighs 3, all others 1.
    pyramid = SpatialPyramidPooling((1, 2))
    laid = pyramid.spread(np.array([1.0, 1.0, 1.0, 3.0, 1.0]), (2, 4))
    wanted = np.array([[1, 1, 1, 1], [2, 2, 1, 1]])
    np.testing.assert_allclose(laid, wanted / wanted.mean())


@torch.inference_mode()
def test_the_map_of_attention_pooling_has_the_logit_as_its_mean(attpool):
    stored, _ = attpool
    # The first of an utterance's segments, taken by itself.
    dataset = stored.dataset([stored.utterances[0]])
    head = stored.bundle.network.head
    attention = get_architecture("attpool").attention(stored.bundle.network)
    batch = dataset[[0]]
    with attention_maps._watching(attention.modules) as seen:
        logits = stored.bundle.network(**batch.inputs, mask=batch.mask)
    assert attention.read(seen, 2).mean() == pytest.approx(float(logits[0, 2]), rel=1e-4)
    assert not head.top_down._forward_hooks


def test_maps_lie_on_the_frames_of_the_utterance(attpool, mdcnn):
    for stored, _ in (attpool, mdcnn):
        utterance = stored.utterances[0]
        found = attention_maps.map_attention(stored, utterance, 1)
        store = stored.sources["x"].store
        assert found.attention.shape == found.features.shape
        assert found.features.shape[0] == store.shape[-1]
        assert found.features.shape[1] <= store.frames(store.key(utterance))
    # MDCNN sees all frames as they are stored, standardised.
    array = stored.bundle.statistics["x"].apply(store[store.key(utterance)])
    np.testing.assert_allclose(found.features, array[0], rtol=1e-5)


@torch.inference_mode()
def test_even_attention_is_even_over_the_utterance(mdcnn):
    stored, _ = mdcnn
    network = stored.bundle.network
    kept = network.attention.context.clone()
    network.attention.context.zero_()
    found = attention_maps.map_attention(stored, stored.utterances[0], 0)
    network.attention.context.copy_(kept)
    np.testing.assert_allclose(found.attention, np.ones_like(found.attention))


def test_weights_of_layers_are_named_by_the_number_of_the_layer(train):
    settings = {
        "arch": "probe",
        "features": {"layers": [1, 3]},
        "training": {"max_epochs": 1, "patience": None, "lr": 0.1},
    }
    stored, predictions = opened(train(settings))
    network = stored.bundle.network
    found = insight.layer_weights(stored.bundle)
    e = np.exp(network.weights.detach().double().numpy())
    assert list(found) == [1, 3]
    np.testing.assert_allclose(list(found.values()), e / e.sum(), rtol=1e-6)
    assert found[1] != found[3]
    _, vectors = insight.embeddings(stored)
    batch = batch_of(stored, range(len(predictions)))
    np.testing.assert_allclose(
        vectors, network.embed(batch.inputs["x"], batch.mask).detach(), rtol=1e-4, atol=1e-6
    )
    maps = attention_maps.map_attention(stored, stored.utterances[0], 0)
    assert maps == "it is built without attention; set model.pool=attention"


def test_networks_that_do_not_weigh_layers_say_so(mdcnn):
    assert insight.layer_weights(mdcnn[0].bundle) == "it does not weigh layers of its input"


@pytest.mark.parametrize("arch", ["linear", "mlp"])
def test_classifiers_of_vectors_have_embeddings(train, arch):
    epochs = {} if arch == "linear" else {"training": {"max_epochs": 1, "patience": None}}
    stored, predictions = opened(train({"arch": arch} | epochs))
    _, vectors = insight.embeddings(stored)
    size = stored.bundle.network.head.in_features
    assert vectors.shape == (len(predictions), size)
    assert np.isfinite(vectors).all()
    assert np.ptp(vectors, axis=0).any()
