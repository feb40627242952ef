"""What benchmark_model prints, in the forms of five of its versions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from packager.bench.native_output import NativeRun, flags, read_output, read_profile
from packager.errors import DeviceError

OUTPUTS = Path(__file__).parent / "outputs"
EXPECTED = {
    "tflite-1.14-cpu": NativeRun(
        init=3_418_000, first=61_244_000, warmup_runs=1, runs=50, minimum=57_113_000,
        maximum=63_020_000, mean=58_120_400, deviation=903_000, median=None, p95=None,
        peak_memory=None, delegated=None,
    ),
    "tflite-2.5-gpu": NativeRun(
        init=742_109_000, first=13_011_000, warmup_runs=41, runs=100, minimum=11_801_000,
        maximum=14_420_000, mean=12_098_700, deviation=344_000, median=None, p95=None,
        peak_memory=None, delegated="GPU",
    ),
    "tflite-2.17-cpu": NativeRun(
        init=21_606_000, first=6_120_000, warmup_runs=118, runs=100, minimum=4_090_000,
        maximum=4_731_000, mean=4_188_420, deviation=83_000, median=4_170_000, p95=4_350_000,
        peak_memory=22_544_384, delegated="XNNPACK",
    ),
    "litert-2.1-gpu": NativeRun(
        init=611_480_000, first=9_310_000, warmup_runs=72, runs=100, minimum=6_410_000,
        maximum=8_960_000, mean=6_880_000, deviation=370_000, median=None, p95=None,
        peak_memory=None, delegated=None,
    ),
    "litert-2.3-gpu": NativeRun(
        init=611_480_000, first=9_312_000, warmup_runs=72, runs=100, minimum=6_412_000,
        maximum=8_957_000, mean=6_884_200, deviation=370_000, median=6_829_000, p95=7_501_000,
        peak_memory=160_169_984, delegated=None,
    ),
}  # fmt: skip


def output(name: str) -> str:
    return (OUTPUTS / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", EXPECTED)
def test_every_version_is_read(name: str) -> None:
    assert read_output(output(name)) == EXPECTED[name]


def test_every_output_is_expected() -> None:
    assert {path.stem for path in OUTPUTS.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_noise_around_and_logcats_prefix_change_nothing(name: str) -> None:
    lines = [f"11-24 10:00:00.1 22 22 I tflite  : {line}" for line in output(name).splitlines()]
    noise = "WARNING: linker: unsupported flags DT_FLAGS_1=0x8000001\n\x00\ufffd count=\n"
    text = noise + "\r\n".join(lines) + "\n" + noise
    assert read_output(text) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_output_cut_short_is_refused_and_never_misread(name: str) -> None:
    text = output(name)
    for end in range(0, len(text), 7):
        try:
            run = read_output(text[:end])
        except DeviceError:
            continue
        peak = EXPECTED[name].peak_memory  # TensorFlow's comes after the times
        assert dataclasses.replace(run, peak_memory=peak) == EXPECTED[name]


def test_a_single_run_has_one_figure() -> None:
    run = read_output(
        "count=1 curr=900\ncount=1 curr=800\nInference timings in us: Init: 5, First inference: "
        "900, Warmup (avg): 900, Inference (avg): 800\n"
    )
    assert (run.runs, run.minimum, run.mean, run.maximum, run.deviation) == (
        1, 800_000, 800_000, 800_000, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "and nothing else"),
        ("Segmentation fault", "Segmentation fault"),
        ("INFO: STARTING!\nERROR: Failed to load model\nERROR: Benchmarking failed.", "load model"),
        ("count=50 first=1 curr=1 min=1 max=1 avg=1 std=0", "printed no result"),
    ],
)
def test_without_a_result_the_last_lines_are_told(text: str, said: str) -> None:
    with pytest.raises(DeviceError, match="printed no result") as raised:
        read_output(text)
    assert said in raised.value.what


@pytest.mark.parametrize(
    ("line", "delegated"),
    [
        ("Explicitly applied GPU delegate, and the model graph will be partially executed by the "
         "delegate w/ 2 delegate kernels.", "GPU in part"),
        ("INFO: Though GPU delegate is explicitly applied, the model graph will not be executed "
         "by the delegate.", "CPU"),
    ],
)  # fmt: skip
def test_what_really_ran(line: str, delegated: str) -> None:
    text = output("tflite-2.5-gpu").splitlines()
    text = [line if "xplicitly applied" in each else each for each in text]
    assert read_output("\n".join(text)).delegated == delegated


def test_the_profile_of_operators() -> None:
    profile = read_profile(output("tflite-2.5-gpu"))
    assert profile.startswith("=====")
    assert "TfLiteGpuDelegateV2" in profile
    assert "count=100 first=12131" in profile
    assert read_profile(output("tflite-2.17-cpu")) == ""


BOTH = {"graph", "num_threads", "use_gpu", "num_runs", "warmup_runs", "warmup_min_secs",
        "min_secs", "max_secs"}  # fmt: skip
TENSORFLOW = frozenset(BOTH | {"use_xnnpack", "enable_op_profiling"})
LITERT = frozenset(BOTH | {"use_cpu", "use_npu", "use_profiler"})


@pytest.mark.parametrize(
    ("known", "accelerator", "threads", "has", "lacks"),
    [
        (TENSORFLOW, "CPU", 4, {"--num_threads=4", "--use_xnnpack=true", "--use_gpu=false"},
         {"--use_cpu=true"}),
        (TENSORFLOW, "GPU", None, {"--use_gpu=true", "--use_xnnpack=false"}, {"--num_threads=1"}),
        (LITERT, "CPU", 2, {"--use_cpu=true", "--num_threads=2"}, {"--use_xnnpack=true"}),
        (LITERT, "GPU", None, {"--use_gpu=true", "--use_cpu=false"}, {"--use_xnnpack=false"}),
        (frozenset(), "CPU", 1, {"--num_threads=1", "--use_xnnpack=true"}, {"--use_cpu=true"}),
    ],
)  # fmt: skip
def test_flags_of_each_tool(
    known: frozenset[str], accelerator: str, threads: int | None, has: set[str], lacks: set[str]
) -> None:
    given = flags(known, accelerator, threads, 100, 30, 10)
    assert given is not None
    assert has | {"--num_runs=100", "--max_secs=30", "--warmup_runs=10"} <= set(given)
    assert not lacks & set(given)
    assert not any("profil" in flag for flag in given)


def test_profiling_has_another_flag_in_each_tool() -> None:
    assert "--enable_op_profiling=true" in (
        flags(TENSORFLOW, "CPU", 1, 9, 9, 9, profile=True) or ()
    )
    assert "--use_profiler=true" in (flags(LITERT, "CPU", 1, 9, 9, 9, profile=True) or ())


def test_what_the_tool_cannot_do_is_not_asked() -> None:
    assert flags(LITERT, "NPU", None, 9, 9, 9) is None
    assert flags(TENSORFLOW - {"use_gpu"}, "GPU", None, 9, 9, 9) is None
