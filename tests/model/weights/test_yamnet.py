"""YAMNet's public file: where its 8-bit weights go, and what is refused."""

import numpy as np
import pytest
import soundfile
import torch
from ai_edge_litert.interpreter import Interpreter
from yamnet_file import constants, write_yamnet

from c3n_model.network.audio.yamnet import NUM_CLASSES, YAMNet
from c3n_model.preprocess import snippet_from_samples
from c3n_model.weights import manifest
from c3n_model.weights.tensors import load_weights
from c3n_model.weights.yamnet import read_labels, read_tensors

NAMES = [f"class {index}" for index in range(NUM_CLASSES)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "yamnet.tflite"
    layers = constants(np.random.default_rng(0))
    write_yamnet(path, layers, NAMES)
    return path, layers


def test_every_weight_arrives_in_its_place(file):
    path, layers = file
    network = YAMNet()
    load_weights(network, read_tensors(path), path)  # names and shapes must match exactly
    first, first_scales, _ = layers[0]
    assert network.layers[0].convolution.weight[5, 0, 1, 2].item() == pytest.approx(first[5, 1, 2, 0] * first_scales[5])
    depthwise, scales, _ = layers[2]
    assert network.layers[1].convolution.weight[7, 0, 2, 1].item() == pytest.approx(depthwise[0, 2, 1, 7] * scales[7])
    pointwise, scales, _ = layers[4]
    assert network.layers[2].convolution.weight[9, 3, 0, 0].item() == pytest.approx(pointwise[9, 0, 0, 3] * scales[9])
    head, scales, _ = layers[-2]
    assert network.classifier.weight[11, 13].item() == pytest.approx(head[11, 13] * scales[0])
    bias, scales, _ = layers[-1]
    assert network.classifier.bias.detach().numpy() == pytest.approx(bias * scales[0])
    assert read_labels(path) == NAMES


def test_another_network_is_refused_by_name(tmp_path):
    path = tmp_path / "yamnet.tflite"
    write_yamnet(path, constants(np.random.default_rng(0))[:-6], NAMES)
    with pytest.raises(ValueError, match="yamnet.tflite is not YAMNet's classifier: expected weights of 27"):
        read_tensors(path)


@pytest.mark.parametrize("content", [b"", b"TFL3 and nothing else", b"\x1c\x00\x00\x00TFL3" + 40 * b"\xff"])
def test_a_damaged_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "yamnet.tflite"
    path.write_bytes(content)
    for read in (read_tensors, read_labels):
        with pytest.raises(ValueError, match=r"yamnet\.tflite"):
            read(path)


def test_labels_that_lack_are_refused(tmp_path):
    layers = constants(np.random.default_rng(0))[:2]
    for labels, reason in (([], "yamnet_label_list.txt"), (NAMES[:5], "expected 521 labels")):
        write_yamnet(tmp_path / "yamnet.tflite", layers, labels)
        with pytest.raises(ValueError, match=reason):
            read_labels(tmp_path / "yamnet.tflite")


@pytest.mark.realdata
def test_the_network_hears_what_the_public_file_hears(real_data):
    """Against LiteRT's own run of the file, in 8 bits: the same best class, and logits alike."""
    found = manifest.locate(manifest.entry("yamnet"))
    if found is None:
        pytest.skip("needs yamnet.tflite: c3n weights get yamnet")
    network = YAMNet().eval()
    load_weights(network, read_tensors(found), found)
    interpreter = Interpreter(str(found))
    interpreter.allocate_tensors()
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    for name in ("bee", "cow", "duck"):
        samples, rate = soundfile.read(real_data / "cutouts" / f"{name}.ogg", dtype="float32", always_2d=True)
        second = snippet_from_samples(samples[:rate], rate, network.sample_rate)
        interpreter.set_tensor(given["index"], second[: given["shape"][0]])
        interpreter.invoke()
        public = torch.from_numpy(interpreter.get_tensor(answer["index"]))[0]
        with torch.no_grad():
            ours = network(torch.from_numpy(second)[None])[1][0].sigmoid()
        assert ours.argmax() == public.argmax()
        assert (ours - public).abs().max() < 0.15
