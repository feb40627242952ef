"""The instrumented harness on a real adbd: installed, run, followed, and every way it can end."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from packager.bench.comparison import compare_files
from packager.bench.device import bench_on_device
from packager.bench.harness import FOLDER
from packager.bench.phone import PhoneLostError, find_phone
from packager.bench.plan import Plan
from packager.bench.results import (
    INFERENCE,
    Build,
    Context,
    Measurement,
    Metric,
    Results,
    read_results,
    results_json,
)
from packager.classifier_file import open_classifier, predict_photos
from packager.data.images import open_photo
from packager.errors import DataError, DeviceError
from tests.android_project.conftest import save_model
from tests.bench_device.chroot_phone import ChrootPhone
from tests.bench_device.conftest import PACKAGE, Watched, free_port, write_apk
from tests.cli.commands import packager_here
from tests.conftest import COLORS, need, save_photo

pytestmark = pytest.mark.slow
OUTPUT = f"/sdcard/Android/media/{PACKAGE}/additional_test_output"
COMBINATIONS = (("CPU", 1), ("CPU", 2), ("GPU", None))
BEGIN = """
status() { for pair; do echo "INSTRUMENTATION_STATUS: $pair"; done; }
status id=AndroidJUnitRunner test=walksThePlan "class=org.example.flowers.benchmark.PlanTest"
echo "INSTRUMENTATION_STATUS_CODE: 1"
"""
COMBINATION = """
status packager.combinations=3 "packager.combination={name}"
echo "INSTRUMENTATION_STATUS_CODE: 2"
sleep {seconds}
cp /phone/results-{number}.json "$additionalTestOutputDir/new"
mv "$additionalTestOutputDir/new" "$additionalTestOutputDir/{package}-benchmarkData.json"
status "packager.done={name}"
echo "INSTRUMENTATION_STATUS_CODE: 2"
"""
END = """
status id=AndroidJUnitRunner test=walksThePlan
echo "INSTRUMENTATION_STATUS_CODE: 0"
echo "INSTRUMENTATION_RESULT: stream="
echo
echo "Time: 12.5"
echo
echo "OK (1 test)"
echo
echo "INSTRUMENTATION_CODE: -1"
"""
# Notes how it is called, and what the file is then.
PM_INSTALL = """
echo "$(tail -n 1 /phone/calls | cut -d' ' -f2-) $(sha256sum < "$1" | cut -d' ' -f1)" \\
    >> /phone/install
