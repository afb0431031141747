"""The device that torch trains on: the processor, or a graphics card that CUDA reaches."""

import os

from sgns_study.errors import StudyError
from sgns_study.params import Device


def torch_device(device: Device) -> str:
    """Return `cpu` or `cuda`; `auto` is cuda where there is a card. `cpu` does not import torch.

    On cuda, float32 products are not rounded to TF32, and operations that add in no fixed order
    are replaced by deterministic ones; torch warns where it has none. Raises StudyError if `cuda`
    is asked for and there is no card.
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
