package com.example.demo.core.benchmark

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import com.example.demo.core.Category

/** `predictions.json` can't be read. */
class PredictionsException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)

/** What Python says that sample photos show, by the digest of the model that says it. */
class Predictions private constructor(
    private val byModel: Map<String, Map<String, Int>>,
) {
    /** The likeliest class of each photo by its file name; empty for a model that isn't known. */
    fun of(modelSha256: String): Map<String, Int> = byModel[modelSha256].orEmpty()

    companion object {
        val NONE = Predictions(emptyMap())

        private const val FORMAT = 1

        /**
         * Reads `{"format": 1, "models": {"<sha256>": [{"file": "00.png", "index": 3, ...}]}}`.
         *
         * Throws [PredictionsException].
         */
        fun parse(json: String): Predictions =
            try {
                val root = Json.parseToJsonElement(json).jsonObject
                val format = root["format"]?.jsonPrimitive?.int
                require(format == FORMAT) { "its format is $format; this code reads $FORMAT" }
                val models = requireNotNull(root["models"]) { "models is missing" }.jsonObject
                Predictions(
                    models.mapValues { (_, entries) ->
                        entries.jsonArray.associate { entry(it.jsonObject) }
                    },
                )
            } catch (error: SerializationException) {
                throw PredictionsException("predictions.json is not JSON: ${error.message}", error)
            } catch (error: IllegalArgumentException) {
                throw PredictionsException("predictions.json: ${error.message}", error)
            }

        private fun entry(entry: JsonObject): Pair<String, Int> {
            val file = requireNotNull(entry["file"]) { "an entry has no file" }
            val index = requireNotNull(entry["index"]) { "an entry has no index" }
            return file.jsonPrimitive.content to index.jsonPrimitive.int
        }
    }
}

/**
 * Compares every answer of a model with the expected one.
 *
 * A photo is wrong when a single answer to it was.
 */
internal class PredictionCheck(
    private val expected: Map<String, Int>,
) {
    private val seen = sortedSetOf<String>()
    private val wrong = sortedSetOf<String>()

    val checked: Int get() = seen.size

    val wrongPhotos: List<String> get() = wrong.toList()

    fun add(
        file: String,
        best: List<Category>,
    ) {
        val index = expected[file] ?: return
        seen += file
        if (!agrees(index, best)) wrong += file
    }

    private fun agrees(
        index: Int,
        best: List<Category>,
    ): Boolean {
        val score = best.find { it.index == index }?.score ?: return false
        return best.first().score - score <= TIE
    }

    private companion object {
        /** Two steps of a quantized score: rounding decides between classes that are so near. */
        const val TIE = 2 / 256f
    }
}
