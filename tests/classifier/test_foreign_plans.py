"""Which network is built for weights of elsewhere; what does not fit is refused by the name of its layer."""

from typing import Any

import pytest

from classifier.networks.errors import InvalidConfig
from classifier.networks.foreign.errors import ForeignRefused
from classifier.networks.foreign.outline import outline_of
from classifier.networks.foreign.plan import Plan, planned
from classifier.networks.foreign.stated import Stated

CNN = {
    "conv2d": {"kernel": [3, 3, 3, 8], "bias": [8]},
    "conv2d_1": {"kernel": [3, 3, 8, 16], "bias": [16]},
    "dense": {"kernel": [14 * 14 * 16, 32], "bias": [32]},
    "dense_1": {"kernel": [32, 5], "bias": [5]},
}
RESNET = {"conv1_conv": {"kernel": [7, 7, 3, 64], "bias": [64]}}


def foreign(shapes: dict[str, Any], *, outline: Any = None, named: bool = True, ordered: bool = True) -> Any:
    """What the opening process tells of a file."""
    layers = [{"name": name, "variables": variables} for name, variables in shapes.items()]
    return {"layers": layers, "outline": outline, "named": named, "ordered": ordered}


def layer(kind: str, name: str, **facts: Any) -> dict[str, Any]:
    """A layer of an outline."""
    return {"class": kind, "name": name, "path": name, **facts}


def plan(shapes: dict[str, Any], *, classes: int = 5, outline: Any = None, **stated: Any) -> Plan:
    """The plan for a file with these weights."""
    told = {name: stated.pop(name) for name in ("named", "ordered") if name in stated}
    settings = Stated(**{"architecture": "cnn", **stated})
    return planned(foreign(shapes, outline=outline, **told), settings, class_count=classes)


def kinds(made: Plan) -> str:
    """The steps of a plan in a line."""
    return " ".join(step.kind for step in made.steps)


def refusal(*args: Any, **stated: Any) -> ForeignRefused:
    """Why a plan is refused."""
    with pytest.raises(ForeignRefused) as refused:
        plan(*args, **stated)
    return refused.value


def head(*denses: list[int], **more: Any) -> dict[str, Any]:
    """ResNet50, as far as plans look at it, with dense layers."""
    layers = {f"dense_{place}": {"kernel": shape, "bias": shape[1:]} for place, shape in enumerate(denses)}
    return {**RESNET, **more, **layers}


def test_a_plain_cnn_is_known_by_its_shapes_and_the_padding_that_fits() -> None:
    made = plan(CNN, image_size=64)
    assert kinds(made) == "conv max_pool conv max_pool flatten dense dense"
    assert {step.values["padding"] for step in made.steps if step.kind == "conv"} == {"valid"}
    assert [step.values["activation"] for step in made.steps if "activation" in step.values] == [
        "relu", "relu", "relu", "softmax",
    ]  # fmt: skip
    assert made.preprocessing == "unit"
    assert any("padding valid" in sentence for sentence in made.assumed)
    # 56 pixels halved twice without a loss at the edges are 14 too.
    assert plan(CNN, image_size=56).steps[0].values["padding"] == "same"
    assert plan(CNN, image_size=64, activation="tanh").steps[0].values["activation"] == "tanh"


def test_what_does_not_fit_is_named_with_both_shapes() -> None:
    error = refusal(CNN, image_size=96)
    assert error.code == "does_not_fit"
    assert "dense is 3136 x 32 in the file; 7744 x 32 would fit" in str(error)
    assert "images of 96 pixels" in str(error)
    broken = {**CNN, "conv2d_1": {"kernel": [3, 3, 9, 16], "bias": [16]}}
    assert "conv2d_1 is 3 x 3 x 9 x 16 in the file; 3 x 3 x 8 x 16 would fit" in str(
        refusal(broken, image_size=64)
    )
    bias = {**CNN, "dense_1": {"kernel": [32, 5], "bias": [4]}}
    assert "The bias of the layer dense_1 is 4 in the file; 5 would fit" in str(refusal(bias, image_size=64))


