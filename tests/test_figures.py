"""The figures: same bytes, nothing clipped, captions that say what the tables say."""

import re
from functools import cache
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from sgns_study.artifacts import ArtifactError
from sgns_study.errors import visible
from sgns_study.evaluation.recipes import settings
from sgns_study.evaluation.tables import read_tidy
from sgns_study.evaluation.vectors import best, contrasts
from sgns_study.figures import CAPTIONS, FIGURES, caption_of, draw_figure, figure_module
from sgns_study.figures.map import GAPS, half_size, place_words
from sgns_study.figures.plotting import published
from sgns_study.figures.tweaks import scores_of
from sgns_study.figures.wording import (
    interval,
    listed,
    number,
    percent,
    setting_value,
    signed,
    span,
)
from sgns_study.report.render import ALT_TEXTS
from tests.curve_tables import (
    TWEAKS,
    classifier_curves,
    classifier_table,
    map_table,
    noise_table,
    recipes_of,
    run,
    sgns_table,
    study_tables,
    word2vec_table,
    write_study,
)

ALL = [row[0] for row in TWEAKS]
GRIDS = {
    "lab": ([2, 5, 10], [16, 32], [1, 2, 3]),
    "single": ([3], [16], [7]),
    "wide": ([2, 10], [8, 16, 300], [1, 2], ("lab", "another_recipe")),
    "tweaks": ([5], [128], [1, 2, 3], ALL),
    "planted": ([2, 5], [16], [1, 2], ("full", "full_k1", "lab", "ppmi"), True),
}
CLASSIFIERS = ("classifier_validation", "classifier_training", "radius_and_dim")
# The grids on which a figure differs.
DRAWN = [
    *((name, grid) for name in CLASSIFIERS for grid in ("lab", "single", "wide")),
    *(("sgns_curves", grid) for grid in ("lab", "wide", "tweaks")),
    *(("similarity", grid) for grid in ("lab", "single", "wide", "planted")),
    *(("tweaks", grid) for grid in ("tweaks", "planted")),
    ("amount_of_text", "tweaks"),
    ("noise", "lab"),
    ("map", "lab"),
]


def tables(name, grid):
    made = study_tables(*GRIDS[grid])
    return [made[table] for table in FIGURES[name]]


@cache
def drawn(name, grid):
    with published():
        figure = figure_module(name).draw(*tables(name, grid))
        figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_tables_give_the_same_bytes(name, tmp_path):
    grid = "tweaks" if name == "tweaks" else "single"
    write_study(tmp_path, *GRIDS[grid], experiments=True)
    for out in ("a.svg", "b.svg"):
        draw_figure(name, tmp_path, tmp_path / out)
    text = (tmp_path / "a.svg").read_bytes()
    assert text == (tmp_path / "b.svg").read_bytes()
    assert b"<dc:date>" not in text
    assert b"<text" not in text  # glyphs are paths: no font is asked of the reader
    assert (tmp_path / "a.md").read_text().count("\n") == 1


@pytest.mark.parametrize(("name", "grid"), DRAWN)
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


UNITS = r"\((nats|nats per centre|%|points|of a draw)\)$"


@pytest.mark.parametrize(("name", "grid"), [pair for pair in DRAWN if pair[0] != "map"])
def test_outer_axes_are_labelled_with_units(name, grid):
    figure = drawn(name, grid)
    rows, columns = figure.axes[0].get_gridspec().get_geometry()
    for i, axis in enumerate(figure.axes):
        if i % columns == 0 and name != "similarity":  # whose rows are models, named one by one
            assert re.search(UNITS, axis.get_ylabel())
        if i // columns == rows - 1:
            assert axis.get_xlabel()


def test_sgns_caption_names_the_rise_of_validation_loss():
    curves = sgns_table([2], [16, 32], [1, 2, 3])
    caption = caption_of("sgns_curves", [recipes_of(["lab"]), curves])
    # At the last epoch it is 0.25 more at d = 32, which is 0.125 above its lowest, of epoch 2.
    assert "1 of 2 models end above their lowest mean validation loss" in caption
    assert "by at most 0.125 (R = 2, d = 32)." in caption
    assert "mean over 3 seeds; bands: smallest to largest" in caption


def test_sgns_caption_says_so_when_nothing_overfits():
    table = sgns_table([2], [16, 32], [1])
    caption = caption_of("sgns_curves", [recipes_of(["lab"]), table[table["epoch"] < 3]])
    assert "lowest at the last epoch for all 2 models" in caption
    assert "one seed each" in caption


@pytest.mark.parametrize(("trained", "gap"), [(0.75, "−5.0"), (0.80, "0.0"), (0.85, "+5.0")])
def test_validation_caption_is_right_whichever_way_the_numbers_fall(trained, gap):
    rows = run("pretrained", "lab", 2, 16, 1, [0.5, trained, 0.7], 0.7)
    rows += run("random", None, None, 16, 1, [0.5, 0.6, 0.8], 0.7)
    caption = caption_of("classifier_validation", [classifier_curves(rows)])
    assert f"Pretrained minus random: {gap} points" in caption
    assert f"{100 * trained:.1f} % (pretrained, R = 2, d = 16)" in caption
    assert "80.0 % (random, d = 16)" in caption


