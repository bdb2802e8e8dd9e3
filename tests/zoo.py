"""Tiny Keras models of every kind that people put on microcontrollers, with random weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
from nets import keras
from stream_layers import Ring

layers = keras.layers


def mlp() -> Any:
    return _chain(
        (10,),
        layers.Dense(16, activation="relu"),
        layers.Dense(8, activation="tanh"),
        layers.Dense(3, activation="softmax"),
    )


def cnn() -> Any:
    return _chain(
        (10, 10, 1),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(6, 3, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(6),
        layers.Flatten(),
        layers.Dropout(0.2),
        layers.Dense(3, activation="softmax"),
    )


def ds_cnn() -> Any:
    return _chain(
        (12, 6, 1),
        layers.Conv2D(6, (4, 3), strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.DepthwiseConv2D(3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.SeparableConv2D(8, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="softmax"),
    )


def mobile() -> Any:
    return _chain(
        (10, 10, 3),
        layers.Rescaling(0.5),
        layers.ZeroPadding2D(1),
        layers.Conv2D(6, 3, strides=2),
        layers.Activation("hard_silu"),
        layers.DepthwiseConv2D(3, padding="same", activation="relu6"),
        layers.GlobalMaxPooling2D(),
        layers.Dense(3, activation="sigmoid"),
    )


def res_net() -> Any:
    x = keras.Input((8, 8, 2))
    first = layers.Conv2D(4, 3, padding="same")(x)
    first = layers.ReLU()(layers.BatchNormalization()(first))
    inner = layers.Conv2D(4, 3, padding="same", activation="relu")(first)
    second = layers.ReLU()(layers.Add()([first, layers.Conv2D(4, 3, padding="same")(inner)]))
    inner = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(second)
    skipped = layers.Conv2D(6, 1, strides=2)(second)
    third = layers.ReLU()(layers.Add()([inner, skipped]))
    pooled = layers.GlobalAveragePooling2D()(third)
    return keras.Model(x, layers.Dense(3, activation="softmax")(pooled))


def squeeze_and_excite() -> Any:
    x = keras.Input((8, 8, 4))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(2, 1, activation="relu")(gate)
    gate = layers.Conv2D(4, 1, activation="hard_sigmoid")(gate)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.Multiply()([x, gate]))))


def slopes() -> Any:
    return _chain(
        (8, 8, 2),
        layers.Conv2D(4, 3),
        layers.PReLU(shared_axes=[1, 2]),
        layers.Conv2D(4, 3),
        layers.LeakyReLU(),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(2),
    )


def autoencoder() -> Any:
    return _chain(
        (24,),
        layers.Dense(12),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dense(4, activation="relu"),
        layers.Dense(12, activation="relu"),
        layers.Dense(24),
    )


def conv1d() -> Any:
    return _chain(
        (20, 3),
        layers.Conv1D(6, 5, activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(8, 3, strides=2, activation="elu"),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    )


def tcn() -> Any:
    """Make causal dilated convolutions with skips."""
    x = keras.Input((16, 3))
    stream = layers.Conv1D(6, 1)(x)
    for dilation in (1, 2, 4):
        wide = layers.Conv1D(6, 3, dilation_rate=dilation, padding="causal", activation="relu")(
            stream
        )
        stream = layers.Add()([stream, layers.Conv1D(6, 1)(wide)])
    return keras.Model(x, layers.Dense(2)(layers.GlobalMaxPooling1D()(stream)))


def wavenet() -> Any:
    """Make dilated convolutions in pairs, of which one is the other's gate."""
    x = keras.Input((16, 3))
    stream = layers.Conv1D(6, 1)(x)
    for dilation in (1, 2, 4):
        wide = {"dilation_rate": dilation, "padding": "causal"}
        value = layers.Conv1D(6, 2, activation="tanh", **wide)(stream)
        gate = layers.Conv1D(6, 2, activation="sigmoid", **wide)(stream)
        gated = layers.Multiply()([value, gate])
        stream = layers.Add()([stream, layers.Conv1D(6, 1)(gated)])
    return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(stream)))


