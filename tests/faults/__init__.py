"""A campaign of faults: what becomes of a study when something goes wrong (docs/faults.md)."""
