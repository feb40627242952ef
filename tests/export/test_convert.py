"""Conversion, and backbones of one's own: Keras files, SavedModels, TF Hub's modules, functions."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager import specs
from packager.backbones.custom import custom_spec
from packager.backbones.pretrained import build_backbone
from packager.backbones.weights import find_weights
from packager.errors import ModelFileError, SettingsError, WeightsError
from packager.export.convert import ConvertedBackbone, cached_backbone, converted_backbone
from packager.specs import ModelSpec, register

pytestmark = pytest.mark.slow  # TensorFlow takes seconds to import

SIZE = 32
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
PIXELS = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def own_cache(cache: Path) -> Path:
    return cache


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(specs, "SPECS", dict(specs.SPECS))
    monkeypatch.setattr(specs, "_builds", {})


def network(size: int | None = SIZE, seed: int = 1, pooled: bool = True) -> Any:
    """A small Keras network with what the house's own backbones don't have."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    image = keras.Input((size, size, 3), name="photo")
    x = layers.Conv2D(8, 3, 2, padding="same", name="first")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Activation("silu", name="act")(x)
    side = layers.MaxPooling2D(2)(x)
    x = layers.DepthwiseConv2D(3, 2, padding="same")(x)
    x = layers.Concatenate()([x, side])
    x = layers.Conv2D(12, 1, activation="relu", name="last")(x)
    return keras.Model(image, layers.GlobalAveragePooling2D()(x) if pooled else x)


def spec_of(path: Path, mean: str = "127.5", std: str = "127.5", size: int = SIZE) -> ModelSpec:
    return custom_spec(path, size, mean, std)


def run(backbone: ConvertedBackbone, spec: ModelSpec) -> np.ndarray:
    """Features of PIXELS by the converted file, fed as the rest of the house does."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=backbone.model)
    interpreter.allocate_tensors()
    (image,), (features,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert image["shape"].tolist() == [1, SIZE, SIZE, 3]
    assert features["shape"].tolist() == [1, backbone.feature_size]
    interpreter.set_tensor(image["index"], (PIXELS - spec.mean) / np.float32(spec.std))
    interpreter.invoke()
    return interpreter.get_tensor(features["index"])


def converted(spec: ModelSpec) -> ConvertedBackbone:
    return converted_backbone(spec, find_weights(spec))


def normalised(mean: object = 127.5, std: object = 127.5) -> np.ndarray:
    return ((PIXELS - np.asarray(mean)) / np.asarray(std)).astype(np.float32)


def close(found: np.ndarray, wanted: object) -> None:
    wanted = np.asarray(wanted)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


def save(model: Any, path: Path) -> Path:
    if path.suffix:
        model.save(path)
    else:
        model.export(path, verbose=False)
    return path


# --- the same features as the file's own


@pytest.mark.parametrize("name", ["own.keras", "own.h5", "saved"])
@pytest.mark.parametrize("size", [SIZE, None])
def test_features_are_those_of_the_file(tmp_path: Path, name: str, size: int | None) -> None:
    model = network(size)
    spec = spec_of(save(model, tmp_path / name))
    backbone = converted(spec)
    assert backbone.feature_size == 12
    close(run(backbone, spec), model(normalised()))


@pytest.mark.parametrize("name", ["own.keras", "saved"])
def test_a_map_is_averaged_and_channels_are_normalised_each(tmp_path: Path, name: str) -> None:
    model = network(pooled=False)
    path = save(model, tmp_path / name)
    spec = spec_of(path, ",".join(map(str, MEAN)), ",".join(map(str, STD)))
    assert (spec.mean, spec.std) == (127.5, 127.5)
    maps = np.asarray(model(normalised(MEAN, STD)))
    close(run(converted(spec), spec), maps.mean(axis=(1, 2)))


def test_a_keras_file_stays_a_keras_model_whose_layers_can_be_trained(tmp_path: Path) -> None:
    model = network(pooled=False)
    model.get_layer("norm").trainable = False
    spec = spec_of(save(model, tmp_path / "own.keras"), "100,110,120", "50,60,70")
    backbone = build_backbone(spec, find_weights(spec))
    names = {layer.name: layer for layer in backbone.layers}
    assert {"file_input", "first", "norm", "last", "features"} <= set(names)
    assert not names["file_input"].trainable
    assert not names["norm"].trainable
    assert names["first"].trainable
    assert names["last"].output.shape == (None, 8, 8, 12)  # one node a layer
    before = np.asarray(backbone(normalised()))
    close(before, np.asarray(model(normalised((100, 110, 120), (50, 60, 70)))).mean(axis=(1, 2)))
    backbone.compile("sgd", "mse")
    backbone.train_on_batch(normalised(), np.ones((1, 12), np.float32))
    assert not np.array_equal(np.asarray(backbone(normalised())), before)


def hub_module(folder: Path, signature: bool) -> Any:
    """What TF Hub's modules are: an object that is called, with or without a signature."""
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(tf.random.stateless_normal([3, 3, 3, 5], [1, 2]))

        @tf.function
        def __call__(self, images: Any, training: bool = False) -> Any:
            found = tf.nn.relu(tf.nn.conv2d(images, self.kernel, 2, "SAME"))
            return tf.reduce_mean(found, [1, 2]) * (2.0 if training else 1.0)

    module, images = Module(), tf.TensorSpec([None, None, None, 3], tf.float32)
    traces = [module.__call__.get_concrete_function(images, training=t) for t in (True, False)]
    signatures = {"serving_default": traces[1]} if signature else None
    tf.saved_model.save(module, str(folder), signatures)
    return module