def frames() -> Any:
    """Make a convolution of each frame, the frames being the batch."""
    x = keras.Input((4, 8, 8, 2))
    each = keras.ops.reshape(x, (4, 8, 8, 2))
    each = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(each)
    each = layers.MaxPooling2D(2)(layers.DepthwiseConv2D(3, padding="same")(each))
    return keras.Model(x, layers.Dense(2)(keras.ops.reshape(each, (1, 64))))


def u_net() -> Any:
    x = keras.Input((8, 8, 1))
    left = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    low = layers.Conv2D(6, 3, padding="same", activation="relu")(layers.MaxPooling2D()(left))
    turned = layers.Conv2DTranspose(4, 2, strides=2, activation="relu")(low)
    right = layers.Concatenate()([left, turned, layers.UpSampling2D((2, 2))(low)])
    smooth = layers.UpSampling2D(2, interpolation="bilinear")(low)
    right = layers.Concatenate()([layers.Conv2D(4, 3, padding="same")(right), smooth])
    return keras.Model(x, layers.Conv2D(1, 1, activation="sigmoid")(right))


def lstm() -> Any:
    return _chain((6, 4), layers.LSTM(5), layers.Dense(3, activation="softmax"))


def stateful_lstm() -> Any:
    """Make an LSTM that is given one step in each inference."""
    x = keras.Input(batch_shape=(1, 1, 4))
    return keras.Model(x, layers.Dense(3)(layers.LSTM(5, stateful=True)(x)))


def gru() -> Any:
    return _chain(
        (5, 4),
        layers.GRU(5, return_sequences=True),
        layers.GRU(4, unroll=True, reset_after=False),
        layers.Dense(3, activation="softmax"),
    )


def bidirectional() -> Any:
    return _chain(
        (4, 3),
        layers.Bidirectional(layers.GRU(3, return_sequences=True)),
        layers.Bidirectional(layers.SimpleRNN(3)),
        layers.Dense(3),
    )


def attention() -> Any:
    x = keras.Input((6, 8))
    mixed = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])
    hidden = layers.Dense(8, activation="relu")(mixed)
    mixed = layers.Add()([mixed, layers.Dense(8)(hidden)])
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(mixed)))


def transformer() -> Any:
    x = keras.Input((6, 8))
    mixed = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])
    mixed = layers.LayerNormalization()(mixed)
    hidden = layers.Dense(8, activation="relu")(mixed)
    mixed = layers.LayerNormalization()(layers.Add()([mixed, layers.Dense(8)(hidden)]))
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(mixed)))


def ring() -> Any:
    """Make a convolution over time that is given one step in each inference."""
    return _chain(
        (1, 8), Ring(5), layers.Conv1D(6, 5, activation="relu"), layers.Flatten(), layers.Dense(3)
    )


def _chain(shape: tuple[int, ...], *chain: Any) -> Any:
    return keras.Sequential([keras.Input(shape), *chain])


ZOO: dict[str, Callable[[], Any]] = {
    make.__name__: make
    for make in (
        mlp,
        cnn,
        ds_cnn,
        mobile,
        res_net,
        squeeze_and_excite,
        slopes,
        autoencoder,
        conv1d,
        tcn,
        wavenet,
        frames,
        u_net,
        lstm,
        stateful_lstm,
        gru,
        bidirectional,
        attention,
        transformer,
        ring,
    )
}


def made(name: str) -> Any:
    """Make a model whose every weight is random, biases and statistics too."""
    keras.utils.set_random_seed(1)
    model = ZOO[name]()
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        if len(weight.shape) < 2:
            weight.assign_add(rng.normal(scale=0.1, size=weight.shape))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(scale=0.2, size=layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(0.3, 2.0, layer.moving_variance.shape))
    return model
