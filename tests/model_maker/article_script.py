"""What a user of Model Maker wrote; only the imports name packager. Run by test_article.py.

Arguments: the address of the photos, the name of a spec, the number of epochs, and matplotlib's
file to draw to.
"""

import sys
import time

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from packager import image_classifier
from packager.image_classifier import (
    ImageClassifierDataLoader,
    efficientnet_lite0_spec,
    efficientnet_lite1_spec,
    efficientnet_lite2_spec,
    efficientnet_lite3_spec,
    efficientnet_lite4_spec,
    mobilenet_v2_spec,
)

address, name, epochs, figure = sys.argv[1:]
model_spec = {
    "mobilenet_v2": mobilenet_v2_spec,
    "lite0": efficientnet_lite0_spec,
    "lite1": efficientnet_lite1_spec,
    "lite2": efficientnet_lite2_spec,
    "lite3": efficientnet_lite3_spec,
    "lite4": efficientnet_lite4_spec,
}[name]

image_path = tf.keras.utils.get_file("flower_photos", address, untar=True)
data = ImageClassifierDataLoader.from_folder(image_path)
train_data, rest_data = data.split(0.8)
validation_data, test_data = rest_data.split(0.5)

plt.figure(figsize=(10, 10))
for i, (image, label) in enumerate(data.dataset.take(25)):
    plt.subplot(5, 5, i + 1)
    plt.imshow(image.numpy(), cmap=plt.cm.gray)
    plt.xlabel(data.index_to_label[label.numpy()])

model = image_classifier.create(
    train_data, model_spec=model_spec, epochs=int(epochs), validation_data=validation_data
)
model.summary()
loss, accuracy = model.evaluate(test_data)

history = model.history.history
plt.figure()
for curve in ("accuracy", "val_accuracy", "loss", "val_loss"):
    plt.plot(history[curve], label=curve)
plt.legend()
plt.savefig(figure)

predicts = model.predict_top_k(test_data)
assert len(predicts) == test_data.size

model.export(export_dir=".")

with tf.io.gfile.GFile("model.tflite", "rb") as f:
    model_content = f.read()
with tf.io.gfile.GFile("labels.txt", "r") as f:
    label_names = f.read().split("\n")

interpreter = tf.lite.Interpreter(model_content=model_content)
interpreter.allocate_tensors()
input_index = interpreter.get_input_details()[0]["index"]
output = interpreter.tensor(interpreter.get_output_details()[0]["index"])

right = 0
for i, (image, label) in enumerate(test_data.dataset):  # noqa: B007
    image, _ = model.preprocess(image, label)
    image = tf.expand_dims(image, 0).numpy()
    interpreter.set_tensor(input_index, image)
    interpreter.invoke()
    guess = np.argmax(output()[0])
    right += guess == label.numpy()

begun = time.perf_counter()
for _ in range(100):
    interpreter.invoke()
milliseconds = (time.perf_counter() - begun) * 1000 / 100

print("labels", label_names)
print(f"photos {data.size} {train_data.size} {validation_data.size} {test_data.size}")
print(f"float accuracy {accuracy:.4f} loss {loss:.4f}")
print(f"file accuracy {right / test_data.size:.4f} in {milliseconds:.2f} ms")
