package com.example.demo.classifier

import android.content.res.AssetManager
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import com.example.demo.core.ModelMismatchException
import com.example.demo.core.ModelSpec
import com.example.demo.core.ModelSpecException
import com.example.demo.core.check
import com.example.demo.core.checkFile
import com.example.demo.core.parseLabels

/** A model in the app's assets with the two files beside it, checked against each other. */
internal class ModelAssets(
    private val assets: AssetManager,
    private val modelAsset: String,
) {
    class Model(
        val spec: ModelSpec,
        val labels: List<String>,
    )

    fun read(): Model {
        val specAsset = beside(SPEC_FILE)
        val text =
            textOf(specAsset)
                ?: throw ModelSpecException(
                    "assets/$specAsset is missing, and without it nobody knows how to feed the " +
                        "model. Copy the one that packager wrote beside the model.",
                )
        val spec = ModelSpec.parse(text)
        val labelsAsset = beside(spec.labelsFile)
        val labels =
            textOf(labelsAsset)
                ?: throw ModelMismatchException(
                    "assets/$labelsAsset is missing, and assets/$specAsset names it. Copy the " +
                        "one that packager wrote beside the model.",
                )
        checkModel(spec)
        return Model(spec, parseLabels(labels, spec))
    }

    private fun checkModel(spec: ModelSpec) {
        val content =
            contentOf(modelAsset)
                ?: throw ModelMismatchException("assets/$modelAsset is missing. Copy the model.")
        // First its tensors, since a difference there says more than another digest.
        val tensors = TfliteTensors.read(content, "assets/$modelAsset")
        spec.check(tensors.inputs, tensors.outputs)
        spec.checkFile(content)
    }

    private fun beside(file: String): String =
        modelAsset.substringBeforeLast('/', "").let { if (it.isEmpty()) file else "$it/$file" }

    private fun textOf(asset: String): String? =
        try {
            assets.open(asset).use { it.readBytes().toString(Charsets.UTF_8) }
        } catch (_: FileNotFoundException) {
            null
        }

    /** The asset without a copy of it, unless it was compressed into the app. */
    private fun contentOf(asset: String): ByteBuffer? =
        try {
            assets.openFd(asset).use { part ->
                FileInputStream(part.fileDescriptor).channel.use {
                    it.map(FileChannel.MapMode.READ_ONLY, part.startOffset, part.length)
                }
            }
        } catch (_: IOException) {
            try {
                ByteBuffer.wrap(assets.open(asset).use { it.readBytes() })
            } catch (_: FileNotFoundException) {
                null
            }
        }

    private companion object {
        const val SPEC_FILE = "model_spec.json"
    }
}
