"""Where the torch parts run: the processor, or a graphics card that torch's CUDA reaches."""

import os

from sgns_study.errors import StudyError
from sgns_study.params import Device


def chosen(device: Device) -> str:
    """`cpu` or `cuda`; `auto` is cuda where there is one. Torch is not loaded for `cpu`.

    On cuda, float32 products are not rounded to TF32, and operations that add in no fixed order
    are replaced by ones that do; torch warns of one that it cannot replace. Raises StudyError if
    there is no cuda.
    """
    if device == "cpu":
        return "cpu"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuda starts
    import torch

    if not torch.cuda.is_available():
        if device == "auto":
            return "cpu"
        raise StudyError(
            f"device: found 'cuda', but torch {torch.__version__} reaches no graphics card here, "
            "allowed: 'cpu', 'auto': choose one of these, or install the card's driver and a build "
            "of torch for it"
        )
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.allow_tf32 = False
    return "cuda"
