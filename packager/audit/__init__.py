"""What is wrong with a set of photos: `run` has the order, a file for each kind of finding."""
