"""benchmark_model on a real adbd: a script in its place prints what the tool prints."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from packager.bench.device import bench_on_device
from packager.bench.harness import FOLDER
from packager.bench.native import binary_abi
from packager.bench.phone import PhoneLostError, find_phone
from packager.bench.plan import Plan
from packager.bench.results import Measurement, Results, read_results
from packager.errors import DeviceError
from tests.android_project.conftest import save_model
from tests.bench_device.chroot_phone import ChrootPhone
from tests.bench_device.conftest import Watched

OUTPUTS = Path(__file__).parent / "outputs"
# It answers --help as the tool does, notes how it was called, and then does what the test says.
TOOL = """#!/bin/sh
if [ "$1" = --help ]; then
    echo "usage: benchmark_model <flags>"
    for flag in graph num_threads use_xnnpack use_gpu num_runs warmup_runs max_secs \
            enable_op_profiling; do printf '\\t--%s=...\\n' $flag; done
    exit 1
fi
echo "$*" >> /phone/tool
[ -s "${1#--graph=}" ] || exit 9
case "$*" in *use_gpu=true*) gpu=1 ;; *) gpu= ;; esac
"""
ANSWER = (
    "if [ $gpu ]; then cat /phone/tflite-2.5-gpu.txt; else cat /phone/tflite-2.17-cpu.txt; fi\n"
)


class Native:
    """A phone, a tool and a model, and the call that measures."""

    def __init__(self, phone: ChrootPhone, work: Path) -> None:
        self.phone, self.work = phone, work
        self.watched = Watched()
        self.model = save_model(work, name="flowers").rename(work / "flowers.tflite")
        self.binary = work / "android_aarch64_benchmark_model"
        self.out = work / "result.json"
        for path in OUTPUTS.iterdir():
            phone.write(f"phone/{path.name}", path.read_bytes())
        self.tool(ANSWER)

    def tool(self, script: str) -> None:
        self.binary.write_text(TOOL + script)

    def run(self, **changed: Any) -> Results:
        return bench_on_device(
            changed.pop("models", [self.model]),
            serial=self.phone.serial,
            engine="benchmark_model",
            binary=self.binary,
            out=self.out,
            progress=self.watched,
            **changed,
        )

    def called(self) -> list[str]:
        return (self.phone.root / "phone/tool").read_text().splitlines()


@pytest.fixture
def native(phone: ChrootPhone, tmp_path: Path) -> Native:
    return Native(phone, tmp_path)


def asked(results: Results) -> list[tuple[str, int | None]]:
    return [(each.accelerator, each.threads) for each in results.measurements]


def of(results: Results, accelerator: str, threads: int | None = None) -> Measurement:
    (found,) = [
        each
        for each in results.measurements
        if (each.accelerator, each.threads) == (accelerator, threads)
    ]
    return found


@pytest.mark.slow
class TestRealDaemon:
    def test_the_whole_way(self, native: Native) -> None:
        native.phone.write("phone/low_power", "1\n")
        native.phone.write("phone/thermal", "2")

        results = native.run()

        assert asked(results) == [("CPU", 1), ("CPU", 2), ("CPU", 4), ("GPU", None), ("NPU", None)]
        cpu = of(results, "CPU", 2)
        said = cpu.statistics()
        assert (said.count, said.median, said.p95, said.mean) == (
            100, 4_170_000, 4_350_000, 4_188_420,
        )  # fmt: skip
        assert said.standard_deviation == pytest.approx(83_000 * (100 / 99) ** 0.5)
        assert cpu.actual is not None
        assert (cpu.actual.accelerator, cpu.actual.description) == ("CPU", "XNNPACK")
        assert (cpu.compile_ns, cpu.first_inference_ns) == (21_606_000, 6_120_000)
        assert cpu.peak_memory_bytes == 22_544_384
        assert cpu.model is not None
        assert (cpu.model.file, cpu.model.bytes) == ("flowers.tflite", native.model.stat().st_size)
        gpu = of(results, "GPU").actual
        assert gpu is not None
        assert gpu.accelerator == "GPU"
        assert "can't use the NPU" in str(of(results, "NPU").skipped)
        context = results.context
        assert (context.build.model, context.soc, context.abi) == (
            "Road Runner 9", "AC9000", "arm64-v8a",
        )  # fmt: skip
        assert (context.thermal_before, context.thermal_after) == (2, 2)
        assert context.battery_saver is True
        assert read_results(native.out) == results
        graph = f"--graph={FOLDER}/0.tflite"
        assert native.called()[2] == (
            f"{graph} --num_threads=4 --use_xnnpack=true --use_gpu=false --num_runs=100 "
            "--warmup_runs=10 --max_secs=30"
        )
        assert len(native.called()) == 4
        assert native.phone.left() == []
        assert native.watched.notes[-1] == "classify[flowers,NPU]"

    def test_clocks_of_the_cores(self, native: Native) -> None:
        for core, (low, high) in enumerate([(1000, 1000), (2000, 2000)]):
            folder = f"sys/devices/system/cpu/cpu{core}/cpufreq"
            native.phone.write(f"{folder}/scaling_min_freq", f"{low}\n")
            native.phone.write(f"{folder}/scaling_max_freq", f"{high}\n")
            native.phone.write(f"{folder}/cpuinfo_max_freq", "2800000\n")
        context = native.run(plan=Plan(threads=(1,))).context
        assert (context.cpu_cores, context.cpu_locked) == (2, True)
        assert context.cpu_max_hz == 2_800_000_000
        native.phone.write("sys/devices/system/cpu/cpu1/cpufreq/scaling_min_freq", "500\n")
        assert native.run(plan=Plan(threads=(1,))).context.cpu_locked is False

    def test_two_models_and_a_plan_of_ones_own(self, native: Native) -> None:
        other = native.work / "other.tflite"
        other.write_bytes(native.model.read_bytes())
        results = native.run(
            models=[native.model, other], plan=Plan(threads=(3,), runs=7, run_seconds=5)
        )
        names = [each.model_name for each in results.measurements]
        assert names == ["flowers"] * 3 + ["other"] * 3
        assert "--num_threads=3" in native.called()[0]
        assert "--num_runs=7 --warmup_runs=10 --max_secs=5" in native.called()[0]
        assert native.called()[2].startswith(f"--graph={FOLDER}/1.tflite")

    def test_the_profile_is_written_beside(self, native: Native) -> None:
        native.run(profile=True)
        text = (native.work / "result.profile.txt").read_text()
        assert text.startswith("classify[flowers,GPU]\n=====")
        assert "TfLiteGpuDelegateV2" in text
        assert all("--enable_op_profiling=true" in call for call in native.called())

    def test_an_accelerator_that_crashes_is_skipped_with_its_words(self, native: Native) -> None:
        native.tool('if [ $gpu ]; then echo "ERROR: no OpenCL" >&2; exit 134; fi\n' + ANSWER)
        results = native.run()
        assert "status 134" in str(of(results, "GPU").skipped)
        assert "no OpenCL" in str(of(results, "GPU").skipped)
        (warning,) = native.watched.warnings
        assert warning.startswith("classify[flowers,GPU]: benchmark_model printed no result")
        assert of(results, "CPU", 4).skipped is None

    def test_an_accelerator_that_hangs_is_ended_and_skipped(
        self, native: Native, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("packager.bench.native._SILENCE", 2)
        native.tool("if [ $gpu ]; then echo $$ > /phone/pid; exec sleep 600; fi\n" + ANSWER)
        results = native.run(plan=Plan(threads=(1,)))
        assert (
            of(results, "GPU").skipped == "benchmark_model printed nothing for 2 s and was stopped"
        )
        assert of(results, "CPU", 1).skipped is None
        assert results.context.interrupted is None
        pid = (native.phone.root / "phone/pid").read_text().strip()
        state = find_phone(native.phone.serial).run("cut", "-d ", "-f3", f"/proc/{pid}/stat")
        assert state.status or state.text.strip() == "Z"
        assert native.phone.left() == []

    def test_a_phone_that_hangs_is_not_a_combination_that_does(
        self, native: Native, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("packager.bench.native._SILENCE", 2)
        for name in ("packager.bench.native._HELP_SECONDS", "packager.bench.cleaning._SECONDS"):
            monkeypatch.setattr(name, 1)

        def hang(note: str) -> None:
            if note == "classify[flowers,CPU,1]":
                native.phone.stop()

        native.watched.hook = hang
        with pytest.raises(DeviceError, match="while running true"):
            native.run()
        assert asked(read_results(native.out)) == [("CPU", 1)]

    def test_what_was_written_so_far_tells_that_it_is_not_all(self, native: Native) -> None:
        seen: list[str | None] = []

        def look(note: str) -> None:
            if note.startswith("classify") and native.out.exists():
                seen.append(read_results(native.out).context.interrupted)

        native.watched.hook = look
        assert native.run(plan=Plan(threads=(1,))).context.interrupted is None
        assert seen == ["the process was killed"] * 2

    def test_garbage(self, native: Native) -> None:
        native.tool(r"printf '\377\000\033[2J%s\n' 'count=x Inference timings in us: Init: '")
        with pytest.raises(DeviceError, match="nothing could be measured: benchmark_model printed"):
            native.run()
        kept = read_results(native.out)
        assert all("printed no result" in str(each.skipped) for each in kept.measurements[:4])

    @pytest.mark.parametrize("fault", ["kill", "pull"])
    def test_gone_while_it_runs(self, native: Native, fault: str) -> None:
        gone = native.phone.kill if fault == "kill" else native.phone.cable.pull
        native.tool("case $* in *threads=4*) sleep 60 ;; esac\n" + ANSWER)
        native.watched.hook = _later(lambda note: note == "classify[flowers,CPU,2]", gone)
        with pytest.raises(PhoneLostError) as raised:
            native.run()
        assert "2 completed measurements are in" in raised.value.fix
        kept = read_results(native.out)
        assert asked(kept) == [("CPU", 1), ("CPU", 2)]
        assert kept.context.interrupted is not None
        assert f"rm -rf {FOLDER}" in native.watched.warnings[0]

    def test_ctrl_c_ends_the_tool_on_the_phone_too(
        self, native: Native, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from packager.bench.phone import Phone

        native.tool("echo $$ > /phone/pid; echo begun; sleep 600 & wait\n")
        lines = Phone.lines

        def interrupted(self: Phone, *command: str, silence: float) -> Any:
            for line in lines(self, *command, silence=silence):
                if line == "begun":
                    raise KeyboardInterrupt
                yield line

        monkeypatch.setattr(Phone, "lines", interrupted)
        with pytest.raises(KeyboardInterrupt):
            native.run()
        pid = (native.phone.root / "phone/pid").read_text().strip()
        state = ["cut", "-d ", "-f3", f"/proc/{pid}/stat"]
        deadline = time.monotonic() + 10
        while (found := find_phone(native.phone.serial).run(*state)).status == 0:
            if found.text.strip() == "Z":
                break
            assert time.monotonic() < deadline, f"it still runs ({found.text})"
        assert native.phone.left() == []
        assert not native.out.exists()

    def test_a_program_for_another_chip_is_not_pushed(self, native: Native) -> None:
        native.binary.write_bytes(elf(0x3E))
        with pytest.raises(DeviceError, match="built for x86_64, and the phone runs arm64-v8a"):
            native.run()
        assert native.phone.left() == []

    def test_a_full_phone(self, native: Native, plug_in: Callable[..., ChrootPhone]) -> None:
        small = plug_in(size="100k")
        small.set_free(20_000_000)
        native.phone = small
        native.binary.write_bytes(elf(0xB7) + bytes(1_000_000))
        with pytest.raises(DeviceError, match="No space left on device"):
            native.run()
        assert not native.out.exists()


def _later(when: Callable[[str], bool], call: Callable[[], None]) -> Callable[[str], None]:
    """Calls it half a second after the note, when the next combination runs."""
    import threading

    def hook(note: str) -> None:
        if when(note):
            threading.Thread(target=lambda: (time.sleep(0.5), call())).start()

    return hook


def elf(machine: int) -> bytes:
    """The head of an ELF program."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little")


def test_the_abi_of_a_program(tmp_path: Path) -> None:
    path = tmp_path / "benchmark_model"
    for machine, abi in ((0xB7, "arm64-v8a"), (0x28, "armeabi-v7a"), (0x3E, "x86_64")):
        path.write_bytes(elf(machine))
        assert binary_abi(path) == abi
    path.write_text("#!/system/bin/sh\n")
    assert binary_abi(path) is None


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00" + bytes(40), elf(0xF3), b"\x7fELF"])
def test_no_program_for_android(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "benchmark_model.exe"
    path.write_bytes(content)
    with pytest.raises(DeviceError, match="not a program for Android"):
        binary_abi(path)
    with pytest.raises(DeviceError, match="can't be read"):
        binary_abi(tmp_path / "none")
