"""The parts of a photo that a model's prediction rests on.

`activation_maps.py` reads it off files whose head is linear, `occlusion.py` tries it out on any
other, `overlay.py` draws it, and `run.py` does all three for `packager explain`.
"""
