from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from packager.data.images import open_photo, view
from packager.errors import DataError, ModelFileError, OutputError, SettingsError
from packager.image_classifier import (
    DataLoader,
    ExportFormat,
    ImageClassifier,
    QuantizationConfig,
    config,
    create,
    efficientnet_lite0_spec,
    mobilenet_v2_spec,
    model_spec,
)
from packager.inference import Classifier
from packager.inspection import inspect_model
from packager.metadata.reader import read_metadata
from packager.progress import SILENT
from packager.specs import get_spec
from tests.conftest import Heard

# Random weights, at a size that costs little: enough to train the whole of it.
TINY = dataclasses.replace(get_spec("lite0"), name="tiny", input_size=32)


@pytest.fixture(scope="module")
def data(photos: Path) -> DataLoader:
    return DataLoader.from_folder(photos, progress=SILENT)


def trained(data: DataLoader, **more: object) -> ImageClassifier:
    given = {"epochs": 3, "batch_size": 8, "progress": SILENT, **more}
    train, rest = data.split(0.7)
    return create(train, validation_data=rest, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(data: DataLoader, session_cache: Path) -> Iterator[ImageClassifier]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(session_cache))
        yield trained(data)


def kernel(model: ImageClassifier) -> bytes:
    return model._head.kernel.tobytes()


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("efficientnet_lite0", "lite0"),
        ("efficientnet_lite4", "lite4"),
        ("mobilenet_v2", "mobilenet_v2"),
        ("lite2", "lite2"),
        (mobilenet_v2_spec, "mobilenet_v2"),
        (efficientnet_lite0_spec(), "lite0"),
    ],
)
def test_specs_have_model_makers_names(spec: object, name: str) -> None:
    assert model_spec.get(spec).name == name  # type: ignore[arg-type]


def test_unknown_spec_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsError, match="'bert'.*efficientnet_lite0.*resnet_50"):
        model_spec.get("bert")


def test_later_spelling_of_the_imports() -> None:
    from packager.model_maker import image_classifier
    from packager.model_maker.config import ExportFormat as Formats

    assert image_classifier.DataLoader is DataLoader
    assert image_classifier.create.__func__ is create.__func__  # type: ignore[attr-defined]
    assert Formats is config.ExportFormat


def test_quantization_types() -> None:
    assert QuantizationConfig.for_int8(None).io == "uint8"
    assert QuantizationConfig.for_int8(None, 9, np.int8, np.int8).io == "int8"
    for types in (("uint8", "int8"), ("int16", "int16")):
        with pytest.raises(SettingsError, match="Give the same for both"):
            QuantizationConfig.for_int8(None, 9, *types)
    with pytest.raises(SettingsError, match="quantization_steps: 0"):
        QuantizationConfig.for_int8(None, 0)
    with pytest.raises(TypeError):
        QuantizationConfig.for_dynamic(optimizations=[])  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["warmup_steps", "model_dir", "momentum"])
