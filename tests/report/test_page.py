from __future__ import annotations

import json
from pathlib import Path

import pytest

from packager.bench.results import Build, Context, Measurement, Metric, Results, write_results
from packager.errors import BenchError, OutputError, RecordError
from packager.report.page import report_folder, write_report
from tests.conftest import Heard
from tests.report.builds import Page, change, judged, make_build, write_json
from tests.settings import build_settings

HOSTILE = ("<img src=x onerror=alert(1)>", "שושנה & <script>", '"🌻" $5 or $10')


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return make_build(tmp_path)


def test_page_tells_what_was_measured(out: Path) -> None:
    page = Page(report_folder(out).page)
    text = " ".join(page.text.split())
    assert "top-1, stretch 83.3 % 5 of 6 photos; 95 % interval 43.6 % to 97.0 %" in text
    assert "int8, 3 classes; model.tflite" in text
    assert "12 photos from “photos”: 3 to train, 3 to validate, 6 to test" in text
    assert "0/broken.jpg (the file is truncated)" in text
    assert "licence: Apache-2.0" in text
    assert "packager build --spec lite0 --data path/to/photos" in text
    assert str(out.parent) not in page.source  # names only, no place of this machine


def test_what_is_worth_a_look_is_told(out: Path) -> None:
    text = " ".join(Page(report_folder(out).page).text.split())
    assert (
        "1 pair of near duplicates in different classes, such as 0/b.jpg and 1/b.jpg: one" in text
    )
    assert "2 photos in 1 group of near duplicates, such as 0/<i>.jpg and 0/b.jpg" in text
    assert "2 photos dark, such as 0/<i>.jpg (640 x 204 pixels)" in text
    assert "1 photo of odd shape" in text
    wrong = text.index("1 label probably wrong, such as 1/<b>.jpg (x 90 %, <i> 2 %)")
    assert wrong < text.index("2 labels doubtful, such as 1/<b>.jpg")
    assert "<i>: its photos are <b>. A model can learn" in text


def test_reports_of_before_say_nothing_of_it(out: Path) -> None:
    facts = json.loads((out / "report.json").read_text())
    del facts["data"]["findings"]
    write_json(out / "report.json", facts)
    assert "Possible problems" not in Page(report_folder(out).page).text


def test_mistakes_and_changes_have_their_photos(out: Path) -> None:
    text = " ".join(Page(report_folder(out).page).text.split())
    assert "2 test photos wrong in a view" in text
    assert "stretch: red 90.0 %; true class 60.0 % crop: blue 60.0 %, right 0/0.png" in text
    assert text.index("0/0.png") < text.index("2/1.png")  # the surest first
    assert "The prediction changed for 1 photo in a view" in text
    assert "crop: red 60.0 %, then blue 70.0 % 2/1.png" in text


