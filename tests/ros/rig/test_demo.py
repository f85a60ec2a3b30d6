"""The main job, live: bag player, node and recorder as processes over DDS, with the embedded model."""

import json

from c3n_model.data.clip_files import read_mask
from c3n_ros.rig.demo import HEIGHT, WIDTH, run


def test_demo_reaches_its_bar(tmp_path):
    report = run(tmp_path / "demo")
    assert report == json.loads((tmp_path / "demo" / "report.json").read_text())
    assert report["windows"] == 20
    assert report["dropped_windows"] == 0
    assert report["mask_iou"] >= 0.75
    assert report["label_accuracy"] >= 0.9
    several = report["several_sources"]
    assert several["windows"] == several["all_named"] == 2 and min(several["mask_ious"]) >= 0.7
    assert (report["silent_windows"], report["silent_false_positives"]) == (3, 0)
    assert report["offline_windows"] == report["live_offline_windows"] == 20
    assert report["live_offline_iou"] >= 0.99
    for name in ("overlay.mp4", "contact_sheet.png", "labels.jsonl"):
        assert (tmp_path / "demo" / name).stat().st_size > 1000
    masks = sorted((tmp_path / "demo" / "masks").iterdir())
    assert len(masks) == 20
    assert read_mask(masks[0], (HEIGHT, WIDTH)).any()
