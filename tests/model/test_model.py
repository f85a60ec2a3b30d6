"""Devices: what is there, and one line for what is not."""

import pytest
import torch

from c3n_model.model import choose_device


def test_a_device_that_is_there():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["meta", "gpu", "cpu:1", "cuda:", "mps", ""])
def test_other_devices_are_refused(device):
    with pytest.raises(ValueError, match=f"device '{device}' is unknown; use auto, cpu, cuda or cuda:N"):
        choose_device(device)


def test_a_device_that_this_machine_has_not():
    with pytest.raises(ValueError, match="device 'cuda:99' cannot be used here"):
        choose_device("cuda:99")
