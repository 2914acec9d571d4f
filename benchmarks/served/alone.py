"""One network in a fresh process, no web: how soon it first answers, what it holds, how quick it is.

    python -m benchmarks.served.alone NAME --facts FILE --image FILE --born SECONDS --seconds S

NAME: keras, the saved model asked by `predict`; engine, what the product loads. Neither imports Django. Both
read one file as their server does and answer; then they are asked again and again for the pixels they have
read, a batch of one. Printed as one JSON object.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def keras_network(facts: dict[str, Any], image: Path) -> tuple[Callable[[], Any], dict[str, str]]:
    """Return what asks the saved model of one image, as the plain page does."""
    import keras
    import numpy as np

    model = keras.models.load_model(facts["keras"])
    pixels = keras.utils.img_to_array(keras.utils.load_img(image, target_size=model.input_shape[1:3]))
    batch = np.expand_dims(pixels, axis=0)
    return lambda: model.predict(batch, verbose=0), {}


def product_engine(facts: dict[str, Any], image: Path) -> tuple[Callable[[], Any], dict[str, str]]:
    """Return what asks one of the product's engines of one image."""
    from benchmarks.served.engines import load
    from classifier.geometry import fit_pixels
    from datasets.decoding import decode

    engine = load(facts)
    pixels = [fit_pixels(decode(image.read_bytes()).pixels, size=engine.size, geometry=engine.geometry)]
    told = {
        "runtime": engine.runtime,
        "precision": engine.precision,
    }
    return lambda: engine.probabilities(pixels), told


def memory_mib(field: str) -> float:
    """Return what this process holds (`VmRSS`; `RssAnon`: no file's) or held at most (`VmHWM`), in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def main() -> None:
    """Answer once, then for so many seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=["keras", "engine"])
    parser.add_argument("--facts", type=Path, required=True)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--born", type=float, required=True, help="monotonic seconds of the process's start")
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    load = keras_network if options.name == "keras" else product_engine
    ask, told = load(json.loads(options.facts.read_text()), options.image)
    ask()
    first, held = time.monotonic() - options.born, memory_mib("VmHWM")
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < options.seconds:
        ask()
        count += 1
    rate = count / max(1e-9, time.perf_counter() - began)
    then = {"resident_mib": memory_mib("VmRSS"), "peak_mib": memory_mib("VmHWM")}
    print(json.dumps({"first": first, "mib": held, "rate": rate, **then, **told}))


if __name__ == "__main__":
    main()
