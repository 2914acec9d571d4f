"""What a stored configuration says of a network's layers, as plain facts; nothing in it is carried out."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from classifier.networks.foreign.errors import ForeignRefused, damaged

MOST_LAYERS = 5000
DEEPEST = 8
MODELS = ("Sequential", "Functional", "Model")
# What is kept of a layer's configuration; all else in it is left behind.
FACTS = (
    "activation",
    "alpha",
    "axis",
    "batch_input_shape",
    "batch_shape",
    "data_format",
    "dilation_rate",
    "epsilon",
    "groups",
    "kernel_size",
    "max_value",
    "negative_slope",
    "offset",
    "padding",
    "pool_size",
    "scale",
    "strides",
    "threshold",
)

Outline = list[dict[str, Any]]


def outline_of(stored: Any) -> Outline:
    """Return the layers of a stored model configuration in order, those of models inside it in their place.

    Each has `class`, `name`, `path` (as Keras 3 names the weights of layers by class and number) and the
    FACTS that it states. Raises ForeignRefused.
    """
    found: Outline = []
    for layer in _layers(stored, path="", depth=0):
        found.append(layer)
        if len(found) > MOST_LAYERS:
            raise ForeignRefused(f"The file tells of more than {MOST_LAYERS:,} layers.", code="too_large")
    return found


def plain_path(path: str) -> str:
    """Return where the weights of a layer lie in a file without the folders that all have."""
    parts = [part for part in path.split("/") if part not in ("layers", "_layer_checkpoint_dependencies")]
    return "/".join(parts)


def _layers(stored: Any, *, path: str, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the layers of a model in its order."""
    if depth > DEEPEST:
        raise ForeignRefused(f"Models lie more than {DEEPEST} deep in one another.", code="too_large")
    config = stored.get("config") if isinstance(stored, dict) else None
    # The oldest files list the layers of a Sequential without more ado.
    listed = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(listed, list):
        raise damaged("its configuration lists no layers")
    if isinstance(config, dict) and _count_outputs(config) > 1:
        raise ForeignRefused("The network has several outputs; one is needed.", code="unsupported_layer")
    seen: Counter[str] = Counter()
    for layer in listed:
        if not isinstance(layer, dict) or not isinstance(layer.get("config", {}), (dict, list)):
            raise damaged("its configuration is not that of a network")
        kind = str(layer.get("class_name", ""))[:80]
        of_class = _snake(kind)
        place = f"{of_class}_{seen[of_class]}" if seen[of_class] else of_class
        seen[of_class] += 1
        here = f"{path}/{place}" if path else place
        if kind in MODELS:
            yield from _layers(layer, path=here, depth=depth + 1)
        else:
            yield _facts(layer, kind=kind, path=here)


def _facts(layer: dict[str, Any], *, kind: str, path: str) -> dict[str, Any]:
    """Return the plain facts of one layer."""
    config = layer.get("config", {})
    if not isinstance(config, dict):
        raise damaged("its configuration is not that of a network")
    name = str(config.get("name", layer.get("name", "")))[:200]
    nodes = layer.get("inbound_nodes")
    if isinstance(nodes, list) and len(nodes) > 1:
        raise ForeignRefused(
            f"The layer {name} is used more than once: such networks cannot be rebuilt here.",
            code="unsupported_layer",
        )
    facts = {fact: config[fact] for fact in FACTS if config.get(fact) is not None}
    if "activation" in facts and not isinstance(facts["activation"], str):
        facts["activation"] = "custom"
    return {"class": kind, "name": name, "path": path, **facts}


def _count_outputs(config: dict[str, Any]) -> int:
    """Return how many outputs a functional model has."""
    outputs = config.get("output_layers")
    return len(outputs) if isinstance(outputs, list) and outputs and isinstance(outputs[0], list) else 1


def _snake(name: str) -> str:
    """Return the name of a class as Keras 3 writes it in files."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