def test_what_this_training_has_not_is_refused(data: DataLoader, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: {name} is not supported"):
        create(data, TINY, use_hub_library=False, **{name: 1})


def test_unknown_arguments_are_errors(data: DataLoader) -> None:
    with pytest.raises(TypeError, match="learningrate"):
        create(data, TINY, learningrate=0.1)  # type: ignore[call-arg]


@pytest.mark.slow
def test_training_learns_and_tells_its_curves(model: ImageClassifier, data: DataLoader) -> None:
    _, rest = data.split(0.7)
    assert model.history is not None
    assert set(model.history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert model.history.epoch == [0, 1, 2]
    assert all(len(values) == 3 for values in model.history.history.values())
    loss, accuracy = model.evaluate(rest)
    assert accuracy >= 0.8
    best = min(model.history.history["val_loss"])  # over both views; this is over one
    assert loss == pytest.approx(best, abs=0.3)


@pytest.mark.slow
def test_arguments_mean_what_they_say(data: DataLoader, warm_cache: Path) -> None:
    plain = trained(data)
    assert kernel(plain) == kernel(trained(data))
    for other in (
        {"seed": 1},
        {"momentum": 0.5},
        {"dropout_rate": 0.7},
        {"learning_rate": 0.001},
        {"batch_size": 16},
        {"shuffle": True},
        {"use_augmentation": True},
        {"use_hub_library": False},
        {"steps_per_epoch": 2},
    ):
        assert kernel(plain) != kernel(trained(data, **other)), other
    assert trained(data, epochs=7).history.epoch == list(range(7))


@pytest.mark.slow
def test_without_validation_the_last_epoch_is_kept(data: DataLoader, warm_cache: Path) -> None:
    model = create(data, epochs=2, batch_size=8, progress=SILENT)
    assert set(model.history.history) == {"loss", "accuracy"}
    assert model._head.best_epoch == 1


@pytest.mark.slow
def test_untrained_until_told(data: DataLoader, warm_cache: Path) -> None:
    model = trained(data, do_train=False)
    assert model.history is None
    before = kernel(model)
    model.train(data)
    assert kernel(model) != before


@pytest.mark.slow
def test_keras_model_gives_the_same_scores(model: ImageClassifier, data: DataLoader) -> None:
    data = DataLoader(data.photos[:12], data.index_to_label)
    batches = data.gen_dataset(12, preprocess=model.preprocess)
    scores = model.model.predict(batches, verbose=0)
    own = model.predict_top_k(data, k=3)
    for row, best in zip(scores, own, strict=True):
        assert [score for _, score in best] == pytest.approx(sorted(row, reverse=True), abs=0.02)
        assert best[0][0] == model.index_to_label[row.argmax()]
    _, accuracy = model.model.evaluate(batches, verbose=0)
    assert accuracy == pytest.approx(model.evaluate(data)[1])
    raw = np.concatenate([images for images, _ in batches])
    assert [best[0][0] for best in model.predict_top_k(raw)] == [best[0][0] for best in own]
    assert model.create_serving_model() is model.model


@pytest.mark.slow
def test_summary_names_the_layers(
    model: ImageClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    model.summary()
    assert "classes (Dense)" in capsys.readouterr().out


@pytest.mark.slow
def test_preprocess_is_what_clients_do(model: ImageClassifier, data: DataLoader) -> None:
    photo = data.photos[0]
    image = open_photo(photo.path)
    pixels, label = model.preprocess(np.asarray(image), photo.label)
    levels = pixels.numpy() * 128 + 127
    assert np.abs(levels - view(image, "stretch", 224)).max() <= 1.01
    assert label.numpy().argmax() == photo.label


@pytest.mark.slow
@pytest.mark.parametrize("k", [0, 4, -1])
def test_predict_top_k_is_bounded(model: ImageClassifier, data: DataLoader, k: int) -> None:
    with pytest.raises(SettingsError, match="k: .* out of range. Use 1 to 3"):
        model.predict_top_k(data, k=k)


@pytest.mark.slow
def test_other_classes_are_refused(model: ImageClassifier, data: DataLoader) -> None:
    other = DataLoader(data.photos, ["a", "b", "c"])
    with pytest.raises(DataError, match="classes a, b, c and the classifier blue, green, red"):
        model.evaluate(other)
    with pytest.raises(DataError, match="there are no photos"):
        model.evaluate(DataLoader([], data.index_to_label))


@pytest.mark.slow
def test_default_export_is_int8_behind_float(
    model: ImageClassifier, data: DataLoader, tmp_path: Path
) -> None:
    model.export(tmp_path / "out")
    path = tmp_path / "out" / "model.tflite"
    assert sorted(each.name for each in path.parent.iterdir()) == ["labels.txt", "model.tflite"]
    assert (tmp_path / "out" / "labels.txt").read_text() == "blue\ngreen\nred"
    report = inspect_model(path)
    assert report.quantization.startswith("int8 full integer")
    assert (report.inputs[0].dtype, report.outputs[0].dtype) == ("float32", "float32")
    metadata = read_metadata(path)
    assert metadata is not None
    assert metadata.labels == ("blue", "green", "red")
    assert metadata.inputs[0].mean == (127.0,)
    float_accuracy = model.evaluate(data)[1]
    assert model.evaluate_tflite(path, data)["accuracy"] >= float_accuracy - 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "quantization", "dtype"),
    [("none", "float32", "float32"), ("fp16", "float16", "float32"),
     ("dynamic", "dynamic", "float32"), ("int8", "int8 full integer", "uint8")],
)  # fmt: skip
def test_quantizations(
    model: ImageClassifier, data: DataLoader, tmp_path: Path, name: str, quantization: str,
    dtype: str,
) -> None:  # fmt: skip
    configs = {
        "none": None,
        "fp16": QuantizationConfig.for_float16(),
        "dynamic": QuantizationConfig.for_dynamic(),
        "int8": QuantizationConfig.for_int8(data, quantization_steps=6),
    }
    model.export(tmp_path, quantization_config=configs[name])
    report = inspect_model(tmp_path / "model.tflite")
    assert report.quantization.startswith(quantization)
    assert (report.inputs[0].dtype, report.outputs[0].dtype) == (dtype, dtype)
    assert model.evaluate_tflite(tmp_path / "model.tflite", data)["accuracy"] >= 0.7


@pytest.mark.slow
def test_int8_leaves_no_operator_in_float(
    model: ImageClassifier, data: DataLoader, tmp_path: Path
) -> None:
    from packager.export import flatbuffer

    model.export(tmp_path, quantization_config=QuantizationConfig.for_int8(data))
    parsed = flatbuffer.unpack((tmp_path / "model.tflite").read_bytes())
    from ai_edge_litert import schema_py_generated as schema

    floats = [t for t in parsed.subgraphs[0].tensors if t.type == schema.TensorType.FLOAT32]
    assert not floats


@pytest.mark.slow
def test_other_exports(model: ImageClassifier, data: DataLoader, tmp_path: Path) -> None:
    import tensorflow as tf

    model.export(tmp_path, export_format=ExportFormat.SAVED_MODEL)
    assert [each.name for each in tmp_path.iterdir()] == ["saved_model"]
    loaded = tf.saved_model.load(tmp_path / "saved_model")
    images = next(iter(data.gen_dataset(4, preprocess=model.preprocess)))[0]
    np.testing.assert_allclose(loaded.serve(images), model.model(images), atol=1e-5)
    model.export(tmp_path, export_format=[ExportFormat.SAVED_MODEL])  # again: replaced

    plain = tmp_path / "plain"
    model.export(plain, export_format=[ExportFormat.TFLITE], with_metadata=False,
                 quantization_config=None, tflite_filename="m.tflite")  # fmt: skip
    assert [each.name for each in plain.iterdir()] == ["m.tflite"]
    assert read_metadata(plain / "m.tflite") is None
    assert model.evaluate_tflite(plain / "m.tflite", data)["accuracy"] == model.evaluate(data)[1]

    model.export(plain, quantization_config=None, export_metadata_json_file=True)
    written = json.loads((plain / "model.json").read_text())
    assert written["name"] == "EfficientNet-Lite0"


@pytest.mark.slow
def test_exports_that_there_are_not(model: ImageClassifier, tmp_path: Path) -> None:
    for unknown in (ExportFormat.TFJS, [ExportFormat.LABEL, ExportFormat.VOCAB], "TFLITE"):
        with pytest.raises(
            SettingsError, match="(TFJS|VOCAB|TFLITE) is not an export format.*Use TFLITE"
        ):
            model.export(tmp_path / "out", export_format=unknown)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="unknown configuration 'int8'"):
        model.export(tmp_path / "out", quantization_config="int8")
    with pytest.raises(TypeError, match="quantised"):
        model.export(tmp_path / "out", quantised=True)  # type: ignore[call-arg]
    assert not (tmp_path / "out").exists()
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "diary.txt").write_text("mine")
    with pytest.raises(OutputError, match="something other than a SavedModel"):
        model.export(tmp_path, export_format=ExportFormat.SAVED_MODEL)
    assert (tmp_path / "saved_model" / "diary.txt").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be written"):
        model.export(tmp_path / "file")


