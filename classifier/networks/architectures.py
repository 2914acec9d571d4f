"""The two networks: a CNN from scratch, and ResNet50 with a new head."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
from keras import layers

from classifier.networks.config import TrainingConfig, how_to_supply_weights
from classifier.networks.errors import WeightsUnavailable

CNN_FILTERS = (16, 32, 64, 96, 160)
DENSE_UNITS = 96
# Added to the variance of an image's values, 0 to 1: an even image stays even.
SPREAD_FLOOR = 0.0025
PLAIN_FILTERS = (32, 64, 128)
PLAIN_DENSE_UNITS = 128
RESNET_DENSE_UNITS = 128
EXACT = "float32"
# bfloat16 has the range of float32: no loss has to be scaled, and a checkpoint holds what it held.
MIXED = "mixed_bfloat16"
HEAD = ("head_dropout", "head_dense", "head_dropout_2", "probabilities")
# The stages of ResNet50 that may be tuned, from the output backwards (He et al. 2015, table 1).
RESNET_STAGES = ("conv5", "conv4", "conv3")
LONGEST_REASON = 160
# The mean of ImageNet in the order blue, green, red: what "caffe" mode subtracts (He et al. 2015).
CAFFE_MEAN = (103.939, 116.779, 123.68)


def build(
    config: TrainingConfig, *, class_count: int, base_weights: bool = True, mixed: bool = False
) -> keras.Model:
    """Build an untrained network: (N, size, size, 3) 0..255 in, (N, class_count) probabilities out.

    The scaling of the values is part of the network. Without `base_weights` a ResNet50 base stays random,
    for weights that are loaded next. `mixed`: bfloat16 between its layers; weights, the scaling and the
    probabilities are float32 in any case. Raises RandomBaseFrozen, WeightsUnavailable.
    """
    with _policy(MIXED if mixed else EXACT):
        return _built(config, class_count=class_count, base_weights=base_weights)


def in_float32(network: keras.Model, config: TrainingConfig) -> keras.Model:
    """Return a network, or where it is mixed another with the same weights that computes in float32."""
    if network.get_layer("head_dense").compute_dtype == EXACT:
        return network
    twin = build(config, class_count=network.output_shape[-1], base_weights=False)
    twin.set_weights(network.get_weights())
    return twin


@contextmanager
def _policy(name: str) -> Iterator[None]:
    """Let layers that are made meanwhile compute in a type."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _built(config: TrainingConfig, *, class_count: int, base_weights: bool) -> keras.Model:
    inputs = keras.Input((config.image_size, config.image_size, 3), dtype="float32", name="pixels")
    if config.architecture == "resnet50":
        features, units = _resnet_features(inputs, config, base_weights=base_weights), RESNET_DENSE_UNITS
    elif config.layout == "plain":
        features, units = _plain_features(inputs), PLAIN_DENSE_UNITS
    else:
        has_shortcuts = config.layout == "shortcuts"
        features, units = _cnn_features(inputs, has_shortcuts=has_shortcuts), DENSE_UNITS
    hidden = layers.Dropout(config.dropout, seed=config.seed, name="head_dropout")(features)
    hidden = layers.Dense(
        units, activation="relu", kernel_regularizer=keras.regularizers.L2(config.l2), name="head_dense"
    )(hidden)
    hidden = layers.Dropout(config.dropout, seed=config.seed + 1, name="head_dropout_2")(hidden)
    outputs = layers.Dense(class_count, activation="softmax", dtype=EXACT, name="probabilities")(hidden)
    return keras.Model(inputs, outputs, name=config.architecture)


def features_of(network: keras.Model) -> keras.Model:
    """Return what stands before a ResNet50's head: (N, size, size, 3) pixels in, (N, 2048) features out."""
    return keras.Model(network.input, network.get_layer("features").output, name="features_of_pixels")


def head_of(network: keras.Model) -> keras.Model:
    """Return the head of a network over features: its very layers, so that what it learns the network has."""
    features = keras.Input(network.get_layer("features").output.shape[1:], name="features_in")
    hidden = features
    for name in HEAD:
        hidden = network.get_layer(name)(hidden)
    return keras.Model(features, hidden, name="head")


def let_learn(network: keras.Model, *, first: str) -> None:
    """Let the stages of a ResNet50 base from `first` on learn, all but their batch normalisation."""
    base = network.get_layer("resnet50")
    learning = RESNET_STAGES[: RESNET_STAGES.index(first) + 1]
    base.trainable = True
    for layer in base.layers:
        is_fixed = isinstance(layer, layers.BatchNormalization)
        layer.trainable = layer.name.startswith(learning) and not is_fixed


