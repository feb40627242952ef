from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from packager.data.folder import Photo, Reject, scan_folder
from packager.errors import DataError
from packager.export.calibration import (
    RepresentativeDataset,
    activation_ranges,
    clipped_ranges,
    measure,
    representative_photos,
)
from packager.progress import Phase
from packager.specs import get_spec
from tests.conftest import images


def some(counts: dict[int, int]) -> list[Photo]:
    return [
        Photo(Path(f"{label}/{n}"), label, f"{label}-{n}")
        for label, count in counts.items()
        for n in range(count)
    ]


def test_classes_are_evenly_represented() -> None:
    chosen = representative_photos(some({0: 300, 1: 40, 2: 5}), 45, seed=0)
    assert Counter(photo.label for photo in chosen) == {0: 20, 1: 20, 2: 5}
    assert len({photo.sha256 for photo in chosen}) == 45


def test_few_photos_are_all_used() -> None:
    assert len(representative_photos(some({0: 3, 1: 2}), 50, seed=0)) == 5


def test_choice_depends_on_the_seed_alone() -> None:
    photos = some({0: 30, 1: 30})
    assert representative_photos(photos, 10, seed=4) == representative_photos(photos, 10, seed=4)
    assert representative_photos(photos, 10, seed=4) != representative_photos(photos, 10, seed=5)


def test_of_too_many_classes_any_may_be_chosen() -> None:
    photos = some(dict.fromkeys(range(100), 3))
    few, more = (representative_photos(photos, count, seed=0) for count in (20, 150))
    labels = {photo.label for photo in few}
    assert len(labels) == 20
    assert max(labels) > 50
    assert set(few) <= set(more)


def test_each_photo_comes_in_both_views_normalised(photos: Path) -> None:
    spec = get_spec("lite0")
    samples = list(RepresentativeDataset(scan_folder(photos).photos[:2], spec, Phase()))
    assert len(samples) == 4
    for sample in samples:
        assert sample.shape == (1, 224, 224, 3)
        assert sample.dtype == np.float32
        assert -127 / 128 <= sample.min() < sample.max() <= 1
    assert not np.array_equal(samples[0], samples[1])


