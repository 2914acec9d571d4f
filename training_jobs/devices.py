"""The device that this process trains on, by a name that all workers of an installation agree on."""

import os
import socket
from pathlib import Path

from django.conf import settings

MOST_LETTERS = 100
_NVIDIA = Path("/dev/nvidia0")


def device_name() -> str:
    """Return BIOFORS_DEVICE, else the host's name with `gpu:N` or `cpu`; asks no TensorFlow."""
    named = str(settings.DEVICE).strip() or f"{socket.gethostname()} {_kind()}"
    return named[:MOST_LETTERS]


def _kind() -> str:
    """Return the first graphics card that this process may use, `cpu` where there is none."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not _NVIDIA.exists() or shown in ("", "-1"):
        return "cpu"
    return f"gpu:{(shown or '0').partition(',')[0].strip()}"