def test_page_is_whole_safe_and_asks_for_nothing(tmp_path: Path) -> None:
    page = Page(report_folder(make_build(tmp_path, HOSTILE)).page)
    assert page.requests == []
    assert page.of("script") == []
    assert page.of("link") == []
    policy = next(meta for meta in page.of("meta") if "http-equiv" in meta)
    assert policy["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    for label in HOSTILE:
        assert label in page.text
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_page_is_for_everybody(tmp_path: Path) -> None:
    page = Page(report_folder(make_build(tmp_path, HOSTILE)).page)
    assert len(page.of("h1")) == 1
    assert page.of("html") == [{"lang": "en"}]
    assert all(image.get("alt") for image in page.of("img"))
    assert all("scope" in head for head in page.of("th"))
    drawings = [each for each in page.of("div") if each.get("role") == "img"]
    assert len(drawings) == len(page.of("svg")) == 4
    assert all(each["aria-label"] for each in drawings)
    figures = len(page.of("figure"))
    assert figures == len(page.of("figcaption")) == 4 + 2 + 1
    assert "prefers-color-scheme: dark" in page.source
    assert "@media print" in page.source


def test_same_facts_give_the_same_page(out: Path) -> None:
    first = report_folder(out).page.read_bytes()
    assert report_folder(out).page.read_bytes() == first
    facts = json.loads((out / "report.json").read_text())
    facts["data"]["root"] = Path(facts["data"]["root"])  # as a build has it in memory
    assert write_report(out, facts).page.read_bytes() == first


def test_vanished_photos_are_left_out_counted_and_told(out: Path, heard: Heard) -> None:
    (out.parent / "photos" / "0" / "0.png").unlink()
    (out.parent / "photos" / "0" / "3.png").write_bytes(b"")
    report = report_folder(out, progress=heard)
    assert report.missing == 2
    assert heard.warnings == [
        "2 photos are missing (such as 0/0.png) and are left out of the report"
    ]
    page = Page(report.page)
    assert "2 photos could not be shown" in page.text
    assert "not shown" in page.text


def test_page_of_a_thousand_classes_stays_small(tmp_path: Path) -> None:
    labels = [f"class number {i}" for i in range(1000)]
    out = make_build(tmp_path, labels, photos=2, test=1)
    page = Page(report_folder(out).page)
    assert len(page.source.encode()) < 1_500_000
    assert (out / "report.json").stat().st_size < 2_500_000
    text = " ".join(page.text.split())
    assert "30 of 1,000 classes are shown" in text
    assert "800 classes more, in report.json" in text
    table = text[text.index("By class") :]
    assert table.index("class number 0 1") < table.index("class number 1 1")


def test_reports_of_earlier_formats_are_read(tmp_path: Path) -> None:
    out = make_build(tmp_path, HOSTILE)
    attempts = [{"strategy": "default", "drop_points": 0.5, "note": "n"}]
    change(out / "report.json", "quantization", to={"attempts": attempts, "met": True})
    now = report_folder(out).page.read_bytes()
    facts = json.loads((out / "report.json").read_text())
    facts["format"] = 2
    recipe = facts.pop("recipe")
    facts["settings"] = {
        "seed": recipe["seed"], **recipe["photos"], **recipe["metadata"],
        "quantization": recipe["quantization"]["type"], "max_accuracy_drop": None,
    }  # fmt: skip
    rungs = [{"name": "default", "drop_points": 0.5, "note": "n"}]
    facts["quantization"] = {"rung": "default", "rungs": rungs, "held": True}
    write_json(out / "report.json", facts)
    assert report_folder(out).page.read_bytes() == now
    facts["format"] = 1
    for model in ("float32", "exported"):
        for view in facts["accuracy"][model].values():
            rows = [[0] * len(HOSTILE) for _ in HOSTILE]
            for true, predicted, photos in view["confusion"]:
                rows[true][predicted] = photos
            view["confusion"] = rows
            for line in view["per_class"]:
                del line["index"]
    write_json(out / "report.json", facts)
    assert report_folder(out).page.read_bytes() == now


def test_plots_are_written_as_svg(out: Path) -> None:
    (out / "plots").mkdir()
    (out / "plots" / "mine.txt").write_text("kept")
    report = report_folder(out, plots=True)
    assert [plot.name for plot in report.plots] == [
        "loss.svg",
        "accuracy.svg",
        "confusion-stretch.svg",
        "confusion-crop.svg",
    ]
    assert all(plot.read_text().startswith("<svg") for plot in report.plots)
    assert (out / "plots" / "mine.txt").read_text() == "kept"
    assert report_folder(out).plots == ()


def test_float_model_that_was_kept_is_shown_with_its_own_figures(out: Path) -> None:
    change(out / "model_spec.json", "model", "file", to="model_float32.tflite")
    change(out / "model_spec.json", "model", "quantization", to="none")
    change(out / "report.json", "recipe", "quantization", "max_accuracy_drop", to=1.0)
    text = " ".join(Page(report_folder(out).page).text.split())
    assert "int8 loses more accuracy than the 1.0 points allowed" in text
    assert "top-1, crop 100.0 % 6 of 6 photos" in text
    assert "float32, 3 classes; model_float32.tflite" in text
    assert "1 test photo wrong in a view" in text
    assert "Effect of quantization" in text


def test_unquantized_model_has_no_comparison_with_itself(out: Path) -> None:
    change(out / "report.json", "recipe", "quantization", "type", to="none")
    change(out / "model_spec.json", "input", "dtype", to="float32")
    change(out / "model_spec.json", "input", "scale", to=None)
    text = " ".join(Page(report_folder(out).page).text.split())
    assert "Effect of quantization" not in text
    assert "the input is (pixel − 127.0) / 128.0;" in text


def test_strategies_of_quantization_that_were_tried_are_listed(out: Path) -> None:
    attempts = [
        {"strategy": "default", "drop_points": 3.25, "note": ""},
        {"strategy": "clipped ranges", "drop_points": 0.5, "note": "by <mse>"},
    ]
    change(out / "report.json", "quantization", to={"attempts": attempts, "met": True})
    text = " ".join(Page(report_folder(out).page).text.split())
    assert "the last one was used" in text
    assert "default 3.2 clipped ranges 0.5 by <mse>" in text


def test_fine_tuning_has_curves_of_its_own(out: Path) -> None:
    curves = json.loads((out / "report.json").read_text())["curves"]
    change(out / "report.json", "fine_tuning", to={"curves": curves, "best_epoch": None})
    page = Page(report_folder(out, plots=True).page)
    assert "It was no better than the frozen backbone" in page.text
    assert (out / "plots" / "fine-tuning-loss.svg").exists()
    change(out / "report.json", "fine_tuning", "best_epoch", to=2)
    text = Page(report_folder(out).page).text
    assert "It was no better" not in text
    assert text.count("The dashed line is the epoch that was kept, 3.") == 2


def test_weights_halfway_are_no_epochs(out: Path) -> None:
    curves = json.loads((out / "report.json").read_text())["curves"]
    tuned = {"curves": curves, "best_epoch": None, "share": 0.5, "later_cut_after": 1}
    change(out / "report.json", "fine_tuning", to=tuned)
    text = Page(report_folder(out).page).text
    assert "After epoch 1 only the last stages were trained." in text
    assert "The weights halfway between the frozen backbone and the last epoch were kept." in text
    assert "It was no better" not in text
    assert text.count("Loss by epoch. The dashed line") == 1  # the head's


def test_choice_of_fine_tuning_is_told(out: Path) -> None:
    change(out / "report.json", "fine_tune_choice", to={"mode": "none", "reason": "<i> within"})
    text = Page(report_folder(out).page).text
    assert "--fine-tune auto chose none: <i> within." in " ".join(text.split())


def test_latencies_are_drawn_with_what_makes_them_doubtful(out: Path, tmp_path: Path) -> None:
    runs = Metric.of([8e6 + 1e4 * i for i in range(20)])
    rows = (
        Measurement("<i>", "CPU", 2, metrics={"timeNs": runs}),
        Measurement("b", "GPU", None, skipped="no GPU"),
    )
    write_results(Results(Context(Build("", "", "Phone")), rows), tmp_path / "bench.json")
    report = report_folder(out, [tmp_path / "bench.json"], plots=True)
    page = Page(report.page)
    assert page.requests == []
    assert "20 runs only: <i> on CPU × 2" in page.text
    assert "not measured: b on GPU (no GPU)" in page.text
    assert (out / "plots" / "latency.svg") in report.plots


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("report.json", "[]", "report.json: the file is damaged: Expected `object`, got `array`"),
        ("report.json", "{", "report.json: the file is damaged: it isn't valid JSON"),
        ("report.json", '{"format": 5}', "has format 5, but this packager reads 4"),
        ("report.json", '{"format": 4}', "`command` is missing"),
        ("report.json", '{"format": 2}', "`settings` is missing"),
        ("model_spec.json", '{"model": 3}', "model_spec.json: the file is damaged: `model` has an"),
        ("model_spec.json", None, "model_spec.json: the file can't be read .No such file"),
        ("report.json", None, "report.json: the file can't be read .No such file"),
    ],
)
def test_folder_that_is_no_build_is_refused(
    name: str, content: str | None, message: str, out: Path
) -> None:
    (out / name).unlink()
    if content is not None:
        (out / name).write_text(content)
    with pytest.raises(RecordError, match=message):
        report_folder(out)
    assert not (out / "report.html").exists()


