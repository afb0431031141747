"""The figures: same bytes, nothing clipped, captions that say what the tables say."""

import re
from functools import cache

import pytest

from sgns_study.artifacts import ArtifactError
from sgns_study.figures import FIGURES, draw_figure, figure_module
from sgns_study.figures.style import published
from sgns_study.figures.wording import listed, number, percent, signed, span
from tests.curve_tables import classifier_curves, classifier_table, run, sgns_table, write_study

GRIDS = {
    "lab": ([2, 5, 10], [16, 32], [1, 2, 3]),
    "single": ([3], [16], [7]),
    "wide": ([2, 10], [8, 16, 300], [1, 2], ("lab", "another_recipe")),
}


def tables(name, grid):
    make = {"sgns_curves": sgns_table, "classifier_curves": classifier_table}
    return [make[table](*GRIDS[grid]) for table in FIGURES[name]]


@cache
def drawn(name, grid):
    with published():
        figure = figure_module(name).draw(*tables(name, grid))
        figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_tables_give_the_same_bytes(name, tmp_path):
    write_study(tmp_path, *GRIDS["lab"])
    for out in ("a.svg", "b.svg"):
        draw_figure(name, tmp_path, tmp_path / out)
    text = (tmp_path / "a.svg").read_bytes()
    assert text == (tmp_path / "b.svg").read_bytes()
    assert b"<dc:date>" not in text
    assert b"<text" not in text  # glyphs are paths: no font is asked of the reader
    assert (tmp_path / "a.md").read_text().count("\n") == 1


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_clipped_or_too_small(name, grid):
    figure = drawn(name, grid)
    whole, drawing = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert drawing.x0 >= whole.x0 - 1
    assert drawing.x1 <= whole.x1 + 1
    assert drawing.y0 >= whole.y0 - 1
    assert drawing.y1 <= whole.y1 + 1
    for axis in figure.axes:
        for tick in (*axis.get_xticklabels(), *axis.get_yticklabels()):
            assert tick.get_fontsize() >= 7


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", FIGURES)
def test_outer_axes_are_labelled_with_units(name, grid):
    figure = drawn(name, grid)
    rows, columns = figure.axes[0].get_gridspec().get_geometry()
    for i, axis in enumerate(figure.axes):
        if i % columns == 0:
            assert re.search(r"\((nats|nats per centre|%)\)$", axis.get_ylabel())
        if i // columns == rows - 1:
            assert axis.get_xlabel()


def test_sgns_caption_names_the_rise_of_validation_loss():
    caption = figure_module("sgns_curves").caption(sgns_table([2], [16, 32], [1, 2, 3]))
    # Mean over seeds at the last epoch: 2 − 0.375 + 0.02 + 1/64 = 1.661, and 0.25 more at d = 32,
    # which is 0.125 above its lowest, of epoch 2.
    assert "lowest for R = 2, d = 16 (1.661) and highest for R = 2, d = 32 (1.911)" in caption
    assert "1 of 2 models had a lower mean validation loss at an earlier epoch" in caption
    assert "largest rise since is 0.125, of R = 2, d = 32 from epoch 2 on" in caption
    assert "validation accuracy is 80.0 %" in caption
    assert "mean over 3 seeds; bands: smallest to largest" in caption


def test_sgns_caption_says_so_when_nothing_overfits():
    table = sgns_table([2], [16, 32], [1])
    caption = figure_module("sgns_curves").caption(table[table["epoch"] < 3])
    assert "lowest at the last epoch for all 2 models" in caption
    assert "one seed each" in caption


@pytest.mark.parametrize(("trained", "gap"), [(0.75, "−5.0"), (0.80, "0.0"), (0.85, "+5.0")])
def test_validation_caption_is_right_whichever_way_the_numbers_fall(trained, gap):
    rows = run("pretrained", "lab", 2, 16, 1, [0.5, trained, 0.7], 0.7)
    rows += run("random", None, None, 16, 1, [0.5, 0.6, 0.8], 0.7)
    caption = figure_module("classifier_validation").caption(classifier_curves(rows))
    assert f"Pretrained minus random: {gap} points" in caption
    assert f"{100 * trained:.1f} % (pretrained, R = 2, d = 16)" in caption
    assert "80.0 % (random, d = 16)" in caption
    assert "1.0 (pretrained) and 2.0 (random)" in caption


def test_training_caption_gives_the_lead_over_validation():
    caption = figure_module("classifier_training").caption(classifier_table([2], [16], [1]))
    # After epoch 2 training accuracy is 0.75 for both; validation 0.70 and 0.80.
    assert "75.0 % (pretrained) and 75.0 % (random) after epoch 2" in caption
    assert "largest for pretrained, R = 2, d = 16: +5.0 points" in caption


def test_radius_caption_gives_changes_between_the_extremes():
    rows = []
    for radius, accuracy in ((2, 0.70), (5, 0.90), (10, 0.73)):
        rows += run("pretrained", "lab", radius, 16, 1, [0.5, accuracy], accuracy - 0.01 * radius)
    caption = figure_module("radius_and_dim").caption(classifier_curves(rows))
    assert "From R = 2 to 10, mean validation / test accuracy changes by +3.0 / −5.0" in caption
    assert "one dimension only (d = 16)" in caption


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "sgns_curves"])
def test_a_study_without_pretrained_classifiers_has_its_figures(name):
    curves = classifier_table([2], [16], [1, 2])
    curves = curves[curves["init"] == "random"]
    with published():
        figure_module(name).draw(curves).draw_without_rendering()
    assert "random" in figure_module(name).caption(curves)


def test_an_unknown_figure_and_a_missing_table_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"no_such.*sgns_curves"):
        figure_module("no_such")
    with pytest.raises(ArtifactError, match=r"sgns_curves\.csv"):
        draw_figure("sgns_curves", tmp_path, tmp_path / "a.svg")


def test_numbers_in_words():
    assert signed(-0.04) == "0.0"
    assert signed(0.25, 2) == "+0.25"
    assert number(-1.5, 1) == "−1.5"
    assert percent(0.8341) == "83.4 %"
    assert number(float("nan")) == "–"
    assert listed([1, 2, 3]) == "1, 2 and 3"
    assert span([0.5, float("nan"), 0.501], percent) == "50.0 % to 50.1 %"
    assert span([0.5, 0.5], percent) == "50.0 %"
