"""Where in a photo a model saw what it says.

`activation_maps.py` reads it off files whose head is linear, `occlusion.py` tries it out on any
other, `overlay.py` draws it, and `run.py` does all three for `packager explain`.
"""