@pytest.mark.parametrize("signature", [True, False])
def test_a_hub_module_is_called_as_in_inference(tmp_path: Path, signature: bool) -> None:
    module = hub_module(tmp_path / "module", signature)
    spec = spec_of(tmp_path / "module", "0", "255")
    close(run(converted(spec), spec), module(normalised(0, 255)))


def test_an_old_hub_module_with_two_graphs_and_several_endpoints(tmp_path: Path) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    kernel = np.random.default_rng(3).normal(size=(3, 3, 3, 5)).astype(np.float32)
    builder = v1.saved_model.Builder(str(tmp_path / "old"))
    for tags in ([], ["train"]):
        with tf.Graph().as_default(), v1.Session() as session:
            images = v1.placeholder(tf.float32, [None, SIZE, SIZE, 3])
            variable = v1.get_variable("kernel", initializer=kernel)
            layer = tf.nn.relu(tf.nn.conv2d(images, variable, 2, "SAME"))
            ends = {"layer_1": layer, "default": tf.reduce_mean(layer, [1, 2])}
            session.run(v1.global_variables_initializer())
            signature = v1.saved_model.predict_signature_def({"images": images}, ends)
            signatures = {"image_feature_vector": signature}
            if tags:
                builder.add_meta_graph(tags, signatures)
            else:
                builder.add_meta_graph_and_variables(session, tags, signatures)
    builder.save()
    spec = spec_of(tmp_path / "old")
    wanted = tf.nn.relu(tf.nn.conv2d(normalised(), kernel, 2, "SAME"))
    close(run(converted(spec), spec), tf.reduce_mean(wanted, [1, 2]))


# --- the cache


def test_a_conversion_is_kept_for_the_same_file_and_units_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(network(), tmp_path / "own.keras")
    spec = spec_of(path)
    first, weights = converted(spec), find_weights(spec)
    assert cached_backbone(spec, weights) == first
    for other in (spec_of(path, "127"), spec_of(path, "127.5,127.5,0"), spec_of(path, size=48)):
        assert cached_backbone(other, weights) is None
    moved = spec_of(Path(shutil.copytree(tmp_path, tmp_path.parent / "moved")) / "own.keras")
    assert cached_backbone(moved, find_weights(moved)) == first
    save(network(seed=2), path)
    assert cached_backbone(spec, find_weights(spec)) is None


def test_a_folder_is_known_by_all_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"index")
    spec = spec_of(folder)
    before = find_weights(spec)
    assert before.path == folder
    assert before.sha256 == find_weights(spec).sha256
    (folder / "variables" / "variables.index").write_bytes(b"other")
    assert find_weights(spec).sha256 != before.sha256


