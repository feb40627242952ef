from __future__ import annotations

import pytest

from packager.android.names import ProjectNames, project_names
from packager.errors import SettingsError


def names(model="flowers", package=None, app_id=None, app_name=None) -> ProjectNames:
    return project_names(model, package=package, app_id=app_id, app_name=app_name)


@pytest.mark.parametrize(
    ("model", "package", "app_name"),
    [
        ("flowers", "com.example.flowers", "Flowers"),
        ("Äpfel & Birnen", "com.example.apfelbirnen", "Äpfel & Birnen"),
        ("花 🌹", "com.example.classifier", "花 🌹"),
        ("7 birds\n of\tprey ", "com.example.birdsofprey", "7 birds of prey"),
        ("class", "com.example.classifier", "Class"),
        ("CON", "com.example.classifier", "CON"),
        ("", "com.example.classifier", "Classifier"),
        ("../../etc/passwd", "com.example.etcpasswd", "../../etc/passwd"),
        ("x" * 200, "com.example." + "x" * 30, "X" + "x" * 49),
        ("a" * 48 + "👩\u200d👩", "com.example." + "a" * 30, "A" + "a" * 47 + "👩"),
    ],
)
def test_names_come_from_the_model(model: str, package: str, app_name: str) -> None:
    assert names(model) == ProjectNames(package, package, app_name)


def test_package_and_app_id_stand_in_for_each_other() -> None:
    assert names(app_id="org.a.b").package == "org.a.b"
    assert names(package="org.a.b").app_id == "org.a.b"
    assert names(package="org.a.code", app_id="org.a.app") == ProjectNames(
        "org.a.code", "org.a.app", "Flowers"
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("flowers", "one part"),
        ("", "one part"),
        ("com..x", "empty"),
        (".com.x", "empty"),
        ("com.x.", "empty"),
        ("com.new.x", "keyword"),
        ("com.fun.x", "keyword"),
        ("com.typeof.x", "keyword"),
        ("com._.x", "identifier"),
        ("com.1x", "identifier"),
        ("com.a-b", "identifier"),
        ("com.a b", "identifier"),
        ("com.a/../b", "identifier"),
        ("com.x\n", "identifier"),
        ("com.bücher", "identifier"),
        ("com.x$y", "identifier"),
        ("com.aux", "Windows"),
        ("com.LPT1.x", "Windows"),
        ("java.x", "platform"),
        ("Kotlin.x", "platform"),
        ("android.x", "platform"),
        ("com." + "x" * 220, "224 characters"),
    ],
)
@pytest.mark.parametrize("flag", ["package", "app_id"])
def test_refuses_what_java_kotlin_android_or_windows_would(
    value: str, problem: str, flag: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        names(**{flag: value})
    assert caught.value.where == "--" + flag.replace("_", "-")


def test_takes_ids_at_the_edge() -> None:
    for value in ("a.b", "com.Example.my_app2", "com." + "x" * 219, "io.news.classes"):
        assert names(package=value).app_id == value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "empty"),
        ("  \t", "empty"),
        ("a\nb", "control"),
        ("a\0", "control"),
        ("a\u2028b", "control"),
        ("a\udcff", "control"),
        ("a\uffff", "control"),
        ("x" * 51, "51 characters"),
    ],
)
def test_refuses_app_names(value: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        names(app_name=value)
    assert caught.value.where == "--app-name"


def test_takes_app_names_of_any_script() -> None:
    for value in ("פרחים", "👩‍🌾 & $1 \"q\" 'a' \\", "x" * 50):
        assert names(app_name=value).app_name == value