def test_missing_results_are_an_error(out: Path) -> None:
    with pytest.raises(BenchError, match="can't be read"):
        report_folder(out, [out / "bench.json"])


def test_full_disk_is_told(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from packager.report import page

    def full(path: Path, content: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(page.files, "write_text", full)
    with pytest.raises(OutputError, match="can't be written .No space left on device"):
        report_folder(out)


@pytest.mark.slow
def test_report_of_a_real_build(
    photos: Path, warm_cache: Path, tmp_path: Path, heard: Heard
) -> None:
    from packager.build import build

    result = build(
        build_settings(
            data=photos, out=tmp_path / "out", epochs=2, android=False, licence="CC0-1.0"
        )
    )
    report = report_folder(result.out, plots=True, progress=heard)
    assert heard.warnings == []
    page = Page(report.page)
    assert page.requests == []
    assert len(page.of("img")) >= 15
    text = " ".join(page.text.split())
    assert result.model.stat().st_size == result.model_bytes
    assert f"{result.model_bytes:,} bytes" in text
    assert "CC0-1.0" in text
    assert "Apache-2.0" in text  # of the weights
    assert "--epochs 2 --licence CC0-1.0 --no-android" in text
    assert len(report.plots) == 7


def test_page_tells_how_good_it_will_be_and_what_it_does_not_know(tmp_path: Path) -> None:
    out = make_build(tmp_path)
    judged(out)
    text = report_folder(out).page.read_text(encoding="utf-8")
    for told in (
        "cross-validation over all photos, in 5 folds",
        "would gain about 0.9 points of top-1 (95 % interval 0.3 to 1.6)",
        "Twice as many photos would reach about 87.0 %",
        "calibration error of the scores is 0.020",
        "False accept rate on 60 drawn pictures: 5.0 % in view stretch",
        "False accept rate on 20 held-out counter-examples: <b>10.0 %</b>",
        "in view stretch (95 % interval 2.8 % to 30.1 %)",
        "heat map of the wrong class",
    ):
        assert told in text, told
    assert "reach a score of" not in text  # "unknown" says so


def test_false_accept_rates_of_earlier_formats_are_read(tmp_path: Path) -> None:
    out = make_build(tmp_path)
    facts = judged(out)
    now = report_folder(out).page.read_bytes()
    unknown = facts["unknown"]
    unknown["strange"] = unknown.pop("drawings")
    for rates in (unknown["strange"], unknown["negatives"]):
        rates["let_through"] = rates.pop("false_accept_rate")
    write_json(out / "report.json", {**facts, "format": 3})
    assert report_folder(out).page.read_bytes() == now
    del unknown["negatives"]["let_through"]
    write_json(out / "report.json", {**facts, "format": 3})
    with pytest.raises(RecordError, match="`unknown.negatives.let_through` is missing"):
        report_folder(out)


def test_page_of_a_refit_says_where_its_accuracy_is_from(tmp_path: Path) -> None:
    out = make_build(tmp_path)
    facts = judged(out)
    agreement = {"stretch": 0.99, "crop": 1.0}
    facts["accuracy"] |= {"basis": "cross-validation", "agreement": agreement}
    facts["unknown"] = None
    write_json(out / "report.json", facts)
    text = report_folder(out).page.read_text(encoding="utf-8")
    assert "The head was trained on all photos" in text
    assert "on 99.0 % of them in view stretch" in text
    assert "95 % of your own photos reach a score of 0.42" in text
    assert "Effect of quantization" not in text


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("cross_validation", "classes_in_need"), [7], "has a class that `labels` has not"),
        (("cross_validation", "views"), {}, "other views than stretch and crop"),
        (("unknown", "own"), {"stretch": {}}, "`unknown.own` has other views"),
        (("unknown", "drawings", "false_accept_rate"), {}, "`unknown.drawings` has other views"),
        (("unknown", "negatives", "false_accept_rate"), {}, "`unknown.negatives` has other views"),
        (("unknown", "negatives", "interval"), {}, "`unknown.negatives.interval` has other"),
        (("accuracy", "agreement"), {"crop": 1.0}, "`accuracy.agreement` has other views"),
        (("heat",), {"a": {"view": "crop", "label": 0, "values": [[0.1], []]}}, "rows of diff"),
    ],
)
def test_judgements_that_contradict_themselves_are_damage(
    tmp_path: Path, keys: tuple[str, ...], value: object, message: str
) -> None:
    out = make_build(tmp_path)
    judged(out)
    change(out / "report.json", *keys, to=value)
    with pytest.raises(RecordError, match=message):
        report_folder(out)