@pytest.mark.slow
def test_ranges_are_those_of_every_tensor_even_before_an_addition(
    tmp_path: Path,
) -> None:
    """A plain interpreter that keeps all tensors is the judge.

    TensorFlow's own calibrator isn't: where an ADD overwrites its operand, it takes the sum's
    range for the operand's.
    """
    import keras
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from packager.export.convert import convert

    keras.utils.set_random_seed(2)
    image = keras.Input((16, 16, 3))
    one = keras.layers.Conv2D(8, 1)(image)
    two = keras.layers.Conv2D(8, 3, padding="same")(one)
    three = keras.layers.Conv2D(8, 3, padding="same")(keras.layers.Add()([one, two]))
    model = convert(keras.Model(image, keras.layers.GlobalAveragePooling2D()(three)))
    samples = [sample[None].astype(np.float32) / 255 for sample in images(6, size=16)]
    ranges = activation_ranges(model, samples)

    interpreter = Interpreter(
        model_content=model,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    seen: dict[int, list[np.ndarray]] = {index: [] for index in ranges}
    for sample in samples:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
        interpreter.invoke()
        for index in ranges:
            seen[index].append(interpreter.get_tensor(index))
    assert len(ranges) == 5
    for index, (low, high) in ranges.items():
        assert low == pytest.approx(np.min(seen[index]), abs=1e-4)
        assert high == pytest.approx(np.max(seen[index]), abs=1e-4)


@pytest.mark.slow
def test_clipped_ranges_leave_a_rare_value_out(tiny_classifier: bytes) -> None:
    samples = [(image[None].astype(np.float32) - 127) / 128 for image in images(40, seed=1)]
    usual = activation_ranges(tiny_classifier, samples)
    samples[3] = samples[3].copy()
    samples[3][0, 7, 7] = 300
    extremes = activation_ranges(tiny_classifier, samples)
    linear = list(usual)[3]  # the one convolution without a ReLU6
    assert extremes[linear][1] - extremes[linear][0] > 1.3 * (usual[linear][1] - usual[linear][0])
    clipped = clipped_ranges(tiny_classifier, samples, extremes)
    assert list(clipped) == ["mse", "percentile 99.99", "percentile 99.9"]
    for ranges in clipped.values():
        assert set(ranges) == set(usual)
        for index, (low, high) in ranges.items():
            least, greatest = extremes[index]
            assert min(least, 0) - 1e-3 <= low <= 0 <= high <= max(greatest, 0) + 1e-3
    low, high = clipped["percentile 99.9"][linear]
    assert high - low < 1.1 * (usual[linear][1] - usual[linear][0])


@pytest.mark.parametrize("ends", [(-8.0, 8.0), (0.0, 8.0), (-8.0, 0.0)])
def test_least_error_is_that_of_trying_every_range(ends: tuple[float, float]) -> None:
    """Rounding and clipping the values themselves is the judge."""
    from packager.export import calibration

    random = np.random.default_rng(0)
    values = np.clip(np.append(random.laplace(0, 0.4, 20_000), [7.9, -7.9]), *ends)
    edges = np.linspace(*ends, calibration._BINS + 1)
    counts = np.histogram(values, edges)[0]
    low, high = calibration._least_error(counts, edges)

    def error(low: float, high: float) -> float:
        step = (high - low) / 255
        rounded = np.rint(np.clip(values, low, high) / step) * step
        return float(np.square(rounded - values).mean())

    tried = [
        error(bottom, top)
        for bottom in (np.linspace(ends[0], -0.5, 25) if ends[0] else [0.0])
        for top in (np.linspace(0.5, ends[1], 25) if ends[1] else [0.0])
    ]
    assert error(low, high) <= 1.05 * min(tried)
    assert error(low, high) < error(*ends)


def test_ranges_of_the_same_photos_are_measured_once(
    photos: Path, tiny_backbone: bytes, cache: Path, tmp_path: Path
) -> None:
    spec = replace(get_spec("lite0"), input_size=32)
    listed = scan_folder(photos).photos[:3]
    gone = [replace(photo, path=tmp_path / "gone.png") for photo in listed]

    def ranges(of: Sequence[Photo]) -> dict[int, tuple[float, float]]:
        return activation_ranges(tiny_backbone, RepresentativeDataset(of, spec, Phase()))

    lossy = ranges([listed[0], *gone[1:]])  # not kept
    first = ranges(listed)
    assert ranges(gone) == first != lossy
    assert first == activation_ranges(
        tiny_backbone, list(RepresentativeDataset(listed, spec, Phase()))
    )
    (entry,) = (cache / "ranges").iterdir()
    entry.write_bytes(entry.read_bytes()[:-1])
    with pytest.raises(DataError):
        ranges(gone)
    assert ranges(listed) == first
    with pytest.raises(DataError):
        ranges(gone[:2])


def test_ranges_below_a_head_are_those_of_the_whole_model(
    photos: Path, tiny_backbone: bytes, tiny_classifier: bytes, cache: Path
) -> None:
    spec = replace(get_spec("lite0"), input_size=32)
    samples = RepresentativeDataset(scan_folder(photos).photos[:5], spec, Phase())
    whole = activation_ranges(tiny_classifier, list(samples))
    assert list(activation_ranges(tiny_classifier, samples, tiny_backbone).items()) == list(
        whole.items()
    )
    measured = measure(tiny_backbone, samples)
    assert (measured.outputs.shape, len(list((cache / "ranges").iterdir()))) == ((10, 1, 16), 1)
    assert measured.ranges == {index: whole[index] for index in list(whole)[:-2]}


def test_photos_lost_midway_are_left_out(photos: Path, tmp_path: Path) -> None:
    listed = list(scan_folder(photos).photos[:3])
    listed[1] = replace(listed[1], path=tmp_path / "gone.png")
    lost: list[Reject] = []
    samples = list(RepresentativeDataset(listed, get_spec("lite0"), Phase(), lost.append))
    assert (len(samples), [reject.path for reject in lost]) == (4, [listed[1].path])
    with pytest.raises(DataError, match="none of the calibration photos"):
        list(RepresentativeDataset(listed[1:2], get_spec("lite0"), Phase()))
