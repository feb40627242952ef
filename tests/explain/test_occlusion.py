import numpy as np

from packager.explain.occlusion import occlusion_map


def test_the_score_falls_where_what_it_rests_on_is_hidden() -> None:
    pixels = np.zeros((90, 60, 3), np.uint8)
    pixels[70:80, 5:12] = 255

    def scores(image: np.ndarray) -> np.ndarray:
        return np.array([0.1, (image == 255).mean()])

    falls = occlusion_map(scores, pixels, 1)
    assert falls.shape == (9, 9)
    row, column = np.unravel_index(falls.argmax(), falls.shape)
    assert row in (6, 7, 8)
    assert column in (0, 1, 2)
    assert falls[0].max() == 0
    assert not occlusion_map(scores, pixels, 0).any()
    assert pixels[75, 8, 0] == 255