def test_the_number_of_classes_must_be_that_of_the_outputs() -> None:
    error = refusal(CNN, image_size=64, classes=4)
    assert error.code == "class_count_differs"
    assert "tells 5 classes apart, but 4 are named" in str(error)


@pytest.mark.parametrize(
    ("denses", "stated", "steps", "size"),
    [
        ([[2048, 5]], {}, "base average dense", 224),
        ([[2048, 64], [64, 5]], {"pooling": "maximum"}, "base maximum dense dense", 224),
        ([[7 * 7 * 2048, 5]], {}, "base flatten dense", 224),
        ([[2 * 2 * 2048, 5]], {}, "base flatten dense", 64),
        ([[2 * 2 * 2048, 8], [8, 5]], {"image_size": 50}, "base flatten dense dense", 50),
    ],
)
def test_the_head_of_a_resnet50_is_known_by_its_shapes(
    denses: Any, stated: Any, steps: str, size: int
) -> None:
    made = plan(head(*denses), architecture="resnet50", **stated)
    assert (kinds(made), made.image_size, made.preprocessing) == (steps, size, "caffe")


def test_a_head_that_flattens_other_images_is_refused() -> None:
    error = refusal(head([7 * 7 * 2048, 5]), architecture="resnet50", image_size=128)
    assert "100352 x 5 in the file; 32768 x 5 would fit" in str(error)
    assert refusal(head([1000, 5]), architecture="resnet50").code == "does_not_fit"


def test_another_network_is_no_resnet50() -> None:
    assert refusal(CNN, architecture="resnet50").code == "not_resnet50"
    outline = [layer("Conv2D", "conv2d"), layer("Dense", "dense", activation="softmax")]
    assert refusal(CNN, architecture="resnet50", outline=outline).code == "not_resnet50"


def test_a_normalisation_of_unknown_place_is_refused() -> None:
    norm = {name: [8] for name in ("gamma", "beta", "moving_mean", "moving_variance")}
    shapes = {**head([2048, 8], [8, 5]), "batch_normalization": norm}
    assert refusal(shapes, architecture="resnet50", ordered=False).code == "ambiguous_layers"
    assert refusal({**CNN, "norm": norm}, image_size=64).code == "ambiguous_layers"
    between = {**RESNET, "dense": {"kernel": [2048, 8], "bias": [8]}, "norm": norm, **head([8, 5])}
    assert kinds(plan(between, architecture="resnet50")) == "base average dense norm dense"


OUTLINE = [
    layer("InputLayer", "input", batch_shape=[None, 64, 64, 3]),
    layer("RandomFlip", "flip"),
    layer("Rescaling", "rescaling", scale=1 / 255),
    layer("Conv2D", "conv2d", strides=[1, 1], padding="valid"),
    layer("BatchNormalization", "norm", epsilon=1e-3, axis=[3]),
    layer("ReLU", "relu"),
    layer("MaxPooling2D", "pool", pool_size=[2, 2]),
    layer("GlobalMaxPooling2D", "top"),
    layer("Dense", "dense", activation="elu"),
    layer("Dropout", "dropout"),
    layer("Dense", "logits", activation="linear"),
    layer("Softmax", "softmax"),
]
SHAPES = {
    "conv2d": {"kernel": [3, 3, 3, 8]},
    "norm": {"gamma": [8], "beta": [8], "moving_mean": [8], "moving_variance": [8]},
    "dense": {"kernel": [8, 4], "bias": [4]},
    "logits": {"kernel": [4, 5], "bias": [5]},
}


