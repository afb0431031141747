"""Quality of the word2vec kernel's vectors beside gensim's, at equal settings on the same tokens.

    sgns-study tokenize --study results/tweaks/study.json # with tokenizer: word
    OMP_NUM_THREADS=1 python benchmarks/quality.py TOKENS WORD_SIMILARITY

Two epochs of all documents, d = 128, R = 5, K = 5, t = 1e-3, min_count 5, one thread; Spearman's ρ
on three word-similarity sets, a row a seed and the means last. WORD_SIMILARITY is the folder of the
sets (`data/raw/word-similarity`). Gensim takes about six minutes a seed.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from sgns_study.evaluation.intrinsic import read_pairs, similarity
from sgns_study.params import Word2vecRecipe
from sgns_study.sgns.stream import kept_counts
from sgns_study.sgns.vectors import Vectors, trained_words
from sgns_study.sgns.word2vec import train
from sgns_study.tokens import TokenStream, load_tokens

SETS = ("EN-MEN-TR-3k", "EN-WS-353-ALL", "EN-SIMLEX-999")
RADIUS, DIM = 5, 128
RECIPE = Word2vecRecipe(
    kind="word2vec", negatives=5, alpha=0.75, window="dynamic", subsample=1e-3, min_count=5,
    epochs=2, learning_rate=0.025,
)  # fmt: skip


def ours(stream: TokenStream, seed: int) -> tuple[np.ndarray, list[str]]:
    words = stream.vocabulary.tokens
    counts = np.bincount(stream.ids, minlength=len(words))
    trained = train(stream.ids, stream.offsets, counts, RECIPE, RADIUS, DIM, seed)
    kept = kept_counts(counts, RECIPE.min_count)
    vectors = trained_words(Vectors(trained.centre, trained.context, words, kept))
    return vectors.centre, vectors.vocabulary


def gensim(stream: TokenStream, seed: int) -> tuple[np.ndarray, list[str]]:
    from gensim.models import Word2Vec

    names = np.array(stream.vocabulary.tokens, dtype=object)
    text = [list(names[stream.ids[a:b]]) for a, b in pairwise(stream.offsets)]
    s = RECIPE
    model = Word2Vec(
        text, vector_size=DIM, window=RADIUS, sg=1, negative=s.negatives, sample=s.subsample,
        alpha=s.learning_rate, min_alpha=s.learning_rate * 1e-4, epochs=s.epochs,
        min_count=s.min_count, ns_exponent=s.alpha, workers=1, seed=seed,
    )  # fmt: skip
    return model.wv.vectors, model.wv.index_to_key


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path, help="folder written by `sgns-study tokenize`")
    parser.add_argument("sets", type=Path, help="folder of the word-similarity sets")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    stream = load_tokens(given.tokens)
    pairs = {name: read_pairs(given.sets / f"{name}.txt") for name in SETS}
    rows = []
    for seed in given.seeds:
        for trainer in (gensim, ours):
            table, words = trainer(stream, seed)
            scores = {name: similarity(table, words, pairs[name])[0] for name in SETS}
            rows.append({"trainer": trainer.__name__, "seed": seed} | scores)
            print(json.dumps(rows[-1]), flush=True)
    means = pd.DataFrame(rows).groupby("trainer")[list(SETS)].mean()
    print(means.round(4).to_string())
    print((means.loc["ours"] - means.loc["gensim"]).round(4).rename("ours - gensim").to_string())


if __name__ == "__main__":
    main()