@pytest.mark.slow
def test_files_that_do_not_fit(
    model: ImageClassifier, data: DataLoader, tmp_path: Path, tiny_backbone: bytes
) -> None:
    with pytest.raises(ModelFileError, match="can't be read"):
        model.evaluate_tflite(tmp_path / "none.tflite", data)
    (tmp_path / "other.tflite").write_bytes(tiny_backbone)
    with pytest.raises(ModelFileError, match="gives 16 scores and there are 3 classes"):
        model.evaluate_tflite(tmp_path / "other.tflite", data)


@pytest.mark.slow
def test_class_without_training_photos_is_told(
    data: DataLoader, warm_cache: Path, heard: Heard
) -> None:
    some = [photo for photo in data.photos if photo.label != 1]
    create(DataLoader(some, data.index_to_label), epochs=1, progress=heard)
    assert heard.warnings == ["the class 'green' has no training photos"]


@pytest.mark.slow
def test_photo_that_vanishes_is_left_out_and_named(
    data: DataLoader, photos: Path, warm_cache: Path, tmp_path: Path, heard: Heard
) -> None:
    gone = dataclasses.replace(data.photos[0], path=tmp_path / "gone.png", sha256="00" * 32)
    create(DataLoader([gone, *data.photos], data.index_to_label), epochs=1, progress=heard)
    assert len(heard.warnings) == 1
    assert "gone.png" in heard.warnings[0]
    assert "there is no such file" in heard.warnings[0]
    with pytest.raises(DataError, match="no training or validation photo"):
        create(DataLoader([gone] * 3, ["blue"]), epochs=1, progress=SILENT)


@pytest.mark.slow
def test_whole_model_can_be_trained(data: DataLoader, warm_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Give validation_data"):
        create(data, TINY, train_whole_model=True, weights="none", progress=SILENT)
    model = trained(
        data, model_spec=TINY, weights="none", epochs=2, train_whole_model=True, learning_rate=0.002
    )
    assert len(model.history.epoch) == 2
    scores = model.model.predict(data.gen_dataset(12, preprocess=model.preprocess), verbose=0)
    model.export(tmp_path, quantization_config=None)
    classifier = Classifier((tmp_path / "model.tflite").read_bytes(), model._normalisation)
    for photo, row in zip(data.photos, scores, strict=True):
        own = classifier.scores(view(open_photo(photo.path), "stretch", 32))
        np.testing.assert_allclose(own, row, atol=0.02)
    assert model._tuned is not None
