package com.example.demo.core

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.floatOrNull
import kotlinx.serialization.json.intOrNull

private const val FORMAT = 1
private const val CHANNELS = 3
private val SHA256 = Regex("[0-9a-f]{64}")

internal fun readModelSpec(json: String): ModelSpec {
    val root =
        try {
            Field("model_spec.json", Json.parseToJsonElement(json))
        } catch (error: SerializationException) {
            throw ModelSpecException("model_spec.json is not JSON: ${error.message}", error)
        }
    val format = root["format"]
    if (format.int() != FORMAT) format.refuse("is ${format.int()}; this code reads format $FORMAT")

    val input = root["input"]
    val output = root["output"]
    val labels = root["labels"]
    val model = root["model"]
    val inputTensor = input.tensor()
    val outputTensor = output.tensor()
    checkInput(input, inputTensor)
    checkOutput(output, outputTensor)
    val count = labels["count"]
    if (count.int() != outputTensor.elementCount) {
        count.refuse("is ${count.int()}, but the output has ${outputTensor.elementCount} classes")
    }
    // The pixels go into a uint8 model as they are.
    val normalised = inputTensor.type != TensorType.UINT8
    val std = input["std"]
    return ModelSpec(
        name = model["name"].text(),
        file = model["file"].fileName(),
        sha256 = model["sha256"].digest(),
        quantization = model["quantization"].text(),
        input = inputTensor,
        mean = input["mean"].channels(normalised),
        std =
            std.channels(normalised).onEach {
                if (it == 0f) std.refuse("has a zero in it, and is divided by")
            },
        resize = resizeRule(root["resize"]),
        output = outputTensor,
        semantics =
            output["semantics"].oneOf(
                mapOf("probabilities" to Semantics.PROBABILITIES, "logits" to Semantics.LOGITS),
            ),
        labelsFile = labels["file"].fileName(),
        labelCount = count.int(),
        labelsSha256 = labels["sha256"].digest(),
        architecture = model["spec"].textOrNull(),
        packager = root["versions"].takeUnless(Field::missing)?.get("packager")?.textOrNull(),
        localizedLabels =
            labels["locales"].takeUnless(Field::missing)?.entries().orEmpty().mapValues {
                LabelsFile(it.value["file"].fileName(), it.value["sha256"].digest())
            },
        threshold = output["threshold"].takeUnless(Field::missing)?.share(),
    )
}

private fun checkInput(
    field: Field,
    tensor: TensorSpec,
) {
    val shape = tensor.shape
    if (shape.size != 4 || shape.first() != 1 || shape.last() != CHANNELS) {
        field["shape"].refuse("is $shape, not [1, height, width, 3]")
    }
    field["color_space"].oneOf(mapOf("RGB" to Unit))
    if (tensor.type == TensorType.INT8 && tensor.scale == null) {
        field["scale"].refuse("is missing, and the input is quantized")
    }
}

private fun checkOutput(
    field: Field,
    tensor: TensorSpec,
) {
    if (tensor.elementCount != tensor.shape.last()) {
        field["shape"].refuse("is ${tensor.shape}, not [1, classes]")
    }
    if (tensor.type != TensorType.FLOAT32 && tensor.scale == null) {
        field["scale"].refuse("is missing, and the output is quantized")
    }
}

private fun resizeRule(field: Field): ResizeRule {
    val rule =
        field["rule"].oneOf(mapOf("stretch" to ResizeRule.STRETCH, "crop" to ResizeRule.CROP))
    field["interpolation"].oneOf(mapOf("bilinear" to Unit))
    val antialias = field["antialias"]
    if (antialias.flag() != (rule == ResizeRule.CROP)) {
        antialias.refuse("is ${antialias.flag()}, which ${rule.name.lowercase()} does not do")
    }
    return rule
}

/** A value of the file, with its path for the messages. */
private class Field(
    private val path: String,
    private val value: JsonElement,
) {
    operator fun get(name: String): Field {
        val fields = value as? JsonObject ?: refuse("is not an object")
        val below = if (path == "model_spec.json") name else "$path.$name"
        return Field(below, fields[name] ?: JsonNull)
    }

    fun entries(): Map<String, Field> {
        val fields = value as? JsonObject ?: refuse("is not an object")
        return fields.keys.associateWith { this[it] }
    }

    fun refuse(fault: String): Nothing = throw ModelSpecException("model_spec.json: $path $fault")

    fun text(): String {
        val primitive = value as? JsonPrimitive
        return primitive?.takeIf { it.isString }?.content ?: wrong("a text")
    }

    fun missing(): Boolean = value == JsonNull

    fun textOrNull(): String? = if (missing()) null else text()

    fun int(): Int = number()?.intOrNull ?: wrong("a whole number")

    fun float(): Float = number()?.floatOrNull?.takeIf(Float::isFinite) ?: wrong("a number")

    fun share(): Float = float().also { if (it !in 0f..1f) refuse("is $it, not from 0 to 1") }

    fun flag(): Boolean = number()?.booleanOrNull ?: wrong("true or false")

    fun list(): List<Field> {
        val entries = value as? JsonArray ?: wrong("a list")
        return entries.mapIndexed { index, entry -> Field("$path[$index]", entry) }
    }

    fun <T> oneOf(values: Map<String, T>): T {
        val text = text()
        return values[text] ?: refuse("is \"$text\", not ${values.keys.joinToString(" or ")}")
    }

    fun digest(): String = text().takeIf(SHA256::matches) ?: wrong("a SHA-256 in hex")

    /** A name, never a path out of the folder. */
    fun fileName(): String =
        text().takeIf { it.isNotBlank() && it != ".." && it.none("/\\"::contains) }
            ?: wrong("the name of a file in the same folder")

    fun tensor(): TensorSpec {
        val shape = this["shape"]
        val sizes = shape.list().map(Field::int)
        val elements = sizes.fold(1L) { product, size -> product * size.coerceAtLeast(0) }
        if (sizes.isEmpty() || elements !in 1..MOST_ELEMENTS) {
            shape.refuse("is $sizes, which is not the shape of an image model's tensor")
        }
        val types = TensorType.entries.associateBy { it.name.lowercase() }
        val type = this["dtype"].oneOf(types)
        val quantized = type != TensorType.FLOAT32 && this["scale"].value != JsonNull
        val scale = if (quantized) this["scale"].float() else null
        if (scale != null && scale <= 0f) this["scale"].refuse("is $scale, not above zero")
        return TensorSpec(
            name = this["name"].text(),
            shape = sizes,
            type = type,
            scale = scale,
            zeroPoint = if (quantized) this["zero_point"].int() else null,
        )
    }

    /** One number for all channels, or one each; empty where nothing needs them. */
    fun channels(needed: Boolean): List<Float> {
        if (!needed && value == JsonNull) return emptyList()
        val numbers = list().map(Field::float)
        if (numbers.size != 1 && numbers.size != CHANNELS) {
            refuse("has ${numbers.size} numbers, not 1 or $CHANNELS")
        }
        return numbers
    }

    private fun number(): JsonPrimitive? = (value as? JsonPrimitive)?.takeUnless { it.isString }

    private fun wrong(expected: String): Nothing =
        refuse(if (value == JsonNull) "is missing" else "is $value, not $expected")

    private companion object {
        const val MOST_ELEMENTS = 100_000_000L
    }
}
