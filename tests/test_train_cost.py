import nets

from tinykit.train.cost import sample_cost

keras, layers = nets.keras, nets.layers


def test_cost_counts_each_kind_of_kernel_by_the_places_it_is_applied_at() -> None:
    inner = keras.Sequential([keras.Input((12,)), layers.Dense(5, name="dense")])
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, strides=2, padding="same", groups=2, name="conv"),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(2, depth_multiplier=2, name="depthwise"),
            layers.SeparableConv2D(3, 1, name="separable"),
            layers.Flatten(),
            inner,
        ]
    )
    cost = sample_cost(model)
    assert {layer.name: layer.forward for layer in cost.layers} == {
        "conv": 9 * (3 * 3 * 1 * 4),
        "depthwise": 4 * (2 * 2 * 4 * 2),
        "separable": 4 * (8 + 8 * 3),
        "dense": 12 * 5,
    }
    assert cost.uncounted == ()
    assert cost.step == 3 * cost.forward - 9 * 36


def test_cost_names_what_it_cannot_count() -> None:
    model = keras.Sequential(
        [keras.Input((5, 2)), layers.LSTM(3, name="memory"), layers.Dense(1, name="dense")]
    )
    cost = sample_cost(model)
    assert cost.uncounted == ("memory",)
    assert [layer.name for layer in cost.layers] == ["dense"]
