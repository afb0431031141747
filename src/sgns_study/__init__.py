"""Does pretraining word vectors help a text classifier, and which choices matter?"""

import os as _os
from hashlib import sha256 as _sha256
from pathlib import Path as _Path
from tempfile import mkdtemp as _mkdtemp


def _compiled_code_folder() -> _Path:
    """Folder of compiled functions, one for each state of the files that hold any.

    Numba notices a change in the file of a function, but not in another file whose functions are
    compiled into it: without this, an edited kernel could go on giving its old numbers. Where the
    package may not be written to it lies among the user's caches, or is this process's own.
    """
    package = _Path(__file__).parent
    sources = [path.read_bytes() for path in sorted(package.rglob("*.py"))]
    digest = _sha256(b"".join(source for source in sources if b"njit" in source))
    for base in (package / "__pycache__", _Path.home() / ".cache/sgns_study"):
        folder = base / f"numba-{digest.hexdigest()[:16]}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if _os.access(folder, _os.W_OK):
            return folder
    return _Path(_mkdtemp(prefix="sgns-study-numba-"))


_os.environ["NUMBA_CACHE_DIR"] = str(_compiled_code_folder())
