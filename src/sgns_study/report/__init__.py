"""The report: one Markdown template, rendered to a self-contained HTML page and to PDF.

`published_lab_curves.csv` holds what the lab (Word2Vec for text classification, PSL 2024)
published of its eight classifiers, one run each with no seed fixed: training and validation loss
and accuracy (in percent) after each epoch. They are facts, transcribed; nothing here computed them.
"""

from pathlib import Path

PUBLISHED_LAB_CURVES = Path(__file__).with_name("published_lab_curves.csv")
