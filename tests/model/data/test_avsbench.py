"""AVSBench from either release: the object release as `c3n synthesize` writes it, the semantic release rewritten from it."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from semantic_release import write_semantic_release

from c3n_model.data.avsbench import AVSBench, settings_below
from c3n_model.data.avsbench_semantic import clips as semantic_clips
from c3n_model.progress import silent
from c3n_model.synthetic.scenes import make_scene
from c3n_model.synthetic.synthesize import synthesize

MASKS = {("s4", "train"): [True, False, False, False, False]}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    for setting in ("s4", "ms3"):
        synthesize(folder, setting, {"train": 2, "test": 1}, seed=3, progress=silent)
    return folder


@pytest.fixture(scope="module")
def semantic(root, tmp_path_factory):
    """Write the clips of both settings in the layout of the semantic release."""
    folder = tmp_path_factory.mktemp("semantic")
    for setting in ("s4", "ms3"):
        write_semantic_release(folder, root, setting)
    return folder


class TestObjectRelease:
    def test_layout_is_avsbenchs(self, root):
        files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
        (category,) = {path.name for path in (root / "Single-source/s4_data/visual_frames/test").iterdir()}
        name = "s4_test_00000"
        assert f"Single-source/s4_data/visual_frames/test/{category}/{name}/{name}_5.png" in files
        assert f"Single-source/s4_data/gt_masks/test/{category}/{name}/{name}_5.png" in files
        assert f"Single-source/s4_data/audio_wav/test/{category}/{name}.wav" in files
        assert "Multi-sources/ms3_data/visual_frames/ms3_train_00001/ms3_train_00001.mp4_1.png" in files
        assert "Multi-sources/ms3_data/gt_masks/train/ms3_train_00001/ms3_train_00001_1.png" in files
        assert "Multi-sources/ms3_data/audio_wav/train/ms3_train_00001.wav" in files

    @pytest.mark.parametrize(("setting", "split"), [("s4", "train"), ("s4", "test"), ("ms3", "train"), ("ms3", "test")])
    def test_s4_trains_on_the_first_mask_only(self, root, setting, split):
        clip = AVSBench(root, setting, split, 32000)[0]
        assert clip.has_mask.tolist() == MASKS.get((setting, split), [True] * 5)
        assert not clip.masks[~clip.has_mask].any()

    def test_clips_are_the_scenes(self, root):
        clip = AVSBench(root, "ms3", "train", 32000)[1]
        scene = make_scene("ms3", 3, "train", 1)
        for second in range(5):
            rgb, mask = scene.picture(second + 15 / 16)
            assert np.array_equal(clip.frames[second], rgb)
            assert np.array_equal(clip.masks[second], mask)
        assert clip.snippets.shape == (5, 32000)
        level = np.sqrt(np.mean(scene.sound() ** 2))
        assert np.sqrt(np.mean(clip.snippets**2)) == pytest.approx(level, rel=0.05)

    def test_the_setting_s_folder_can_be_given_itself(self, root):
        assert settings_below(root / "Multi-sources") == ["ms3"]
        assert len(AVSBench(root / "Multi-sources", "ms3", "train", 16000)) == 2

    def test_name_is_the_first_column_and_split_is_found_by_its_header(self, root, tmp_path):
        """AVSBench's own code does so; editors leave byte order marks, blanks and empty lines."""
        (tmp_path / "ms3_data").symlink_to(root / "Multi-sources/ms3_data")
        text = "\ufeffvideo_id, note ,split\nms3_train_00001,x, train\n\nms3_test_00000,y,test\n"
        (tmp_path / "ms3_meta_data.csv").write_text(text, encoding="utf-8")
        (clip,) = AVSBench(tmp_path, "ms3", "train", 16000)
        assert clip.name == "ms3_train_00001"


