"""The example of docs/your-own-text.md: reviews of hotels that nobody wrote, of known opinion.

python -m tests.example_table > data/reviews.csv
"""

import csv
import random
import sys
from collections.abc import Iterator

LABELLED, UNLABELLED = 500, 1000
THINGS = {
    "room": "room bed bathroom shower window balcony pillow carpet",
    "people": "staff receptionist waiter manager porter cook owner cleaner",
    "food": "breakfast coffee bread dinner menu soup salad restaurant",
    "place": "street park view lift pool garden bar terrace",
}
PRAISE = """friendly clean quiet lovely excellent superb comfortable spotless charming helpful fresh
delicious warm bright generous attentive delightful wonderful tidy pleasant splendid cosy elegant
polite fine great perfect stylish calm marvellous"""
BLAME = """dirty noisy rude awful terrible cold broken stale shabby unhelpful greasy damp dark
horrible mouldy slow tiny dreadful filthy grim bland dusty unpleasant smelly worn disgusting sticky
careless stuffy disappointing"""
WORDS = {"good": PRAISE.split(), "bad": BLAME.split()}
OPINIONS = ["The {} was {}.", "We found the {} {}.", "{}: {}, I must say.", "A {} so {}!"]
PLAIN = [
    "We stayed for {} nights in {}.",
    "I came for {} days in {}.",
    "We are a group of {}, here since {}.",
    "Our {} rooms were booked in {}.",
]
NUMBERS = ["two", "three", "four", "five", "six", "seven"]
MONTHS = ["March", "April", "May", "June", "July", "August", "September", "October"]
OF_THE_LABEL = 0.85  # of opinions; the others are of the opposite


def review(label: str, random: random.Random) -> str:
    """Three to seven opinions on one kind of thing more than on others, and plain sentences."""
    opposite = next(name for name in WORDS if name != label)
    found = [random.choice(PLAIN).format(random.choice(NUMBERS), random.choice(MONTHS))]
    for _ in range(random.randint(3, 7)):
        thing = random.choice(THINGS[random.choice(list(THINGS))].split())
        opinion = label if random.random() < OF_THE_LABEL else opposite
        said = random.choice(OPINIONS).format(thing, random.choice(WORDS[opinion]))
        found.append(said[0].upper() + said[1:])
    random.shuffle(found)
    return " ".join(found)


def rows() -> Iterator[tuple[object, ...]]:
    """The header and the rows, those without a label among the others."""
    generator = random.Random(1)
    labels = [list(WORDS)[i % 2] for i in range(LABELLED)] + [""] * UNLABELLED
    generator.shuffle(labels)
    yield "id", "review", "opinion"
    for number, label in enumerate(labels, start=1):
        yield number, review(label or generator.choice(list(WORDS)), generator), label


if __name__ == "__main__":
    csv.writer(sys.stdout, lineterminator="\n").writerows(rows())