def _cnn_features(inputs: Any, *, has_shortcuts: bool) -> Any:
    """Return (N, features): five blocks of convolution and pooling, pooled over the whole image.

    The mean tells what an image is made of, the maximum whether something occurs anywhere in it. With
    shortcuts each block but the first adds a second convolution to what the first one found (He et al. 2015).
    """
    # Each image by its own mean and spread: gels, stains and screens differ in light, not in kind.
    hidden = layers.Rescaling(1 / 255, dtype=EXACT)(inputs)
    hidden = layers.LayerNormalization(
        axis=(1, 2, 3), center=False, scale=False, epsilon=SPREAD_FLOOR, dtype=EXACT, name="own_light"
    )(hidden)
    for block, filters in enumerate(CNN_FILTERS, start=1):
        hidden = layers.ReLU(name=f"relu_{block}")(_convolved(hidden, filters, name=f"{block}"))
        if has_shortcuts and block > 1:
            added = _convolved(hidden, filters, name=f"{block}b")
            hidden = layers.ReLU(name=f"relu_{block}b")(layers.Add(name=f"add_{block}")([added, hidden]))
        if block < len(CNN_FILTERS):
            hidden = layers.MaxPooling2D(name=f"pool_{block}")(hidden)
    return layers.Concatenate(name="features")(
        [layers.GlobalAveragePooling2D()(hidden), layers.GlobalMaxPooling2D()(hidden)]
    )


def _convolved(inputs: Any, filters: int, *, name: str) -> Any:
    """Return a convolution of the inputs, normalised over the batch."""
    hidden = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv_{name}")(inputs)
    # Few steps a run: the moving averages must follow faster than Keras' default of 0.99.
    return layers.BatchNormalization(momentum=0.9, name=f"norm_{name}")(hidden)


def _plain_features(inputs: Any) -> Any:
    """Return (N, features): three blocks of convolution and pooling, flattened."""
    hidden = layers.Rescaling(1 / 255, dtype=EXACT)(inputs)
    for block, filters in enumerate(PLAIN_FILTERS, start=1):
        hidden = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv_{block}")(hidden)
        hidden = layers.MaxPooling2D(name=f"pool_{block}")(hidden)
    return layers.Flatten(name="features")(hidden)


def _resnet_features(inputs: Any, config: TrainingConfig, *, base_weights: bool) -> Any:
    """Return (N, 2048): the pooled features of a ResNet50 base, its statistics held fixed while frozen."""
    if base_weights:
        config.check_weights()
    base = resnet_base(config.image_size, config.weights if base_weights else "none")
    base.trainable = config.train_base
    # Inference mode keeps the batch statistics of ImageNet; a base that learns from nothing needs its own.
    hidden = base(caffe(inputs), training=None if config.weights == "none" else False)
    return layers.GlobalAveragePooling2D(name="features")(hidden)


def caffe(inputs: Any) -> Any:
    """Return (N, size, size, 3) blue green red without the mean of ImageNet, of red green blue 0..255."""
    # Plain layers: they reload without code of their own. One number at a time: constant vectors
    # (Normalization) are lost in the export to ONNX.
    channels_second = layers.Permute((1, 3, 2), name="channels_second")(inputs)
    blue_green_red = []
    for channel, mean in zip((2, 1, 0), CAFFE_MEAN, strict=True):
        only = layers.Cropping2D(((0, 0), (channel, 2 - channel)), name=f"channel_{channel}")(channels_second)
        centred = layers.Rescaling(1.0, offset=-mean, dtype=EXACT, name=f"centred_{channel}")
        blue_green_red.append(centred(only))
    hidden = layers.Concatenate(axis=2, name="blue_green_red")(blue_green_red)
    return layers.Permute((1, 3, 2), name="caffe")(hidden)


def resnet_base(size: int, weights: str) -> keras.Model:
    """Return ResNet50 without its top, with ImageNet weights, those of a file, or random ones ("none")."""
    shape = (size, size, 3)
    if weights == "imagenet":
        try:
            return keras.applications.ResNet50(include_top=False, weights="imagenet", input_shape=shape)
        except Exception as error:
            raise WeightsUnavailable(
                f"The ImageNet weights of ResNet50 could not be downloaded ({_told(error, weights)}). "
                f"{how_to_supply_weights()}"
            ) from error
    base = keras.applications.ResNet50(include_top=False, weights=None, input_shape=shape)
    if weights != "none":
        try:
            base.load_weights(weights)
        except Exception as error:
            raise WeightsUnavailable(
                f"{Path(weights).name} does not hold the weights of a ResNet50 without its top "
                f"({_told(error, weights)}). {how_to_supply_weights()}"
            ) from error
    return base


def _told(error: Exception, weights: str) -> str:
    """Return the first line of what an error says, cut at a word; of the weights file only its name."""
    lines = str(error).replace(weights, Path(weights).name).strip().splitlines()
    return textwrap.shorten(lines[0] if lines else type(error).__name__, LONGEST_REASON, placeholder=" …")
