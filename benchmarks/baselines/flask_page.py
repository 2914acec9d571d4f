"""The baseline of the serving benchmark: a plain Flask page that asks Keras' `predict` of each file.

    python -m benchmarks.baselines.flask_page MODEL.keras --port N --classes A,B,...

As one writes it without this product: the model loaded once, the upload read by `load_img` at the network's
size (stretched, nearest neighbour: its defaults), a batch of one, Flask's own threaded server. Its network
scales values itself, so nothing is done to them here. The upload is not written to a file first.
"""

import argparse
import io
import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
from flask import Flask, request

app = Flask(__name__)


@app.post("/predict")
def predict() -> dict[str, Any]:
    """Answer with the most probable class of the uploaded image."""
    size = app.config["MODEL"].input_shape[1:3]
    upload = io.BytesIO(request.files["image"].read())
    pixels = keras.utils.img_to_array(keras.utils.load_img(upload, target_size=size))
    row = app.config["MODEL"].predict(np.expand_dims(pixels, axis=0), verbose=0)[0]
    best = int(np.argmax(row))
    return {"label": app.config["CLASSES"][best], "confidence": float(row[best])}


@app.get("/healthz")
def healthz() -> str:
    """Say that it answers."""
    return "ok"


def main() -> None:
    """Load the model and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--classes", required=True)
    options = parser.parse_args()
    # A line for each request costs it time that the product does not spend either.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app.config.update(MODEL=keras.models.load_model(options.model), CLASSES=options.classes.split(","))
    app.run(host="127.0.0.1", port=options.port, threaded=True)


if __name__ == "__main__":
    main()