def test_a_file_is_known_by_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "own.h5").write_bytes(b"weights")
    found = find_weights(spec_of(tmp_path / "own.h5"))
    assert found.sha256 == hashlib.sha256(b"weights").hexdigest()
    with pytest.raises(SettingsError, match="own contains its own weights"):
        find_weights(spec_of(tmp_path / "own.h5"), "none")


# --- what is refused, and in which words


def layers_of(build: Callable[[Any, Any], Any]) -> Callable[[Path], Path]:
    """A file of the network that `build` makes of keras.Input and keras.layers."""

    def make(folder: Path) -> Path:
        import keras

        return save(build(keras, keras.layers), folder / "own.keras")

    return make


def two_inputs(keras: Any, layers: Any) -> Any:
    one, two = keras.Input((SIZE, SIZE, 3), name="a"), keras.Input((8,), name="b")
    return keras.Model([one, two], layers.Concatenate()([layers.Flatten()(one), two]))


def two_outputs(keras: Any, layers: Any) -> Any:
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, [layers.Flatten()(image), layers.GlobalAveragePooling2D()(image)])


def grey(keras: Any, layers: Any) -> Any:
    image = keras.Input((SIZE, SIZE, 1))
    return keras.Model(image, layers.Flatten()(image))


def larger(keras: Any, layers: Any) -> Any:
    image = keras.Input((48, 48, 3))
    return keras.Model(image, layers.Flatten()(image))


def sequence(keras: Any, layers: Any) -> Any:
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, layers.Reshape((SIZE, SIZE * 3))(image))


def dynamic(keras: Any, layers: Any) -> Any:
    image = keras.Input((None, None, 3))
    return keras.Model(image, layers.Flatten()(image))


def half(keras: Any, layers: Any) -> Any:
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, layers.GlobalAveragePooling2D(dtype="float16")(image))


def classifier(keras: Any, layers: Any) -> Any:
    image = keras.Input((SIZE, SIZE, 3))
    flat = layers.GlobalAveragePooling2D()(image)
    return keras.Model(image, layers.Dense(4, "softmax", name="classes")(flat))


def with_lambda(keras: Any, layers: Any) -> Any:
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, layers.Lambda(lambda x: x * 2)(image))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (two_inputs, ["a float32 [?, 32, 32, 3], b float32 [?, 8]", "one image"]),
        (two_outputs, ["float32 [?, 3072]", "one float32 output"]),
        (grey, ["[?, 32, 32, 1]", "red, green, blue"]),
        (larger, ["[?, 48, 48, 3]", "Use --input-size 48"]),
        (sequence, ["[?, 32, 96]", "[N, height, width, n]"]),
        (dynamic, ["[?, ?]", "with n known"]),
        (half, ["float16", "one float32 output"]),
        (classifier, ["'classes', is a softmax", "model.layers[-2].output"]),
        (with_lambda, ["lambda", "packager.specs.register", "model.export"]),
    ],
)
def test_a_keras_file_that_is_no_backbone(tmp_path: Path, build: Any, words: list[str]) -> None:
    spec = spec_of(layers_of(build)(tmp_path))
    with pytest.raises(WeightsError) as caught:
        build_backbone(spec, find_weights(spec))
    assert caught.value.where == str(tmp_path / "own.keras")
    for word in words:
        assert word in str(caught.value)


def test_code_in_an_h5_file_is_not_run(tmp_path: Path) -> None:
    import keras

    model = with_lambda(keras, keras.layers)
    model.save(tmp_path / "own.h5")
    spec = spec_of(tmp_path / "own.h5")
    with pytest.raises(WeightsError, match="lambda layer, which is code"):
        build_backbone(spec, find_weights(spec))


