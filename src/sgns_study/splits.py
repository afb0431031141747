"""How many documents each part of a split gets."""


def split_sizes(documents: int, validation_fraction: float) -> tuple[int, int]:
    """Training and validation documents of a split, the validation share rounded."""
    validation = round(documents * validation_fraction)
    return documents - validation, validation
