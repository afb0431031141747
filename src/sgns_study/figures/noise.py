"""The noise distribution: how an exponent of the counts smooths it."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from sgns_study.errors import visible
from sgns_study.figures import plotting

LABELLED = 7  # words named, at about equal distances of the logarithm of their counts


def draw(noise: pd.DataFrame) -> Figure:
    """Probability against count, both logarithmic, a line an exponent; some words named above."""
    noise = noise[noise["probability"] > 0]
    figure = Figure(figsize=(plotting.WIDTH, 2.9))
    axis = figure.subplots()
    looks = {
        alpha: plotting.nth_look(i, f"α = {alpha:g}") for i, alpha in enumerate(exponents(noise))
    }
    named = examples(noise)
    for alpha, look in looks.items():
        line = noise[noise["alpha"] == alpha].sort_values("count")
        axis.plot(line["count"], line["probability"], **look | {"marker": ""})
        axis.plot(named["count"], named[alpha], **look | {"linestyle": ""})
    for count in named["count"]:
        axis.axvline(count, color="#dddddd", linewidth=0.5, zorder=0)
    axis.set(xscale="log", xlabel="count of the word in the text")
    axis.set(yscale="log", ylabel="probability\n(of a draw)")
    axis.grid(False, axis="x")
    words = axis.secondary_xaxis("top")
    words.set_xticks(list(named["count"]), [plotting.literal(word) for word in named["word"]])
    words.xaxis.set_minor_locator(NullLocator())
    words.spines["top"].set_visible(False)
    words.tick_params(length=0, pad=1)
    plotting.legend(figure, looks.values())
    return figure


def exponents(noise: pd.DataFrame) -> list[float]:
    """The exponents of the table, the largest, which smooths least, first."""
    return sorted(noise["alpha"].unique(), reverse=True)


def examples(noise: pd.DataFrame) -> pd.DataFrame:
    """Some words from the most frequent to the rarest: word, count, and a column an exponent.

    They are evenly spread over the logarithm of the counts.
    """
    wide = noise.pivot_table("probability", ["word", "count"], "alpha", sort=False).reset_index()
    logs = np.log(wide["count"].to_numpy(float))
    wanted = np.linspace(logs[0], logs[-1], LABELLED)
    nearest = sorted({int(np.abs(logs - log).argmin()) for log in wanted})
    return wide.iloc[nearest].reset_index(drop=True)


def caption(noise: pd.DataFrame) -> dict[str, Any]:
    """How many times as likely the most frequent word is as the rarest, by exponent."""
    named = examples(noise[noise["probability"] > 0])
    first, last = named.iloc[0], named.iloc[-1]
    return {
        "n_words": noise["word"].nunique(),
        "words": [(visible(word["word"]), int(word["count"])) for word in (first, last)],
        "ratios": {f"{alpha:g}": first[alpha] / last[alpha] for alpha in exponents(noise)},
    }
