"""EfficientAT: the front end against Kaldi's own library, the network against the public checkpoint."""

import kaldi_native_fbank
import numpy as np
import pytest
import torch
import torchvision

from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.audio.efficientat import EfficientAT, LogMel


def kaldi_log_mel(emphasised: np.ndarray) -> np.ndarray:
    """Power mel bands of 25 ms Hann frames every 10 ms by kaldi-native-fbank: (frames, 128), no logarithm."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = 32000
    options.frame_opts.dither = 0
    options.frame_opts.preemph_coeff = 0
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.window_type = "hanning"
    options.mel_opts.num_bins = 128
    options.mel_opts.low_freq = 0
    options.mel_opts.high_freq = 15000
    options.use_log_fbank = False
    bank = kaldi_native_fbank.OnlineFbank(options)
    bank.accept_waveform(32000, emphasised.tolist())
    bank.input_finished()
    return np.stack([bank.get_frame(index) for index in range(bank.num_frames_ready)])


def test_front_end_equals_kaldi():
    random = np.random.default_rng(0)
    time = np.arange(32000) / 32000
    waveform = 0.3 * np.sin(2 * np.pi * 440 * time) + 0.1 * random.standard_normal(32000)
    waveform = waveform.astype(np.float32)
    ours = LogMel()(torch.from_numpy(waveform)[None])[0, 0].numpy().T  # (frames, 128)
    assert ours.shape == (100, 128)
    emphasised = waveform[1:] - np.float32(0.97) * waveform[:-1]
    # Our frame t is centred on sample 320 t, Kaldi's frame f begins at 320 f: from sample 240 on, t = f + 2.
    theirs = (np.log(kaldi_log_mel(emphasised[240:]) + 1e-5) + 4.5) / 5
    assert np.abs(ours[2 : 2 + len(theirs) - 1] - theirs[:-1]).max() < 2e-3


def test_silence_is_the_floor():
    floor = (np.log(1e-5) + 4.5) / 5
    assert LogMel()(torch.zeros(1, 32000)).unique().tolist() == pytest.approx([floor], abs=1e-6)


def test_shapes_and_independence_of_the_batch():
    encoder = EfficientAT(num_classes=9).eval()
    waveform = torch.rand(3, 32000) - 0.5
    with torch.no_grad():
        embedding, logits = encoder(waveform)
        alone = encoder(waveform[1:2])[1]
    assert embedding.shape == (3, encoder.embedding_channels) == (3, 384)
    assert logits.shape == (3, 9)
    assert torch.allclose(logits[1:2], alone, atol=1e-5)


def test_mn10_is_mobilenet_v3_large_on_one_channel():
    with torch.device("meta"):
        encoder = build_audio_encoder("mn10", 527)
        large = torchvision.models.mobilenet_v3_large(num_classes=527)
    # squeezed, because torchvision's squeeze-excitation has 1x1 convolutions for linear layers
    ours, theirs = ([tuple(p.squeeze().shape) for p in network.parameters()] for network in (encoder, large))
    assert (ours[0], theirs[0]) == ((16, 3, 3), (16, 3, 3, 3))
    assert ours[1:] == theirs[1:]
    assert sum(p.numel() for p in encoder.parameters()) == 4_876_831  # "4.88 M" of mn10_as_mAP_471.pt
    assert encoder.embedding_channels == 960
    names = encoder.state_dict().keys()
    assert {"features.0.0.weight", "features.4.block.2.conc_se_layers.0.fc1.weight", "classifier.5.bias"} <= names


@pytest.mark.realdata
def test_public_checkpoint_loads_strictly_and_hears_a_dog(real_data):
    import soundfile

    from c3n_model.labels.names import audioset_names
    from c3n_model.preprocess import snippet_from_samples

    encoder = EfficientAT().eval()
    encoder.load_state_dict(torch.load(real_data / "weights" / "mn04_as_mAP_432.pt", weights_only=True))
    assert 0.97e6 < sum(parameter.numel() for parameter in encoder.parameters()) < 0.99e6
    samples, rate = soundfile.read(real_data / "pairs" / "dog_audio.wav", dtype="float32", always_2d=True)
    seconds = [samples[start : start + rate] for start in range(0, len(samples) - rate, rate)]
    snippets = np.stack([snippet_from_samples(second, rate, 32000) for second in seconds])
    with torch.no_grad():
        _, logits = encoder(torch.from_numpy(snippets))
    names = audioset_names(real_data / "weights" / "class_labels_indices.csv")
    heard = {names[int(index)] for index in logits.argmax(dim=1)}
    assert heard & {"Dog", "Bark", "Animal", "Domestic animals, pets"}
