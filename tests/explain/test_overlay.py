import numpy as np
from PIL import Image

from packager.explain.overlay import overlay, relative_heat, side_by_side


def test_the_hottest_place_is_the_brightest() -> None:
    photo = Image.new("RGB", (80, 40), (90, 120, 60))
    heat = np.zeros((4, 8), np.float32)
    heat[3, 7] = 1
    drawn = np.asarray(overlay(photo, heat).convert("L"), int)
    assert drawn.shape == (40, 80)
    assert drawn[37, 77] > drawn[2, 2] + 60


def test_what_speaks_against_the_class_is_cold() -> None:
    heat = relative_heat(np.array([[-3.0, 0.5], [2.0, 0.0]]))
    np.testing.assert_allclose(heat, [[0, 0.25], [1, 0]])
    assert not relative_heat(np.full((2, 2), -1.0)).any()


def test_the_photo_is_beside_its_heat() -> None:
    photo = Image.new("RGB", (30, 20), (200, 10, 10))
    both = side_by_side(photo, np.ones((2, 2), np.float32))
    assert both.size == (60, 20)
    assert both.getpixel((5, 5)) == (200, 10, 10)
    assert both.getpixel((45, 5)) != (200, 10, 10)
