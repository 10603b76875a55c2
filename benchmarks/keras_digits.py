"""Makes the small Keras file that lesson 07 converts: trains a network in Keras, and stores arrays and outputs.

Keras runs on PyTorch here, so no TensorFlow is needed; its layouts and its padding are Keras's own all the same.

    python benchmarks/keras_digits.py            # train and judge
    python benchmarks/keras_digits.py --store    # and write tlcourse/models/shipped/keras-digits.npz
"""

from __future__ import annotations

import argparse
import io
import json
import os
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

os.environ["KERAS_BACKEND"] = "torch"
TARGET = Path(__file__).resolve().parents[1] / "tlcourse" / "models" / "shipped" / "keras-digits.npz"
SHOWN = 100
EPOCHS = 12


def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits at twice their size: (1797, 16, 16, 1) in [0, 1], and their labels."""
    data = load_digits()
    images = (data.images / 16).astype(np.float32)
    return images.repeat(2, axis=1).repeat(2, axis=2)[..., None], data.target.astype(np.int64)


def main() -> None:
    """Train, judge on images left out, and store if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", action="store_true", help="write the file into the package")
    store = parser.parse_args().store

    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv1"),
            layers.BatchNormalization(name="bn1", momentum=0.9),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False, name="depth2"),
            layers.BatchNormalization(name="bn2", momentum=0.9),
            layers.ReLU(),
            layers.Conv2D(32, 1, name="point2", activation="relu"),
            layers.Flatten(),
            layers.Dense(10, name="scores"),
        ]
    )
    images, labels = digits()
    order = np.random.default_rng(0).permutation(len(images))
    shown, held, train = order[:SHOWN], order[:500], order[500:]
    network.compile(
        keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    network.fit(images[train], labels[train], batch_size=64, epochs=EPOCHS, verbose=0)
    accuracy = float((network.predict(images[held], verbose=0).argmax(1) == labels[held]).mean())
    arrays = {f"{layer.name}/{one.name}": np.asarray(one) for layer in network.layers for one in layer.weights}
    for name, array in arrays.items():
        print(f"{name:28}{array.shape}")
    outputs = network.predict(images[shown], verbose=0)
    if store:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays, images=images[shown], labels=labels[shown], outputs=outputs)
        TARGET.write_bytes(buffer.getvalue())
    print(json.dumps({"keras": keras.__version__, "accuracy": round(accuracy, 4), "bytes": TARGET.stat().st_size}))


if __name__ == "__main__":
    main()
