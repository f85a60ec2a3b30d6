"""The two forms on AVSBench: the settings of each experiment, and one form for all rows of a table."""

from dataclasses import replace

import pytest

from c3n_model.config import ModelConfig, TrainConfig
from c3n_model.experiments.paper.forms import FORMS
from c3n_model.experiments.paper.plans import plan_table
from c3n_model.experiments.paper.recipes import AVSBENCH, SYNTHETIC
from c3n_model.experiments.paper.tables import Study

AUTHORS = replace(AVSBENCH, form="authors")
NUMBERS = ("I", "II", "III", "V", "VI", "VII")


def experiments(recipe) -> list:
    study = Study(recipe, dict.fromkeys(NUMBERS, 1), ["s4", "ms3"], caveat="")
    jobs = (study.jobs(plan_table(number, recipe, None, ["s4", "ms3"])) for number in NUMBERS)
    return [job.experiment for part in jobs for job in part]


def test_authors_model_and_training_of_pvt_with_panns():
    s4, ms3 = (AUTHORS.experiment("PVTv2+PANNs", {}, setting, seed=3) for setting in ("s4", "ms3"))
    their_network = ModelConfig(
        visual="pvt_v2_b5",
        audio="panns_cnn14_16k",
        gate="unit",
        cam_point="before_norm",
        fusion_norm=True,
        decoder="authors",
    )
    assert s4.model == replace(their_network, audio_scores="sigmoid")
    assert ms3.model == their_network
    theirs = TrainConfig(seed=3, dice="authors", stochastic_depth=0.1)
    assert s4.train == replace(theirs, schedule="authors")
    assert ms3.train == replace(theirs, epochs=60, batch_size=4)


def test_authors_settings_that_depend_on_the_encoders():
    swin = AUTHORS.experiment("Swin+BEATs", {}, "ms3", seed=0)
    assert (swin.model.swin, swin.model.audio_order, swin.train.stochastic_depth) == ("dense", "checkpoint", 0.2)
    assert (swin.train.bce_weight, swin.train.schedule) == (1.5, "constant")
    assert AUTHORS.experiment("Swin+BEATs", {}, "s4", seed=0).train.bce_weight == 1.0
    vggish = AUTHORS.experiment("PVTv2+VGGish", {}, "s4", seed=0).model
    assert (vggish.snippet_spacing_s, vggish.audio_scores, vggish.swin) == (0.96, "logits", "classifier")


def test_every_row_has_the_form_of_its_table():
    for experiment in experiments(AUTHORS):
        model = experiment.model
        assert (model.gate, model.cam_point, model.decoder) == ("unit", "before_norm", "authors")
        assert model.fusion_norm == model.audio_features
        assert experiment.train.dice == "authors" and experiment.train.stochastic_depth > 0
    for experiment in experiments(replace(AVSBENCH, form="paper")):
        model, plain = experiment.model, ModelConfig()
        for name in (
            "gate",
            "cam_point",
            "decoder",
            "fusion_norm",
            "swin",
            "audio_scores",
            "audio_order",
            "snippet_spacing_s",
        ):
            assert getattr(model, name) == getattr(plain, name), name
        assert experiment.train.stochastic_depth == 0 and experiment.train.dice == "paper"


@pytest.mark.parametrize("recipe", [AUTHORS, replace(AVSBENCH, form="paper"), SYNTHETIC["full"]])
def test_baselines_differ_from_c3n_only_in_what_they_lack(recipe):
    rows = {row.key: row.trial for row in plan_table("I", recipe, None, ["s4"]).rows if row.trial}
    c3n, tpavi, af = (
        recipe.experiment(rows[key].pair, rows[key].changes, "s4", seed=0) for key in ("PVTv2+PANNs", "TPAVI", "AF")
    )
    assert replace(tpavi.model, pyramid="aspp", consensus="audio_visual") == c3n.model
    assert replace(af.model, consensus="audio_visual") == c3n.model
    assert tpavi.train == af.train == c3n.train


@pytest.mark.parametrize("form", FORMS)
def test_every_table_says_its_form_and_the_other(form):
    for number in NUMBERS:
        notes = plan_table(number, replace(AVSBENCH, form=form), None, ["s4"]).notes
        assert sum(f"Form `{form}`" in note and "--form" in note for note in notes) == 1
        assert not any("Form `" in note for note in plan_table(number, SYNTHETIC["full"], None, ["s4"]).notes)


def test_the_choice_of_epochs_by_test_clips_is_said_where_beats_is_in_the_table():
    assert any("test split" in note for note in plan_table("I", AUTHORS, None, ["s4"]).notes)
    assert not any("test split" in note for note in plan_table("I", AUTHORS, ["Swin+PANNs"], ["s4"]).notes)