def test_a_whole_network_is_built_as_its_outline_says() -> None:
    made = plan(SHAPES, outline=OUTLINE)
    assert kinds(made) == "rescale conv norm act max_pool maximum dense dense"
    assert made.steps[-1].values == {"activation": "softmax"}
    assert made.steps[-2].values == {"activation": "elu"}
    assert (made.image_size, made.preprocessing, made.assumed) == (64, "none", ())
    assert made.described(Stated("cnn"))["layers"][:2] == [
        "rescaling, scale 0.0039216, offset 0",
        "convolution, strides 1 x 1, padding valid, activation linear",
    ]
    assert plan(SHAPES, outline=OUTLINE, preprocessing="tf").preprocessing == "tf"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"class": "Lambda"}, "unsupported_layer"),
        ({"class": "TFOpLambda"}, "unsupported_layer"),
        ({"activation": "custom"}, "unsupported_layer"),
        ({"padding": "causal"}, "unsupported_layer"),
        ({"strides": [1000, 1000]}, "unsupported_layer"),
        ({"strides": "x"}, "unsupported_layer"),
        ({"groups": 2}, "unsupported_layer"),
        ({"dilation_rate": [2, 2]}, "unsupported_layer"),
        ({"data_format": "channels_first"}, "unsupported_layer"),
    ],
)
def test_a_layer_that_cannot_be_rebuilt_is_named(change: Any, code: str) -> None:
    outline = [{**each, **change} if each["name"] == "conv2d" else each for each in OUTLINE]
    error = refusal(SHAPES, outline=outline)
    assert (error.code, "conv2d" in str(error)) == (code, True)


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        ([None, 64, 64, 1], "unsupported_input"),
        ([None, 64, 32, 3], "unsupported_input"),
        ([None, 4096, 4096, 3], "unsupported_input"),
        ([None, 64], "unsupported_input"),
    ],
)
def test_images_that_cannot_be_given_to_it_are_refused(shape: Any, code: str) -> None:
    outline = [layer("InputLayer", "input", batch_shape=shape), *OUTLINE[1:]]
    assert refusal(SHAPES, outline=outline).code == code


def test_independent_outputs_are_no_probabilities() -> None:
    outline = [*OUTLINE[:-2], layer("Dense", "logits", activation="sigmoid")]
    assert refusal(SHAPES, outline=outline).code == "unsupported_output"


def test_what_is_stated_against_the_file_is_refused() -> None:
    for stated in ({"pooling": "flatten"}, {"activation": "tanh"}, {"padding": "same"}):
        error = refusal(SHAPES, outline=OUTLINE, **stated)
        assert error.code == "settings_contradict"
    assert plan(SHAPES, outline=OUTLINE, pooling="maximum", padding="valid")


def test_statements_out_of_range_are_refused_by_field() -> None:
    with pytest.raises(InvalidConfig) as error:
        Stated("resnet50", image_size=20, geometry="letterbox")
    assert set(error.value.fields) == {"image_size"}
    with pytest.raises(InvalidConfig):
        Stated("vgg16")
    with pytest.raises(InvalidConfig):
        Stated.from_dict({"architecture": "cnn", "weights": "/etc/passwd"})


def test_an_outline_takes_models_apart_and_keeps_facts_alone() -> None:
    inner = {"class_name": "Functional", "config": {"name": "base", "layers": [
        {"class_name": "Conv2D", "config": {"name": "c", "filters": 3, "kernel_initializer": {"evil": 1}}},
        {"class_name": "Conv2D", "config": {"name": "d", "activation": {"class_name": "evil"}}},
    ]}}  # fmt: skip
    stored = {"config": {"layers": [inner, {"class_name": "Dense", "config": {"name": "e"}}]}}
    assert outline_of(stored) == [
        {"class": "Conv2D", "name": "c", "path": "functional/conv2d"},
        {"class": "Conv2D", "name": "d", "path": "functional/conv2d_1", "activation": "custom"},
        {"class": "Dense", "name": "e", "path": "dense"},
    ]


def test_a_layer_used_twice_or_models_without_end_are_refused() -> None:
    twice = {"class_name": "Dense", "config": {"name": "e"}, "inbound_nodes": [{}, {}]}
    with pytest.raises(ForeignRefused, match="used more than once"):
        outline_of({"config": {"layers": [twice]}})
    deep: Any = {"class_name": "Dense", "config": {"name": "e"}}
    for _ in range(20):
        deep = {"class_name": "Model", "config": {"layers": [deep]}}
    with pytest.raises(ForeignRefused, match="deep"):
        outline_of(deep)
