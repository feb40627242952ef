"""What packager promises on real photos."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest

from packager.build import BuildResult, build
from packager.data.images import VIEWS
from packager.verify.comparison import verify_file
from packager.verify.environment import CLIENTS
from tests.settings import build_settings

pytestmark = [pytest.mark.slow, pytest.mark.shared]
SEEDS = range(15)
_OF_CLIENTS = 5  # builds that the clients run


@pytest.fixture(scope="module")
def builds(
    many_flowers: Path, session_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[BuildResult]:
    """lite0 int8 of the 400 flower photos, with fifteen seeds."""
    out = tmp_path_factory.mktemp("flowers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(session_cache))
        return [
            build(build_settings(data=many_flowers, out=out / str(seed), seed=seed))
            for seed in SEEDS
        ]


def test_int8_top1_and_its_distance_from_float(builds: list[BuildResult]) -> None:
    """Some 600 test photos in two views: a photo in one view is a twelfth of a point."""
    quantized = {view: mean(b.evaluation.top1(view) for b in builds) for view in VIEWS}
    plain = {view: mean(b.float_evaluation.top1(view) for b in builds) for view in VIEWS}
    print(f"int8 {quantized}, float {plain}")
    assert min(quantized.values()) >= 0.88
    assert mean(plain.values()) - mean(quantized.values()) <= 0.01


@pytest.mark.parametrize("client", list(CLIENTS))
def test_clients_read_our_labels_and_reproduce_our_figure(
    builds: list[BuildResult], many_flowers: Path, client: str
) -> None:
    """Over the test photos of five builds, as one figure."""
    ours, theirs = [], []
    for result in builds[:_OF_CLIENTS]:
        verification = verify_file(result.model, many_flowers, client, part="test")
        (report,) = verification.clients
        assert report.labels == result.classes
        assert verification.ours.evaluation.views == result.evaluation.views
        ours.append(result.evaluation.top1("stretch"))
        theirs.append(report.top1)
        if client == "task-library":
            assert report.associated_files == ("labels.txt",)
            assert '"TENSOR_AXIS_LABELS"' in report.metadata_display
    print(f"{client}: {mean(theirs):.4f}, ours {mean(ours):.4f}")
    assert abs(mean(theirs) - mean(ours)) <= 0.015