echo Success
"""


@dataclasses.dataclass
class Bench:
    """A phone ready to be measured, and the call that does it."""

    phone: ChrootPhone
    work: Path
    apk: Path
    watched: Watched

    @property
    def out(self) -> Path:
        return self.work / "result.json"

    def run(self, **changed: Any) -> Results:
        given: dict[str, Any] = {"serial": self.phone.serial, "apk": self.apk, "project": None}
        models = changed.pop("models", [])
        return bench_on_device(models, out=self.out, progress=self.watched, **(given | changed))

    def instrument(self, script: str) -> None:
        self.phone.write("phone/instrument", BEGIN + script)


def plan_script(count: int = 3, seconds: float = 0) -> str:
    rows = []
    for number, (accelerator, _) in enumerate(COMBINATIONS[:count], 1):
        name = f"flowers,{accelerator}"
        rows.append(COMBINATION.format(name=name, number=number, package=PACKAGE, seconds=seconds))
    return "".join(rows)


def measured(count: int, runs: int = 100) -> Results:
    return Results(
        Context(Build("acme", "roadrunner", "Road Runner 9", sdk=35), "phone", "litert"),
        tuple(
            Measurement(
                "flowers", accelerator, threads,
                metrics={INFERENCE: Metric.of([1000 * number + run for run in range(runs)])},
            )
            for number, (accelerator, threads) in enumerate(COMBINATIONS[:count], 1)
        ),
    )  # fmt: skip


@pytest.fixture
def bench(phone: ChrootPhone, tmp_path: Path) -> Bench:
    for count in (1, 2, 3):
        phone.write(f"phone/results-{count}.json", results_json(measured(count)))
    made = Bench(phone, tmp_path, write_apk(tmp_path / "apk"), Watched())
    made.instrument(plan_script() + END)
    return made


def medians(results: Results) -> list[float | None]:
    return [each.statistics().median for each in results.measurements]


def test_the_whole_way(bench: Bench, photos: Path) -> None:
    model = save_model(bench.work)
    received = "find $modelDir -type f | sort | xargs sha256sum > /phone/received\n"
    bench.instrument(received + plan_script() + END)

    results = bench.run(models=[model], data=photos)

    assert medians(results) == [1049.5, 2049.5, 3049.5]
    assert read_results(bench.out) == results
    assert results.context.interrupted is None
    assert bench.watched.notes == [
        note for name in ("CPU", "CPU", "GPU") for note in (f"flowers,{name}",) * 2
    ]
    assert set(bench.watched.totals) == {3}
    folder = f"{FOLDER}/models/{bench.work.name}"
    rows = [line.split() for line in (bench.phone.root / "phone/received").read_text().splitlines()]
    assert [path for _, path in rows] == [
        f"{folder}/{name}" for name in ("labels.txt", "model.tflite", "model_spec.json")
    ]
    assert rows[1][0] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert bench.phone.calls() == [
        f"pm path {PACKAGE}",
        f"pm install -r -t -g {FOLDER}/{PACKAGE}.apk",
        f"am instrument -w -r -e additionalTestOutputDir {OUTPUT} -e threads 1,2,4 -e runs 100 "
        f"-e timeLimitSeconds 30 -e modelDir {FOLDER}/models -e photoDir {FOLDER}/samples "
        f"{PACKAGE}/androidx.test.runner.AndroidJUnitRunner",
        f"am force-stop {PACKAGE}",
        f"pm uninstall {PACKAGE}",
    ]
    assert bench.phone.left() == []
    assert bench.watched.warnings == []


def test_without_models_the_harness_measures_its_own(bench: Bench) -> None:
    bench.run()
    (instrument,) = [call for call in bench.phone.calls() if call.startswith("am instrument")]
    assert "modelDir" not in instrument
    assert "photoDir" not in instrument


class TestSamplePhotos:
    """What lies in `photoDir` when the harness runs."""

    @pytest.fixture
    def taken(self, bench: Bench) -> Path:
        """The folder as the harness finds it, kept."""
        bench.instrument("cp -r $photoDir /phone/taken\n" + plan_script() + END)
        return bench.phone.root / "phone/taken"

    def models(self, folder: Path) -> list[Path]:
        """Two of one name that differ in their answers and in how they are fed."""
        found = []
        for number, (labels, mean) in enumerate([(sorted(COLORS), 127.0), ("abc", 0.0)]):
            (folder / f"{number}/flowers").mkdir(parents=True)
            found.append(
                save_model(folder / f"{number}/flowers", labels=tuple(labels), mean=(mean,))
            )
        return found

    def test_are_there_once_with_each_models_answers(
        self, bench: Bench, taken: Path, photos: Path
    ) -> None:
        models = self.models(bench.work)
        bench.run(models=models, data=photos, plan=Plan(photos=6))
        names = [f"{number:02}.png" for number in range(6)]
        assert sorted(path.name for path in taken.rglob("*.*")) == [*names, "predictions.json"]
        record = json.loads((taken / "predictions.json").read_text())
        assert record["format"] == 1
        digests = [hashlib.sha256(model.read_bytes()).hexdigest() for model in models]
        assert list(record["models"]) == digests
        for model, said in zip(models, record["models"].values(), strict=True):
            own = predict_photos(model, [taken / "photos" / name for name in names], top=1)
            assert [each["file"] for each in said] == names
            assert [each["label"] for each in said] == [each.top[0][0] for each in own]
            labels = open_classifier(model).labels
            assert [labels[each["index"]] for each in said] == [each["label"] for each in said]
        first, second = record["models"].values()
        assert {each["index"] for each in first}.isdisjoint(each["index"] for each in second)

    def test_are_those_that_the_host_takes(self, bench: Bench, taken: Path, photos: Path) -> None:
        model = self.models(bench.work)[0]
        kept = ["red/1.png", "red/7.png", "green/3.png"]
        (model.parent / "report.json").write_text(json.dumps({"data": {"split": {"test": kept}}}))
        bench.run(models=[model], data=photos)
        pixels = [open_photo(path).tobytes() for path in sorted((taken / "photos").iterdir())]
        assert sorted(pixels) == sorted(open_photo(photos / name).tobytes() for name in kept)

    def test_are_demo_photos_by_default(
        self, bench: Bench, taken: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("packager.data.demo.demo_photos", lambda **_: photos)
        bench.run(models=self.models(bench.work)[:1])
        assert len(list((taken / "photos").iterdir())) == 20

    def test_a_model_that_answers_otherwise_on_the_phone_comes_out_as_wrong(
        self, bench: Bench, taken: Path, photos: Path
    ) -> None:
        """With the results that the harness writes of it: `checked`, `wrong`, `wrongPhotos`."""
        content = json.loads(results_json(measured(3)))
        for each, wrong in zip(content["benchmarks"], (["01.png", "04.png"], [], []), strict=True):
            each["packager"]["predictions"] = {
                "checked": 6, "wrong": len(wrong), "wrongPhotos": wrong,
            }  # fmt: skip
        bench.phone.write("phone/results-3.json", json.dumps(content))
        bench.run(models=self.models(bench.work), data=photos)
        said = packager_here("bench", "show", bench.out)
        assert "wrong: 2 of 6 predictions" in said.output
        row, *others = compare_files([bench.out]).rows
        assert (row.wrong, [each.wrong for each in others]) == (2, [0, 0])
        assert others[0].ratio == 1.0  # to the fastest that isn't wrong

    def test_that_cannot_be_read_are_told_before_anything_is_pushed(self, bench: Bench) -> None:
        with pytest.raises(DataError, match="there is no such folder"):
            bench.run(models=self.models(bench.work), data=bench.work / "none")
        assert bench.phone.calls() == []
        assert bench.phone.left() == []

    def test_fill_the_phone(self, bench: Bench, plug_in: Callable[..., ChrootPhone]) -> None:
        """The APK and the models have room, the photos have not."""
        for number in range(6):
            path = bench.work / "data" / "ab"[number % 2] / f"{number}.png"
            save_photo(path, (90, 90, 90), number, size=470)
        small = plug_in(size="1m")
        small.set_free(20_000_000)  # something else takes it
        with pytest.raises(
            DeviceError, match="could not take 0[1-5].png .*No space left"
        ) as raised:
            bench.run(serial=small.serial, models=self.models(bench.work), data=bench.work / "data")
        assert f"{FOLDER}/samples/photos/" in str(raised.value.where)
        assert "Free some storage" in raised.value.fix
        assert small.calls()[-1] == f"pm uninstall {PACKAGE}"
        assert not any("am " in call for call in small.calls())
        assert list((small.root / "phone/installed").iterdir()) == []
        assert find_phone(small.serial).run("ls", "/data/local/tmp").text == ""
        assert bench.watched.warnings == []
        assert not bench.out.exists()


def test_from_the_command_line(bench: Bench, photos: Path) -> None:
    bench.instrument("ls $photoDir/photos | wc -l > /phone/taken\n" + plan_script() + END)
    said = packager_here(
        "bench", save_model(bench.work), "--device", bench.phone.serial, "--apk", bench.apk,
        "--data", photos, "--out", bench.out, "--quiet",
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert (bench.phone.root / "phone/taken").read_text().strip() == "20"
    assert medians(read_results(bench.out)) == [1049.5, 2049.5, 3049.5]


def test_installs_as_adb_does(bench: Bench) -> None:
    """Debian's adb with a server of its own, without streaming, and packager: what `pm` sees."""
    adb = shutil.which("adb")
    need(adb is not None, "adb")
    phone = bench.phone
    write_apk(bench.work / "apk", size=300_000)
    phone.write("phone/pm-install", PM_INSTALL)

    def seen() -> tuple[list[str], str]:
        (call,) = (phone.root / "phone/install").read_text().splitlines()
        (phone.root / "phone/install").unlink()
        *options, path, digest = call.split()
        return [*options, Path(path).name], digest

    def ask(*command: str) -> str:
        done = subprocess.run(
            [str(adb), "-P", str(port), *command], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done
        return done.stdout

    port = free_port()
    try:
        ask("connect", phone.serial)
        assert "Success" in ask(
            "-s", phone.serial, "install", "--no-streaming", "-r", "-t", "-g", str(bench.apk)
        )
    finally:
        subprocess.run([str(adb), "-P", str(port), "kill-server"], capture_output=True)
    theirs = seen()
    bench.run()
    assert seen() == theirs
    assert theirs == (
        ["install", "-r", "-t", "-g", bench.apk.name],
        hashlib.sha256(bench.apk.read_bytes()).hexdigest(),
    )


def test_what_was_installed_before_stays(bench: Bench) -> None:
    bench.phone.write(f"phone/installed/{PACKAGE}", "the developer's")
    bench.run()
    assert bench.phone.left() == [f"phone/installed/{PACKAGE}"]


def test_garbage_between_the_lines_is_passed_over(bench: Bench) -> None:
    noise = r"printf '\377\000\033[31mWARNING: linker\r\nINSTRUMENTATION_STATUS_CODE: x\n=\n'" "\n"
    bench.instrument(noise + plan_script(2) + noise + plan_script() + END)
    assert len(bench.run().measurements) == 3


def test_results_of_an_older_run_do_not_count(bench: Bench) -> None:
    bench.phone.write(f"{OUTPUT[1:]}/old-benchmarkData.json", results_json(measured(3)))
    bench.instrument(plan_script(1) + END)
    assert len(bench.run().measurements) == 1


class TestRefused:
    def test_for_its_abi(self, bench: Bench) -> None:
        write_apk(bench.work / "apk", abis=("x86_64", "x86"))
        with pytest.raises(
            DeviceError, match="built for x86, x86_64, and the phone runs"
        ) as raised:
            bench.run()
        assert "arm64-v8a" in raised.value.fix
        assert bench.phone.calls() == []

    def test_a_phone_of_no_abi_there_is(self, bench: Bench) -> None:
        bench.phone.set_properties(ro__product__cpu__abilist="riscv64")
        with pytest.raises(DeviceError, match="the phone runs riscv64"):
            bench.run()

    def test_for_space_before_anything_is_pushed(self, bench: Bench) -> None:
        bench.phone.set_free(10_000)
        with pytest.raises(DeviceError, match="has 10 MB free"):
            bench.run()
        assert bench.phone.calls() == []

    def test_a_phone_that_fills_on_the_way(
        self, bench: Bench, plug_in: Callable[..., ChrootPhone]
    ) -> None:
        small = plug_in(size="1m")
        small.set_free(20_000_000)  # something else takes it
        write_apk(bench.work / "apk", size=3_000_000)
        with pytest.raises(DeviceError, match="No space left on device"):
            bench.run(serial=small.serial)
        assert "pm uninstall" not in " ".join(small.calls())

    @pytest.mark.parametrize(
        ("says", "what", "fix"),
        [
            ("echo 'Failure [INSTALL_FAILED_UPDATE_INCOMPATIBLE: signatures do not match]'; exit 1",
             "INSTALL_FAILED_UPDATE_INCOMPATIBLE", "uninstall"),
            ("echo 'Failure [INSTALL_FAILED_USER_RESTRICTED: Install canceled by user]'",
             "INSTALL_FAILED_USER_RESTRICTED", "over USB"),
            ("echo 'Error: java.lang.SecurityException: no'; exit 255", "SecurityException", "ask"),
            ("exit 20", "status 20", "ask"),
        ],
    )  # fmt: skip
    def test_by_the_package_manager(self, bench: Bench, says: str, what: str, fix: str) -> None:
        bench.phone.write("phone/pm-install", says)
        with pytest.raises(DeviceError, match="did not install") as raised:
            bench.run()
        assert what in raised.value.what
        assert fix in raised.value.fix
        assert bench.phone.left() == []
        assert not bench.out.exists()


class TestHarnessFails:
    @pytest.mark.parametrize(
        ("script", "what"),
        [
            ('status "stack=java.lang.IllegalStateException: no model\n'
             '\tat org.example.PlanTest.walks(PlanTest.kt:9)"\n'
             'echo "INSTRUMENTATION_STATUS_CODE: -2"' + END,
             "the harness failed: java.lang.IllegalStateException: no model\n"),
            ('echo "INSTRUMENTATION_RESULT: shortMsg=Process crashed."\n'
             'echo "INSTRUMENTATION_CODE: 0"', "the harness failed: Process crashed."),
            ('echo "INSTRUMENTATION_RESULT: shortMsg=crash"\n'
             'echo "INSTRUMENTATION_RESULT: longMsg=SIGSEGV in libLiteRt.so"\n'
             'echo "INSTRUMENTATION_CODE: 0"', "SIGSEGV in libLiteRt.so"),
            ('echo "INSTRUMENTATION_FAILED: org.example/Runner"; exit 1', "org.example/Runner"),
            ('echo "INSTRUMENTATION_ABORTED: System has crashed."', "System has crashed"),
            ("exit 137", "ended before its end (status 137)"),
        ],
    )  # fmt: skip
    def test_its_reason_is_told_and_the_results_kept(
        self, bench: Bench, script: str, what: str
    ) -> None:
        bench.instrument(plan_script(2) + script)
        with pytest.raises(DeviceError) as raised:
            bench.run()
        assert what in raised.value.what
        assert f"The 2 completed measurements are in {bench.out}" in raised.value.fix
        kept = read_results(bench.out)
        assert medians(kept) == [1049.5, 2049.5]
        assert kept.context.interrupted == raised.value.what.splitlines()[0]
        assert bench.phone.left() == []

    def test_at_once_with_nothing_but_garbage(self, bench: Bench) -> None:
        bench.phone.write("phone/instrument", "echo 'cmd: Failure calling service'; exit 20")
        with pytest.raises(DeviceError, match=r"\(status 20\)\n  cmd: Failure calling service"):
            bench.run()
        assert not bench.out.exists()
        assert bench.phone.left() == []

    def test_by_writing_no_results(self, bench: Bench) -> None:
        bench.instrument(END)
        with pytest.raises(DeviceError, match="wrote no results"):
            bench.run()

    def test_by_writing_half_a_file(self, bench: Bench) -> None:
        text = results_json(measured(3))
        bench.phone.write("phone/results-3.json", text[: 2 * len(text) // 3])
        results = bench.run()
        assert len(results.measurements) == 1
        assert results.unread


class TestGoneInTheMiddle:
    @pytest.mark.parametrize("fault", ["kill", "pull"])
    def test_while_pushing(self, bench: Bench, fault: str) -> None:
        write_apk(bench.work / "apk", size=20_000_000)
        bench.phone.cable.trap("to", 3_000_000, _gone(bench.phone, fault))
        with pytest.raises(PhoneLostError, match="while pushing"):
            bench.run()
        assert not bench.out.exists()
        (warning,) = bench.watched.warnings
        assert f"adb -s {bench.phone.serial} shell rm -rf {FOLDER}" in warning

    @pytest.mark.parametrize("fault", ["kill", "pull"])
    def test_while_running(self, bench: Bench, fault: str) -> None:
        gone = _gone(bench.phone, fault)
        bench.watched.hook = lambda note: gone() if note == "flowers,GPU" else None
        bench.instrument(plan_script(seconds=0.5) + END)
        with pytest.raises(PhoneLostError) as raised:
            bench.run()
        assert "2 completed measurements" in raised.value.fix
        kept = read_results(bench.out)
        assert medians(kept) == [1049.5, 2049.5]
        assert "connection to the phone broke" in str(kept.context.interrupted)
        (warning,) = bench.watched.warnings
        for command in ("am force-stop", "pm uninstall", f"rm -rf {FOLDER}", f"rm -rf {OUTPUT}"):
            assert command in warning

    @pytest.mark.parametrize("fault", ["kill", "pull"])
    def test_while_pulling(self, bench: Bench, fault: str) -> None:
        bench.phone.write("phone/results-2.json", results_json(measured(2, runs=100_000)))
        gone = _gone(bench.phone, fault)
        seen: list[str] = []

        def arm(note: str) -> None:
            seen.append(note)
            if seen.count("flowers,CPU") == 4:  # the second one is done, and pulled next
                bench.phone.cable.trap("from", 200_000, gone)

        bench.watched.hook = arm
        bench.instrument(plan_script(seconds=0.5) + END)
        with pytest.raises(PhoneLostError, match="while pulling"):
            bench.run()
        assert medians(read_results(bench.out)) == [1049.5]

    def test_the_next_run_finds_the_phone_clean(
        self, bench: Bench, plug_in: Callable[..., ChrootPhone]
    ) -> None:
        bench.phone.write(f"{FOLDER[1:]}/models/old/model.tflite", "left")
        bench.instrument("ls -R $(dirname $additionalTestOutputDir) /data/local/tmp "
                         "> /phone/seen\n" + plan_script() + END)  # fmt: skip
        bench.run()
        assert "old" not in (bench.phone.root / "phone/seen").read_text()


class TestCtrlC:
    def test_while_running(self, bench: Bench) -> None:
        def interrupt(note: str) -> None:
            if note == "flowers,GPU":
                raise KeyboardInterrupt

        bench.watched.hook = interrupt
        bench.instrument(plan_script(seconds=0.5) + END)
        with pytest.raises(KeyboardInterrupt):
            bench.run()
        kept = read_results(bench.out)
        assert medians(kept) == [1049.5, 2049.5]
        assert kept.context.interrupted == "Ctrl-C"
        assert bench.phone.calls()[-2:] == [f"am force-stop {PACKAGE}", f"pm uninstall {PACKAGE}"]
        assert bench.phone.left() == []
        assert bench.watched.warnings == [f"The 2 completed measurements are in {bench.out}."]

    def test_while_pushing(self, bench: Bench) -> None:
        def interrupt(note: str) -> None:
            raise KeyboardInterrupt

        bench.watched.hook = interrupt
        with pytest.raises(KeyboardInterrupt):
            bench.run()
        assert not bench.out.exists()
        assert bench.phone.left() == []


def test_a_place_that_cannot_be_written_still_leaves_the_phone_clean(bench: Bench) -> None:
    bench.out.mkdir()
    with pytest.raises(Exception, match="can't be written"):
        bench.run()
    assert bench.phone.left() == []


def test_a_debuggable_harness_is_told(bench: Bench) -> None:
    write_apk(bench.work / "apk", manifest="debuggable")
    bench.run()
    assert "debuggable" in bench.watched.warnings[0]


def test_the_file_is_androidx_benchmarks_layout(bench: Bench) -> None:
    bench.run()
    content = json.loads(bench.out.read_text())
    assert content["context"]["build"]["model"] == "Road Runner 9"
    assert content["benchmarks"][0]["metrics"]["timeNs"]["runs"][:2] == [1000, 1001]


def _gone(phone: ChrootPhone, fault: str) -> Callable[[], None]:
    return phone.kill if fault == "kill" else phone.cable.pull
