"""Model Maker's image classifier, trained as packager trains.

The frozen backbone is run once over each photo and its feature vectors are kept; the head is
trained on them. What each argument does, and where that differs, is in docs/migration.md.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from packager import files, pool
from packager.data.folder import Photo
from packager.errors import DataError, ModelFileError, OutputError, SettingsError
from packager.extras import require_extra
from packager.inference import Classifier, Normalisation
from packager.model_maker.config import ExportFormat, QuantizationConfig
from packager.model_maker.data_loader import (
    DataLoader,
    ImageClassifierDataLoader,
)
from packager.model_maker.model_spec import (
    efficientnet_lite0_spec,
    efficientnet_lite1_spec,
    efficientnet_lite2_spec,
    efficientnet_lite3_spec,
    efficientnet_lite4_spec,
    mobilenet_v2_spec,
    resnet_50_spec,
)
from packager.model_maker.model_spec import get as get_model_spec
from packager.progress import Progress
from packager.reading import MODEL_BYTES, read_file
from packager.specs import ModelSpec
from packager.terminal import stderr_progress
from packager.training.head import Epoch, train_head, untrained_head
from packager.training.settings import HeadSettings, check_seed

if TYPE_CHECKING:
    from packager.backbones.weights import Weights
    from packager.export.convert import ConvertedBackbone

Result = TypeVar("Result")

__all__ = [
    "DataLoader", "EfficientNetLite0Spec", "EfficientNetLite1Spec", "EfficientNetLite2Spec",
    "EfficientNetLite3Spec", "EfficientNetLite4Spec", "ExportFormat", "History",
    "ImageClassifier", "ImageClassifierDataLoader", "MobileNetV2Spec", "ModelSpec",
    "QuantizationConfig", "Resnet50Spec", "create", "efficientnet_lite0_spec",
    "efficientnet_lite1_spec", "efficientnet_lite2_spec", "efficientnet_lite3_spec",
    "efficientnet_lite4_spec", "mobilenet_v2_spec", "resnet_50_spec",
]  # fmt: skip

EfficientNetLite0Spec = efficientnet_lite0_spec
EfficientNetLite1Spec = efficientnet_lite1_spec
EfficientNetLite2Spec = efficientnet_lite2_spec
EfficientNetLite3Spec = efficientnet_lite3_spec
EfficientNetLite4Spec = efficientnet_lite4_spec
MobileNetV2Spec = mobilenet_v2_spec
Resnet50Spec = resnet_50_spec

_EXPORTED = (ExportFormat.TFLITE, ExportFormat.LABEL)
_DEFAULT = "default"
_NEVER = 10**9  # as patience: all epochs are run


@dataclass(frozen=True)
class History:
    """The training curves, shaped as Keras's History.

    Attributes:
        history: "loss" and "accuracy", and with validation data "val_loss" and "val_accuracy":
            one value per epoch; losses in nats, accuracies 0..1.
        epoch: the numbers of the epochs, from 0.
    """

    history: dict[str, list[float]]
    epoch: list[int]


class ImageClassifier:
    """An image classifier; `create` trains one.

    Attributes:
        model_spec: the backbone's spec.
        index_to_label: names of the classes, in the order of the scores.
        history: the training curves, once trained.
    """

    def __init__(
        self,
        model_spec: str | ModelSpec | Callable[[], ModelSpec],
        index_to_label: Sequence[str],
        shuffle: bool = True,
        hparams: HeadSettings | None = None,
        use_augmentation: bool = False,
        representative_data: DataLoader | None = None,
        *,
        tuning: Mapping[str, Any] | None = None,
        weights: str | Path = "auto",
        seed: int = 0,
        progress: Progress | None = None,
    ) -> None:
        """An untrained classifier: its head is random.

        Args:
            model_spec: a spec, its name, or a function that makes it.
            index_to_label: names of the classes.
            shuffle: shuffles the photos in each epoch.
            hparams: how the head is trained; None for Model Maker's defaults.
            use_augmentation: also trains on mirrored photos, and with `train_whole_model` on
                randomly cropped and coloured ones.
            representative_data: calibration photos for int8; None: the training photos.
            tuning: arguments of `packager.training.settings.FineTuneSettings`, with which the
                whole model is trained after the head; None leaves the backbone frozen.
            weights: "auto", "none" (random) or a file of pretrained weights.
            seed: for everything random.
            progress: receives the progress; None writes to standard error.

        Raises `WeightsError` when there are no weights.
        """
        from packager.backbones.weights import find_weights

        check_seed(seed)
        self._seed = seed
        self.model_spec = get_model_spec(model_spec)
        self.index_to_label = list(index_to_label)
        self.history: History | None = None
        self.representative_data = representative_data
        self.use_augmentation = use_augmentation
        self.train_whole_model = tuning is not None
        self._tuning = dict(tuning or {})
        self._hparams = dataclasses.replace(hparams or _hub_settings(), shuffle=shuffle)
        self._progress = progress or stderr_progress()
        self._weights: Weights = find_weights(self.model_spec, weights, progress=self._progress)
        self._tuned: Any = None
        self._model: Any = None
        self._frozen = self._converted()
        self._backbone = self._frozen.model
        # Only the converted file of a custom backbone has the length.
        self.model_spec = spec = dataclasses.replace(
            self.model_spec, feature_size=self._frozen.feature_size
        )
        self._normalisation = Normalisation((spec.mean,), (spec.std,))
        self._head = untrained_head(spec.feature_size, self.num_classes, seed=self._seed)

    @classmethod
    def create(
        cls,
        train_data: DataLoader,
        model_spec: str | ModelSpec | Callable[[], ModelSpec] = "efficientnet_lite0",
        validation_data: DataLoader | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        train_whole_model: bool | None = None,
        dropout_rate: float | None = None,
        learning_rate: float | None = None,
        momentum: float | None = None,
        shuffle: bool = False,
        use_augmentation: bool = False,
        use_hub_library: bool = True,
        warmup_steps: int | None = None,
        model_dir: str | None = None,
        do_train: bool = True,
        *,
        weights: str | Path = "auto",
        seed: int = 0,
        progress: Progress | None = None,
    ) -> ImageClassifier:
        """Trains a classifier.

        Args:
            train_data, validation_data: photos. With validation data the epoch with the lowest
                validation loss is kept, without it the last one.
            model_spec: a spec, its name, or a function that makes it.
            batch_size, epochs, dropout_rate, learning_rate, momentum: of the head's training by
                SGD: 32, 5, 0.2, 0.005 and 0.9 where not given. With `train_whole_model` those that
                are given, but for the momentum, are of that training too (by AdamW).
            steps_per_epoch: batches per epoch; None: until every photo was seen.
            train_whole_model: also trains the backbone; needs `validation_data`.
            shuffle: shuffles the photos in each epoch.
            use_augmentation: also trains on mirrored photos, and with `train_whole_model` on
                randomly cropped and coloured ones.
            use_hub_library: False trains as `packager build` does: Adam, with that command's
                defaults, mirrored photos too, and without `momentum`.
            warmup_steps, model_dir: not supported.
            do_train: False leaves the head untrained.
            weights: "auto", "none" (random) or a file of pretrained weights.
            seed: for everything random.
            progress: receives the progress; None writes to standard error.

        Raises:
            SettingsError: a value is out of range or not supported.
            DataError: a photo can't be read, or the labels of the parts differ.
            WeightsError, DownloadError: the backbone's weights are not available.
            TrainingError: training diverged.
        """
        refused: dict[str, Any] = {"warmup_steps": warmup_steps, "model_dir": model_dir}
        if not use_hub_library:
            refused["momentum"] = momentum
        for name, value in refused.items():
            if value is not None:
                raise SettingsError(f"{name} is not supported", where=name, fix="Leave it out.")
        given: dict[str, Any] = {
            "batch_size": batch_size,
            "epochs": epochs,
            "steps_per_epoch": steps_per_epoch,
            "dropout": dropout_rate,
            "learning_rate": learning_rate,
            "momentum": momentum,
        }
        settings = dataclasses.replace(
            _hub_settings() if use_hub_library else HeadSettings(),
            **{name: value for name, value in given.items() if value is not None},
        )
        tuning = {
            name: given[name]
            for name in ("batch_size", "epochs", "dropout", "learning_rate")
            if given[name] is not None
        }
        classifier = cls(
            model_spec, train_data.index_to_label, shuffle or not use_hub_library, settings,
            use_augmentation or not use_hub_library, train_data,
            tuning=tuning if train_whole_model else None, weights=weights, seed=seed,
            progress=progress,
        )  # fmt: skip
        if do_train:
            classifier.train(train_data, validation_data)
        return classifier

    def train(
        self,
        train_data: DataLoader,
        validation_data: DataLoader | None = None,
        hparams: HeadSettings | None = None,
        steps_per_epoch: int | None = None,
    ) -> History:
        """Trains the head again, and the backbone when the classifier was made so.

        `hparams` and `steps_per_epoch` stand in for those the classifier was made with.
        """
        from packager.training.features import of_views
        from packager.training.frozen import frozen_features

        settings = hparams or self._hparams
        if steps_per_epoch is not None:
            settings = dataclasses.replace(settings, steps_per_epoch=steps_per_epoch)
        self._check(train_data, validation_data)
        if self.train_whole_model and validation_data is None:
            raise SettingsError(
                "the whole model can't be trained without validation data",
                where="train_whole_model",
                fix="Give validation_data, which early stopping needs.",
            )
        present = {photo.label for photo in train_data.photos}
        for label, name in enumerate(self.index_to_label):
            if label not in present:
                self._progress.warn(f"the class {name!r} has no training photos")
        self._tuned = self._model = None
        self._backbone = self._frozen.model
        parts = [data.photos for data in (train_data, validation_data) if data is not None]
        frozen = frozen_features(
            self._frozen, self.model_spec, parts, mirrored=self.use_augmentation,
            progress=self._progress,
        )  # fmt: skip
        if not all(frozen.parts):
            raise DataError(
                "no training or validation photo can be read any more",
                fix="The folder changed while it was in use: load it again.",
            )
        train, *validation = (frozen.load(part) for part in range(len(parts)))
        as_seen = slice(None, None, 2 if self.use_augmentation else 1)  # not mirrored
        self._head = train_head(
            train,
            (of_views(validation[0][0], as_seen), validation[0][1]) if validation else None,
            self.num_classes,
            settings,
            seed=self._seed,
            progress=self._progress,
        )
        curves = self._head.curves
        if self.train_whole_model and validation_data is not None:
            curves = self._tune(train_data, validation_data)
        self.history = _history(curves, validated=validation_data is not None)
        if self.representative_data is None:
            self.representative_data = train_data
        return self.history

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.index_to_label)

    @property
    def model(self) -> Any:
        """The classifier as a compiled `keras.Model`.

        Input: float32 [N, size, size, 3], as `preprocess` gives it. Output: float32 [N, classes],
        0..1 with sum 1.
        """
        if self._model is None:
            self._model = self._keras_model()
        return self._model

    def create_serving_model(self) -> Any:
        """`model`."""
        return self.model

    def summary(self) -> None:
        """Prints the layers of `model`."""
        self.model.summary()

    def preprocess(
        self,
        image: Any,
        label: Any,
        is_training: bool = False,  # noqa: ARG002
    ) -> tuple[Any, Any]:
        """The input of a float model for a photo, and its label one-hot.

        The photo is stretched to the input, as clients do, and normalised as the spec says. It
        can be mapped over a `tf.data.Dataset`.

        Args:
            image: [height, width, 3], values 0..255.
            label: an integer.
            is_training: makes no difference.

        Returns:
            float32 tensors [size, size, 3] and [classes].
        """
        require_extra("tensorflow", "ImageClassifier.preprocess")
        import tensorflow as tf

        spec = self.model_spec
        pixels = tf.image.resize(tf.cast(image, tf.float32), (spec.input_size, spec.input_size))
        return (pixels - spec.mean) / spec.std, tf.one_hot(label, self.num_classes)

    def evaluate(self, data: DataLoader, batch_size: int = 32) -> tuple[float, float]:  # noqa: ARG002
        """Loss (cross-entropy with the labels smoothed as in training, nats) and accuracy, 0..1.

        Of the classifier before quantization, each photo decoded in full and stretched.
        `batch_size` makes no difference: photos are run one by one on all cores.
        """
        smoothing = self._hparams.label_smoothing

        def look(scores: np.ndarray[Any, Any], label: int) -> tuple[np.float32, bool]:
            logs = np.log(np.clip(scores, 1e-7, 1))
            loss = -((1 - smoothing) * logs[label] + smoothing * logs.mean())
            return loss, bool(scores.argmax() == label)

        losses, right = zip(
            *self._each_photo(self._float_model(), data, "Evaluating", look), strict=True
        )
        return float(np.mean(losses)), float(np.mean(right))

    def predict_top_k(
        self, data: DataLoader | Any, k: int = 1, batch_size: int = 32
    ) -> list[list[tuple[str, float]]]:
        """The `k` best (label, score) of each photo, best first.

        `data` may also be preprocessed images, float32 [N, size, size, 3]; they are run by Keras,
        `batch_size` at once.
        """
        if not 1 <= k <= self.num_classes:
            raise SettingsError(
                f"{k} is out of range", where="k", fix=f"Use 1 to {self.num_classes}."
            )

        def best(scores: np.ndarray[Any, Any], _: int = 0) -> list[tuple[str, float]]:
            ranked = np.argsort(-scores, kind="stable")[:k]
            return [(self.index_to_label[i], float(scores[i])) for i in ranked]

        if isinstance(data, DataLoader):
            return self._each_photo(self._float_model(), data, "Predicting", best)
        return [best(row) for row in self.model.predict(data, batch_size=batch_size, verbose=0)]

    def evaluate_tflite(
        self,
        tflite_filepath: str | os.PathLike[str],
        data: DataLoader,
        postprocess_fn: Callable[[Any], Any] | None = None,
    ) -> dict[str, float]:
        """{"accuracy": 0..1} of an exported file, run by LiteRT on the stretched photos.

        `postprocess_fn` is given the scores float32 [photos, classes] and gives such an array.

        Raises `ModelFileError` when the file can't be read or doesn't fit the labels.
        """
        path = Path(tflite_filepath)
        try:
            content = read_file(path, MODEL_BYTES)
        except OSError as error:
            raise ModelFileError(
                f"the file can't be read ({error.strerror or error})",
                where=path,
                fix="Export it first.",
            ) from error
        if postprocess_fn is None:
            answers = self._each_photo(
                content, data, "Evaluating", lambda row, _: int(row.argmax()), path
            )
            best = np.array(answers)
        else:
            rows = self._each_photo(content, data, "Evaluating", lambda row, _: row, path)
            best = np.asarray(postprocess_fn(np.stack(rows))).argmax(1)
        return {"accuracy": float(np.mean(best == _labels(data)))}

    def export(
        self,
        export_dir: str | os.PathLike[str],
        *,
        tflite_filename: str = "model.tflite",
        label_filename: str = "labels.txt",
        saved_model_filename: str = "saved_model",
        export_format: ExportFormat | Sequence[ExportFormat] | None = None,
        quantization_config: QuantizationConfig | str | None = _DEFAULT,
        with_metadata: bool = True,
        export_metadata_json_file: bool = False,
    ) -> None:
        """Writes the classifier into `export_dir`.

        Args:
            export_dir: the folder; made when it isn't there.
            tflite_filename, label_filename, saved_model_filename: names in it.
            export_format: one or several of TFLITE, LABEL and SAVED_MODEL; None: the first two.
            quantization_config: of the .tflite: "default" is int8 with float input and output,
                None is no quantization.
            with_metadata: puts labels and normalization inside the .tflite.
            export_metadata_json_file: writes what is inside as JSON beside the .tflite.

        Raises:
            SettingsError: a format or configuration that there isn't.
            OutputError: the folder can't be written, or holds something that isn't ours to replace.
        """
        formats = _formats(export_format)
        folder = Path(export_dir)
        try:
            if ExportFormat.TFLITE in formats:
                path = folder / tflite_filename
                files.write_bytes(path, self._tflite(quantization_config, with_metadata))
                if export_metadata_json_file and with_metadata:
                    from packager.metadata.reader import read_metadata
                    from packager.record import as_json

                    files.write_text(path.with_suffix(".json"), as_json(read_metadata(path)))
            if ExportFormat.LABEL in formats:
                # No line break at the end: Model Maker's users split at "\n".
                files.write_text(folder / label_filename, "\n".join(self.index_to_label))
            if ExportFormat.SAVED_MODEL in formats:
                self._export_saved_model(folder / saved_model_filename)
        except OSError as error:
            raise OutputError(
                f"the folder can't be written ({error.strerror or error})",
                where=folder,
                fix="Choose another export_dir, or change its permissions.",
            ) from error

    def _export_saved_model(self, path: Path) -> None:
        from packager.written import demand_ours, record_all

        if path.exists() and not (path / "saved_model.pb").is_file():
            raise OutputError(
                "something other than a SavedModel exists there",
                where=path,
                fix="Move it, or choose another saved_model_filename.",
            )
        if path.exists():
            demand_ours(path)  # before the work
        with files.new_folder(path, replaceable=demand_ours) as fresh:
            self.model.export(str(fresh), verbose=False)
            record_all(fresh)

    def _tflite(self, config: QuantizationConfig | str | None, with_metadata: bool) -> bytes:
        from packager.export.quantized import quantized_classifier
        from packager.export.settings import QuantizationSettings
        from packager.metadata.defaults import classifier_metadata
        from packager.metadata.settings import MetadataSettings
        from packager.metadata.writer import write_metadata

        if isinstance(config, str):
            if config != _DEFAULT:
                raise SettingsError(
                    f"unknown configuration {config!r}",
                    where="quantization_config",
                    fix='Give a QuantizationConfig, "default" or None.',
                )
            config = QuantizationConfig.for_int8(None, 50, "float32", "float32")
        elif config is None:
            config = QuantizationConfig("none")
        photos: Sequence[Photo] = ()
        if config.quantization == "int8":
            data = config.representative_data or self.representative_data
            if data is None:
                raise SettingsError(
                    "int8 needs calibration photos, and none were given",
                    where="representative_data",
                    fix="Give a DataLoader, or train the classifier first.",
                )
            photos = data.photos
        model = quantized_classifier(
            self._float_model(), self.model_spec, photos,
            QuantizationSettings(config.quantization, config.io),
            at_most=config.quantization_steps, seed=self._seed, progress=self._progress,
        ).model  # fmt: skip
        if not with_metadata:
            return model
        return write_metadata(
            model,
            classifier_metadata(
                MetadataSettings(), self.model_spec, self.index_to_label, config.quantization
            ),
        )

    def _converted(self) -> ConvertedBackbone:
        """The frozen backbone as a float .tflite."""
        from packager.export.convert import cached_backbone, converted_backbone

        spec, weights, seed = self.model_spec, self._weights, self._seed
        cached = cached_backbone(spec, weights, seed=seed)
        if cached is None:
            with self._progress.phase("Converting the backbone"):
                cached = converted_backbone(spec, weights, seed=seed)
        return cached

    def _float_model(self) -> bytes:
        from packager.export.head import attach_head

        return attach_head(self._backbone, self._head.kernel, self._head.bias)

    def _keras_model(self) -> Any:
        require_extra("tensorflow", "ImageClassifier.model")
        import keras

        from packager.backbones.pretrained import build_backbone

        network = self._tuned or build_backbone(self.model_spec, self._weights, seed=self._seed)
        dropped = keras.layers.Dropout(self._hparams.dropout)(network.output)
        dense = keras.layers.Dense(self.num_classes, "softmax", name="classes")
        model = keras.Model(network.input, dense(dropped), name=self.model_spec.name)
        dense.set_weights([self._head.kernel, self._head.bias])
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=self._hparams.label_smoothing)
        model.compile(loss=loss, metrics=["accuracy"])
        return model

    def _each_photo(
        self,
        model: bytes,
        data: DataLoader,
        phase: str,
        look: Callable[[np.ndarray[Any, Any], int], Result],
        where: Path | None = None,
    ) -> list[Result]:
        """What `look` makes of each photo's scores, float32 [classes], and its label.

        Photos are decoded in full and stretched.
        """
        from packager.data.images import open_photo, view

        self._check(data)
        classes = Classifier(model, self._normalisation, where=where).classes
        if classes != self.num_classes:
            raise ModelFileError(
                f"the model gives {classes} scores and there are {self.num_classes} classes",
                where=where,
                fix="Give the file that this classifier was exported to.",
            )

        def run(classifier: Classifier, photo: Photo) -> Result:
            pixels = view(open_photo(photo.path), "stretch", classifier.size)
            return look(classifier.scores(pixels), photo.label)

        rows = []
        with self._progress.phase(phase, data.size) as under_way:
            for row in pool.each(
                lambda: Classifier(model, self._normalisation, where=where), run, data.photos
            ):
                rows.append(row)
                under_way.advance()
        return rows

    def _tune(self, train_data: DataLoader, validation_data: DataLoader) -> tuple[Epoch, ...]:
        """Trains the backbone and the head together; gives the curves of that."""
        from packager.training.fine_tune import fine_tune
        from packager.training.settings import FineTuneSettings

        augment = "basic" if self.use_augmentation else "none"
        tuned = fine_tune(
            self.model_spec, self._weights, train_data.photos, validation_data.photos,
            self.num_classes, self._head,
            FineTuneSettings(mode="full", augment=augment, **self._tuning),
            seed=self._seed, progress=self._progress,
        )  # fmt: skip
        shutil.rmtree(tuned.checkpoints, ignore_errors=True)  # nothing here could resume
        self._backbone, self._head, self._tuned = tuned.backbone, tuned.head, tuned.network
        curves: tuple[Epoch, ...] = tuned.curves
        return curves

    def _check(self, *parts: DataLoader | None) -> None:
        for data in parts:
            if data is not None and data.index_to_label != self.index_to_label:
                raise DataError(
                    f"the photos have the classes {', '.join(data.index_to_label[:10])} and the "
                    f"classifier {', '.join(self.index_to_label[:10])}",
                    fix="Give photos of the same classes.",
                )
            if data is not None and not data.size:
                raise DataError("there are no photos", fix="Give a DataLoader with photos.")


def _hub_settings() -> HeadSettings:
    """Model Maker's defaults (TensorFlow Hub's make_image_classifier)."""
    return HeadSettings(
        epochs=5, batch_size=32, learning_rate=0.005, momentum=0.9, dropout=0.2, l2=1e-4,
        label_smoothing=0.1, optimizer="sgd", patience=_NEVER,
    )  # fmt: skip


def _history(curves: Sequence[Epoch], *, validated: bool) -> History:
    names = {"loss": "loss", "accuracy": "accuracy"}
    if validated:
        names |= {"val_loss": "validation_loss", "val_accuracy": "validation_accuracy"}
    history = {name: [getattr(row, field) for row in curves] for name, field in names.items()}
    return History(history, list(range(len(curves))))


def _labels(data: DataLoader) -> np.ndarray[Any, Any]:
    return np.array([photo.label for photo in data.photos])


def _formats(given: ExportFormat | Sequence[ExportFormat] | None) -> tuple[ExportFormat, ...]:
    formats = _EXPORTED if given is None else given
    formats = (formats,) if isinstance(formats, ExportFormat | str) else tuple(formats)
    allowed = (*_EXPORTED, ExportFormat.SAVED_MODEL)
    for each in formats:
        if each not in allowed:
            raise SettingsError(
                f"{getattr(each, 'value', each)} is not an export format of image classifiers",
                where="export_format",
                fix=f"Use {', '.join(format.value for format in allowed)}.",
            )
    return formats


create = ImageClassifier.create