def test_a_layer_of_ones_own_is_refused_without_its_code(tmp_path: Path) -> None:
    import zipfile

    path, changed = save(network(), tmp_path / "plain.keras"), tmp_path / "own.keras"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(changed, "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "config.json":
                config = json.loads(content)
                layer = config["config"]["layers"][1]
                layer |= {"module": "somewhere", "class_name": "Mine", "registered_name": "Mine"}
                content = json.dumps(config).encode()
            other.writestr(name, content)
    spec = spec_of(changed)
    with pytest.raises(WeightsError, match="Mine"):
        build_backbone(spec, find_weights(spec))


@pytest.mark.parametrize(
    ("name", "words"),
    [("own.keras", "can't open it"), ("own.h5", "not a readable HDF5 file.*damaged")],
)
def test_a_damaged_file(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 no archive")
    spec = spec_of(tmp_path / name)
    with pytest.raises(WeightsError, match=words):
        build_backbone(spec, find_weights(spec))


def test_a_damaged_saved_model(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(WeightsError, match="TensorFlow can't load it"):
        converted(spec_of(tmp_path / "saved"))


def saved_function(folder: Path, body: Callable[[Any, Any], Any], shape: list[Any]) -> ModelSpec:
    """A SavedModel whose signature computes `body(tf, images)`."""
    import tensorflow as tf

    module = tf.Module()
    module.run = tf.function(
        lambda images: body(tf, images), [tf.TensorSpec(shape, tf.float32, "images")]
    )
    tf.saved_model.save(module, str(folder), {"serving_default": module.run})
    return spec_of(folder)


ANY = [None, None, None, 3]


@pytest.mark.parametrize(
    ("body", "shape", "words"),
    [
        (lambda _, x: x, [None, 48, 48, 3], ["images float32 [?, 48, 48, 3]", "--input-size 48"]),
        (lambda _, x: x, [8, SIZE, SIZE, 3], ["[8, 32, 32, 3]", "takes one image"]),
        (lambda _, x: {"a": x, "b": x}, ANY, ["a float32 [1, 32, 32, 3], b float32"]),
        (lambda tf, x: tf.nn.softmax(tf.reduce_mean(x, [1, 2])), ANY, ["is a softmax"]),
        (lambda tf, x: tf.reduce_mean(x), ANY, ["output_0 float32 []"]),
        (lambda tf, x: tf.cast(tf.reduce_mean(x, [1, 2]), tf.float64), ANY, ["float64 [1, 3]"]),
    ],
)
def test_a_saved_model_that_is_no_backbone(
    tmp_path: Path, body: Any, shape: list[Any], words: list[str]
) -> None:
    spec = saved_function(tmp_path / "saved", body, shape)
    with pytest.raises(WeightsError) as caught:
        converted(spec)
    for word in words:
        assert word in str(caught.value)


def test_operators_that_lite_lacks_are_named(tmp_path: Path) -> None:
    spec = saved_function(tmp_path / "saved", lambda tf, x: tf.image.adjust_hue(x, 0.1), ANY)
    with pytest.raises(ModelFileError, match="operators AdjustHue have") as caught:
        converted(spec)
    assert caught.value.where == str(tmp_path / "saved")


def test_a_saved_model_has_no_layers_to_train(tmp_path: Path) -> None:
    spec = saved_function(tmp_path / "saved", lambda tf, x: tf.reduce_mean(x, [1, 2]), ANY)
    with pytest.raises(SettingsError, match=r"\.keras file"):
        build_backbone(spec, find_weights(spec))


# --- registered functions


def test_a_registered_function_is_asked_each_time(registry: None, cache: Path) -> None:
    asked = []

    def build(spec: ModelSpec) -> Any:
        asked.append(spec.name)
        return network(spec.input_size, seed=len(asked), pooled=False)

    base = specs.get_spec("lite0")
    spec = replace(base, name="mine", input_size=SIZE, feature_size=12)
    register(spec, build)
    weights = find_weights(specs.get_spec("mine"))
    close(
        run(converted_backbone(spec, weights), spec),
        np.asarray(network(pooled=False)(normalised(spec.mean, spec.std))).mean(axis=(1, 2)),
    )
    assert cached_backbone(spec, weights) is None
    second = converted_backbone(spec, weights)
    assert asked == ["mine", "mine"]
    assert second != converted_backbone(spec, weights)
    with pytest.raises(SettingsError, match="contains its own weights"):
        find_weights(spec, "none")


def test_a_registered_function_that_gives_other_features(registry: None) -> None:
    spec = replace(specs.get_spec("lite0"), name="mine", input_size=SIZE, feature_size=13)
    register(spec, lambda spec: network(spec.input_size))
    with pytest.raises(WeightsError, match="gives 12 features, not 13"):
        converted_backbone(spec, find_weights(spec))