def test_training_caption_gives_the_lead_over_validation():
    caption = caption_of("classifier_training", [classifier_table([2], [16], [1])])
    # After epoch 2 training accuracy is 0.75 for both; validation 0.70 and 0.80.
    assert "75.0 % (pretrained) and 75.0 % (random) after the last epoch" in caption
    assert "difference from validation accuracy is +5.0 (pretrained) and −5.0 (random)" in caption
    assert "stopped early" not in caption


def test_a_run_that_stopped_early_keeps_its_last_values():
    rows = run("random", None, None, 16, 1, [0.5, 0.7, 0.6], 0.7)
    rows += run("random", None, None, 16, 2, [0.5, 0.5, 0.8, 0.9], 0.9)
    curves = classifier_curves(rows)
    axes = drawn_axes(curves)
    assert axes[1].lines[0].get_xydata().tolist() == [[1, 60], [2, 70], [3, pytest.approx(75)]]
    assert axes[0].lines[0].get_xydata()[:, 0].tolist() == [1, 2, 3]
    caption = caption_of("classifier_training", [curves])
    # 0.75 after epoch 2 and 0.875 after epoch 3; validation 0.6 and 0.9
    assert "81.2 % (random) after the last epoch" in caption
    assert "is +6.2 (random) points" in caption
    assert "A run that stopped early keeps its last values." in caption


def drawn_axes(curves):
    with published():
        return figure_module("classifier_validation").draw(curves).axes


@pytest.mark.parametrize("name", ["classifier_validation", "classifier_training", "radius_and_dim"])
def test_a_study_without_pretrained_classifiers_has_its_figures(name):
    curves = classifier_table([2], [16], [1, 2])
    curves = curves[curves["init"] == "random"]
    with published():
        figure_module(name).draw(curves).draw_without_rendering()
    assert "random" in caption_of(name, [curves])


def test_an_unknown_figure_and_a_missing_table_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"no_such.*sgns_curves"):
        figure_module("no_such")
    with pytest.raises(ArtifactError, match=r"recipes\.csv"):
        draw_figure("sgns_curves", tmp_path, tmp_path / "a.svg")


def test_variants_are_left_to_the_ablation_and_losses_of_two_kinds_told_apart():
    curves = word2vec_table([5], [128], [1, 2], ALL)
    caption = caption_of("sgns_curves", [recipes_of(ALL), curves])
    assert "without 5 recipes one setting away." in caption
    assert "Training loss of full and bare: of the recipe’s own objective" in caption
    assert len(drawn("sgns_curves", "tweaks").axes) == 2 * 2  # two recipes, loss over accuracy


def test_tweaks_caption_says_where_the_recipes_are_compared():
    caption = caption_of("tweaks", tables("tweaks", "tweaks"))
    assert "mean over 3 seeds" in caption
    assert "at R = 5, d = 128" in caption


def test_a_tweak_of_one_recipe_alone_is_held_against_its_own_value():
    recipes, vectors, _ = tables("tweaks", "planted")
    assert "precision at 5, in points" in caption_of("tweaks", tables("tweaks", "planted"))
    runs = scores_of(vectors)
    (contrast,) = contrasts(settings(recipes), runs, "points")
    assert (contrast.key, contrast.value, contrast.base) == ("negatives", "1", "5")
    assert contrast.change.mean == pytest.approx(-3)
    assert best({"1": "full_k1", "5": "full"}, runs, "points") == "5"


def test_the_parent_stands_among_the_values_tried_around_it():
    figure = drawn("tweaks", "tweaks")
    ticks = [[tick.get_text() for tick in axis.get_xticklabels()] for axis in figure.axes[2:]]
    assert ticks == [["1", "5", "20"], ["off", "10⁻³"]]


def test_similarity_caption_names_the_best_of_each_set():
    caption = caption_of("similarity", tables("similarity", "tweaks"))
    # The mean over seeds 1 to 3 is 0.02 above the base scores.
    assert "for 3 models of R = 5 and d = 128" in caption
    assert "Best: full on MEN (0.620)," in caption
    assert "full on SimLex-999 (0.120)." in caption
    assert "full_k1" not in caption


def test_similarity_on_the_planted_corpus_is_held_against_chance():
    caption = caption_of("similarity", tables("similarity", "planted"))
    assert "full, R = 2 on precision at 5 (0.515; by chance 0.040)" in caption


def test_noise_caption_by_hand():
    caption = caption_of("noise", [noise_table()])
    # 10,000^0.75 = 1,000 and 10,000^0.5 = 100 times as often as a word that occurs once.
    assert "“the” (10,000 occurrences) is drawn 10,000 times (α = 1)," in caption
    assert "1,000 times (α = 0.75) and 100 times (α = 0.5) as often as “1,5” (1)" in caption


