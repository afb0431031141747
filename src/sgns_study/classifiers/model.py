"""A classifier in a file of its own, and what it predicts for new texts.

The file is safetensors: the weights by their names in `Conv1dClassifier`, and, as the entry
`classifier` of its metadata, a JSON object of the keys of `Settings`.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, inference_mode
from tqdm import tqdm

from sgns_study import params
from sgns_study.artifacts import ArtifactError, intact, writing
from sgns_study.classifiers.conv1d import Conv1dClassifier, class_probabilities
from sgns_study.corpora import table
from sgns_study.errors import StudyError, reason
from sgns_study.kernels import conv1d as kernels
from sgns_study.provenance import versions
from sgns_study.tokens import LINE_BREAK, PAD_ID, UNKNOWN, Encoder, wordpiece_encoder
from sgns_study.words import SPLITTERS

BLOCK = 4096  # texts scored at once


class Settings(BaseModel, strict=True):
    """What the weights do not say: id i is `vocabulary[i]`, label i is `classes[i]`."""

    tokens: params.Tokens
    vocabulary: list[str]
    classes: list[str]
    max_tokens: int = Field(ge=1, le=100_000)
    padding: int = Field(ge=0, le=1000)
    versions: dict[str, str] = Field(default_factory=versions)


@dataclass(frozen=True)
class TextClassifier:
    """A trained classifier that takes texts."""

    module: Conv1dClassifier
    settings: Settings

    @property
    def columns(self) -> list[str]:
        """What is predicted of a text: its line, its label, a probability for each class."""
        return ["line", "label", *(f"probability_{name}" for name in self.settings.classes)]

    @cached_property
    def encode(self) -> Encoder:
        """The tokenizer of the training documents; words they do not have are the unknown one."""
        if self.settings.tokens.tokenizer == "wordpiece":
            return wordpiece_encoder(self.settings.vocabulary)
        ids = {word: number for number, word in enumerate(self.settings.vocabulary)}
        unknown, split = ids[UNKNOWN], SPLITTERS[self.settings.tokens.tokenizer]
        return lambda text: [ids.get(word, unknown) for word in split(text)]

    def tokens(self, texts: list[str]) -> NDArray[np.int32]:
        """The ids of texts, cut or padded to (n, max_tokens)."""
        result = np.full((len(texts), self.settings.max_tokens), PAD_ID, np.int32)
        for row, text in zip(result, texts):
            ids = self.encode(LINE_BREAK.sub(" ", text))[: len(row)]
            row[: len(ids)] = ids
        return result

    def probabilities(self, texts: list[str]) -> NDArray[np.float64]:
        """Probabilities (n, C) of the classes."""
        table = self.module.embedding
        distinct, indices = kernels.distinct_tokens(self.tokens(texts), len(table))
        with inference_mode():
            logits = self.module(indices, rows=table[distinct])
            found: NDArray[np.float64] = class_probabilities(logits).numpy()
        return found if found.ndim == 2 else np.stack([1 - found, found], axis=1)


def save_model(path: Path, weights: dict[str, Tensor], settings: Settings) -> None:
    """Write the weights of a trained `Conv1dClassifier` with all that `load_model` needs."""
    metadata = {"classifier": settings.model_dump_json()}
    with writing(path) as part:
        save_file({name: table.contiguous() for name, table in weights.items()}, part, metadata)


def load_model(path: Path) -> TextClassifier:
    """Read what `save_model` wrote; raises ArtifactError for any other file."""
    remedy = "name a model.safetensors of a study, from its folder results/<study>/classifiers"
    try:
        with safe_open(intact(path), "pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            settings = Settings.model_validate_json((file.metadata() or {})["classifier"])
        filters, _, kernel = weights["conv.weight"].shape
        outputs = 1 if len(settings.classes) == 2 else len(settings.classes)
        table = weights["embedding"].float()
        if len(settings.vocabulary) != len(table) or UNKNOWN not in settings.vocabulary:
            raise ValueError(f"{len(settings.vocabulary)} words, {len(table)} vectors, {UNKNOWN}?")
        if kernel > settings.max_tokens + 2 * settings.padding:
            raise ValueError(f"filters of {kernel} tokens in texts of {settings.max_tokens}")
        module = Conv1dClassifier(table, filters, kernel, settings.padding, outputs)
        module.load_state_dict(weights)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file: {remedy}") from None
    except StudyError:
        raise
    except (SafetensorError, OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: not a classifier ({reason(error)}): {remedy}") from None
    module.features = kernels.embed_conv_max
    return TextClassifier(module, settings)


def predictions(
    classifier: TextClassifier, texts: Iterable[tuple[int, str]]
) -> Iterator[dict[str, Any]]:
    """The columns of each text, which comes with its line; the first of equal classes is taken."""
    classes, unread = classifier.settings.classes, iter(texts)
    with tqdm(unit=" texts", disable=sys.stdout.isatty() or None) as bar:
        while block := list(islice(unread, BLOCK)):
            lines, content = zip(*block)
            found = classifier.probabilities(list(content))
            labels = (classes[best] for best in found.argmax(axis=1))
            for values in zip(lines, labels, *found.T.tolist()):
                yield dict(zip(classifier.columns, values))
            bar.update(len(block))


def read_texts(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Each text of a file with its line, empty ones too; `-` is the standard input.

    A file that ends as tables do has a row for each text, in the named columns; any other is UTF-8
    with a text on each line. Raises ArtifactError that names a line which cannot be read.
    """
    corpus = params.TableCorpus.model_construct(text=tuple(columns), label=None)
    is_table = path.suffix.lower() in table.READERS
    for row in table.rows_of(path, corpus) if is_table else rows_of_lines(path, corpus):
        if row.reason not in ("", table.MISSING_TEXT):
            raise ArtifactError(f"{row}: put it right; texts are in UTF-8")
        yield row.line, row.text


def rows_of_lines(path: Path, corpus: params.TableCorpus) -> Iterator[table.Row]:
    """The lines of a text as rows of a table that has their texts alone."""
    lines, wrong = table.decoded_lines(Path("/dev/stdin") if path == Path("-") else path, "utf-8")
    for number, line in enumerate(lines, start=1):
        row = table.filled(table.Row(path, number), {corpus.text[0]: line.rstrip("\r\n")}, corpus)
        yield wrong.get(number, row)
