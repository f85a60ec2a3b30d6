"""The load test on real processes and DDS. What it measures is of the machine; here it is asked whether it measures."""

import pytest

from c3n_ros.rig import load_test


def test_a_short_load_has_figures_of_every_process():
    report = load_test.run(seconds=3.0, pause_s=0.0, images_per_s=5.0)
    assert report["images sent"] > 15 and report["sounds sent"] > 300  # they started seconds before the node was active
    assert 0 < report["received"]["images"] <= report["images sent"]
    assert 0 < report["received"]["sounds"] <= report["sounds sent"]
    assert report["callbacks"]["count"] >= report["received"]["images"]
    assert report["callbacks"]["p50 ms"] <= report["callbacks"]["p99 ms"] <= report["callbacks"]["p100 ms"]
    states = ("unconfigured", "inactive", "settling", "active", "inactive again")
    assert all(report[state]["rss MiB"] > 0 for state in states)


def test_a_node_that_cannot_be_configured_ends_it(tmp_path, capfd):
    with pytest.raises(RuntimeError, match="segmentation ended with 1"):
        load_test.run(seconds=1.0, pause_s=0.0, images_per_s=5.0, model=str(tmp_path / "none.safetensors"))
    said = capfd.readouterr().err
    assert "none.safetensors" in said and "configured" in said and "Traceback" not in said
