"""Does pretraining word vectors help a text classifier, and which choices matter?"""

import os as _os
from hashlib import sha256 as _sha256
from pathlib import Path as _Path


def _compiled_code_folder() -> _Path:
    """Folder of compiled functions, one for each state of the files that hold any.

    Numba notices a change in the file of a function, but not in another file whose functions are
    compiled into it: without this, an edited kernel could go on giving its old numbers.
    """
    package = _Path(__file__).parent
    sources = [path.read_bytes() for path in sorted(package.rglob("*.py"))]
    digest = _sha256(b"".join(source for source in sources if b"njit" in source))
    return package / "__pycache__" / f"numba-{digest.hexdigest()[:16]}"


_os.environ["NUMBA_CACHE_DIR"] = str(_compiled_code_folder())
