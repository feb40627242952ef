package com.example.demo.core.benchmark

import com.example.demo.core.Engine
import com.example.demo.core.ModelSpec
import com.example.demo.core.Request

/**
 * A model that can be measured.
 *
 * @property name what people call it; no two in a plan have the same.
 * @property load reads the model and what lies beside it, and checks them against each other.
 */
class BenchmarkModel(
    val name: String,
    val load: () -> LoadedModel,
)

/**
 * A model that was read, and isn't compiled for an accelerator yet.
 *
 * @property bytes the size of its file.
 * @property open compiles it as asked, or throws why that can't be.
 */
class LoadedModel(
    val spec: ModelSpec,
    val labels: List<String>,
    val bytes: Long,
    val open: (Request) -> Engine,
)

/** A photo that the model is fed. */
interface SamplePhoto {
    /** Its name, by which what it shows is looked up. */
    val file: String

    val width: Int

    val height: Int

    /** ARGB, row by row. An app does this for each picture too, so it counts as preprocessing. */
    fun pixels(): IntArray
}

/** What to call a model that has no other name: "flowers-efficientnet-lite0-int8". */
fun benchmarkName(spec: ModelSpec): String =
    "${spec.name} ${spec.quantization}"
        .lowercase()
        .replace(Regex("[^\\p{L}\\p{N}.]+"), "-")
        .trim('-')
