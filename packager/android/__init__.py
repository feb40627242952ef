"""An Android project around a .tflite image classifier."""
