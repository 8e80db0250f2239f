"""The functions of the PyTorch images where a program brings none."""

import importlib
from pathlib import Path
from typing import Any

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.toolkit import codecs


def model_fn(model_dir: str) -> Any:
    """The TorchScript model of that directory: model.pt, or the only file that ends with .pt or .pth. Other models are
    weights without their network, which only the program has."""
    torch = _torch()

    files = sorted(one for one in Path(model_dir).iterdir() if one.suffix in (".pt", ".pth"))
    named = [one for one in files if one.name == "model.pt"] or files
    if len(named) != 1:
        held = ", ".join(one.name for one in files) or "no .pt or .pth file"
        raise AlgorithmError(f"The model directory must hold model.pt; it holds {held}. Or define model_fn(model_dir).")
    try:
        return torch.jit.load(str(named[0]), map_location="cpu").eval()
    except RuntimeError as error:
        first = str(error).partition("\n")[0]
        raise AlgorithmError(
            f"{named[0].name} is no TorchScript model ({first}): define model_fn(model_dir) in your program."
        ) from None


def input_fn(body: str | bytes, content_type: str) -> Any:
    """A tensor; of CSV and JSON in 32-bit floats."""
    import numpy as np

    torch = _torch()

    data = codecs.decode(body, content_type)
    if codecs.plain(content_type) in codecs.TEXTS:
        data = data.astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(data))


def predict_fn(data: Any, model: Any) -> Any:
    """The network's answer, in evaluation mode and without gradients."""
    torch = _torch()

    if hasattr(model, "eval"):
        model.eval()
    with torch.no_grad():
        return model(data)


def output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
    if hasattr(prediction, "detach"):
        prediction = prediction.detach().cpu().numpy()
    return codecs.encode(prediction, accept), accept


def _torch() -> Any:
    """The package where it is installed; it is no dependency of Clary."""
    return importlib.import_module("torch")