def test_every_figure_has_a_template_a_module_and_a_text_for_those_who_cannot_see_it():
    assert ALT_TEXTS.keys() == FIGURES.keys()
    assert {path.stem for path in CAPTIONS.glob("*.md")} == {*FIGURES, "macros"}
    assert {figure_module(name).__name__.rpartition(".")[2] for name in FIGURES} == set(FIGURES)


def test_a_word_that_looks_like_a_template_stays_a_word():
    caption = caption_of("noise", [noise_table().replace({"the": "{{ 7 * 7 }}{% if %}"})])
    assert "“{{ 7 * 7 }}{% if %}” (10,000 occurrences)" in caption


def test_words_that_look_like_something_else_are_read_as_words(tmp_path):
    write_study(tmp_path, [2], [16], [1])
    assert list(read_tidy(tmp_path, "noise")["word"].unique()) == ["the", "null", "1,5"]
    assert "null" in set(read_tidy(tmp_path, "neighbours")["word"])


@pytest.mark.parametrize(
    "word",
    [
        *("$x^2$", r"$\frac{$", "-->", "]]>", "--", "<script>alert(1)</script>", "&amp;"),
        *(
            "_hidden",
            "\x01",
            "\x1b[31m",
            "\x7f",
            "\ufffe",
            "\uffff",
            "\u202e",
            "\ue000",
            "映",
            "😀",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_any_word_is_drawn_as_it_is(word):
    """What matplotlib would take for a formula, leave out, or write into a file that is no XML."""
    maps = map_table().replace({"good0": word, "bad": f"{word} of a group"})
    for figure in (
        figure_module("map").draw(recipes_of(["full"]), maps),
        figure_module("noise").draw(noise_table().replace({"null": word})),
    ):
        out = BytesIO()
        figure.savefig(out, format="svg")
        svg = ElementTree.fromstring(out.getvalue())  # raises an error for what is no XML
        assert {part.tag.rpartition("}")[2] for part in svg.iter()}.isdisjoint({"script", "image"})
        texts = [text.get_text().strip() for text in figure.findobj(Text) if text.get_visible()]
        assert visible(word).replace("$", r"\$") in texts


def test_map_caption_counts_words_beside_their_own_group():
    caption = caption_of("map", [recipes_of(["full"]), map_table()])
    # Of each group three lie together and the fourth beside the other's: 6 of 8. A word has 3 of
    # its own group among 7 others.
    assert "Of the words, 75 % have a word of their own group nearest" in caption
    assert "by chance it would be 43 %" in caption


def test_the_map_is_of_the_first_word2vec_recipe_whatever_the_order_of_the_rows():
    maps = pd.concat([map_table(name) for name in ("another", "bare", "full", "lab")])
    recipes = recipes_of(["lab", "full", "bare", "another"])
    assert "from the vectors of full (R = 2, d = 16, seed 1)" in (
        caption_of("map", [recipes, maps])
    )


def test_nearest_on_the_map_by_hand():
    places = map_table().iloc[:4].assign(x=[0, 1, 3, 3.5], y=0, group=["a", "a", "a", "b"])
    # Only the first two have a word of their own group nearest: 3 is closer to 3.5 than to 1.
    assert "Of the words, 50 % have" in caption_of("map", [recipes_of(["full"]), places])


def test_words_on_the_map_do_not_overlap_where_there_is_room():
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 300, (40, 2))
    halves = np.array([half_size("wonderful")] * 40)
    found, gaps = place_words(points, halves, np.array([-50, -50, 350, 350]))
    low, high = points + found - halves, points + found + halves
    shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    overlapping = (shared > 0).all(axis=2).sum() - 40  # each with itself
    in_line = points + [1, 0] * (halves + GAPS[0])  # all to the right of their points
    plain = np.abs(in_line[:, None] - in_line)
    assert overlapping == 0 < ((plain < 2 * halves[0]).all(axis=2).sum() - 40)
    assert (low >= -50).all()
    assert (high <= 350).all()
    assert set(gaps) <= set(GAPS)


def test_numbers_in_words():
    assert signed(-0.04) == "0.0"
    assert signed(0.25, 2) == "+0.25"
    assert number(-1.5, 1) == "−1.5"
    assert percent(0.8341) == "83.4 %"
    assert number(float("nan")) == "–"
    assert listed([1, 2, 3]) == "1, 2 and 3"
    assert span([0.5, float("nan"), 0.501], percent) == "50.0 % to 50.1 %"
    assert span([0.5, 0.5], percent) == "50.0 %"
    assert interval(-0.34, 0.5) == "−0.3 to +0.5"
    assert interval(float("nan"), float("nan")) == "–"
    assert setting_value("subsample", "0.0") == "off"
    assert setting_value("subsample", "0.0005") == "5 · 10⁻⁴"
    assert setting_value("alpha", "0.0") == "0"
    assert setting_value("window", "fixed") == "fixed"
