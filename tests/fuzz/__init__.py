"""Every reader of the project against hostile files: see `targets.py` and `campaign.py`."""

from pathlib import Path

# Where files are made and thrown away by the thousand: in memory where there is such a folder.
MEMORY_FOLDER = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
