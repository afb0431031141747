"""What hostile data would call if any reader ran code from it."""

rung: list[bool] = []


def ring() -> None:
    """Leave a trace."""
    rung.append(True)
