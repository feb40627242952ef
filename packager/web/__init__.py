"""A page that runs a .tflite image classifier in the browser."""