class TestSemanticRelease:
    @pytest.mark.parametrize("setting", ["s4", "ms3"])
    @pytest.mark.parametrize("split", ["train", "test"])
    def test_loads_as_the_object_release_does(self, root, semantic, setting, split):
        expected, dataset = AVSBench(root, setting, split, 32000), AVSBench(semantic, setting, split, 32000)
        assert len(dataset) == len(expected)
        for clip, other in zip(dataset, expected, strict=True):
            assert (clip.name, clip.category) == (other.name, other.category)
            assert np.array_equal(clip.has_mask, other.has_mask)
            assert np.array_equal(clip.masks, other.masks)
            assert np.array_equal(clip.snippets, other.snippets)
            difference = np.abs(clip.frames.astype(int) - other.frames)  # JPEG
            assert clip.frames.shape == other.frames.shape and difference.mean() < 3

    def test_is_the_other_source(self, semantic, root, tmp_path):
        assert settings_below(semantic) == ["s4", "ms3"]
        (tmp_path / "metadata.csv").symlink_to(semantic / "metadata.csv")
        (tmp_path / "v1m").symlink_to(semantic / "v1m")
        assert settings_below(tmp_path) == ["ms3"]
        with pytest.raises(FileNotFoundError, match=r"s4_meta_data\.csv.*metadata\.csv.*v1s"):
            AVSBench(tmp_path, "s4", "train", 16000)

    def test_category_without_a_obj(self, tmp_path):
        (tmp_path / "metadata.csv").write_text("uid,label,split\na,v1s,train\nb,v1m,train\nc,v2,train\n")
        (clip,) = semantic_clips(tmp_path / "metadata.csv", "s4")
        assert (clip.name, clip.category, len(clip.masks)) == ("a", "", 1)

    @pytest.mark.realdata
    def test_real_metadata(self, real_data):
        counts = {"s4": {"train": 3452, "val": 740, "test": 740}, "ms3": {"train": 296, "val": 64, "test": 64}}
        table = real_data / "avsbench_clips/avsbench_metadata.csv"
        for setting, expected in counts.items():
            clips = semantic_clips(table, setting)
            assert {split: sum(clip.split == split for clip in clips) for split in expected} == expected
            assert len({clip.name for clip in clips}) == len(clips) == sum(expected.values())
        assert len({clip.category for clip in semantic_clips(table, "s4")}) == 23  # and no "h orse"


class TestMissingData:
    def test_missing_dataset_names_the_expected_files(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="c3n synthesize"):
            AVSBench(tmp_path, "s4", "train", 32000)
        with pytest.raises(
            FileNotFoundError, match=r"Single-source/s4_meta_data\.csv.*Multi-sources/ms3_meta_data\.csv"
        ):
            settings_below(tmp_path)

    def test_missing_split_lists_those_there(self, root):
        with pytest.raises(ValueError, match=r"'val'.*\['test', 'train'\]"):
            AVSBench(root, "s4", "val", 32000)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("name,part\na,train\n", r"column split.*\['name', 'part'\]"),
            ("", r"column split.*\[\]"),
            ("name,split\na,train\nb\n", "line 3.*split"),
            ("name,split\n,train\n", "line 2.*name"),
            ("name,split\n\xff,train\n", "csv .*0xff"),
        ],
    )
    def test_bad_csv(self, tmp_path, text, message):
        (tmp_path / "ms3_meta_data.csv").write_bytes(text.encode("latin-1"))
        with pytest.raises(ValueError, match=message) as caught:
            AVSBench(tmp_path, "ms3", "train", 32000)
        assert "ms3_meta_data.csv" in str(caught.value)


def test_threads_and_workers_may_read_at_once(root):
    dataset = AVSBench(root, "ms3", "train", 32000)
    again = pickle.loads(pickle.dumps(dataset))
    with ThreadPoolExecutor(4) as pool:
        for index, clip in zip([0, 1] * 4, pool.map(again.__getitem__, [0, 1] * 4)):
            assert np.array_equal(clip.snippets, dataset[index].snippets)
            assert np.array_equal(clip.frames, dataset[index].frames)
