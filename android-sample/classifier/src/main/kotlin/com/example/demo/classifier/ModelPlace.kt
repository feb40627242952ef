package com.example.demo.classifier

import android.content.res.AssetManager
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import java.io.File
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/** Where a model lies, with other files beside it. */
internal interface ModelPlace {
    val modelFile: String

    /** A file beside the model, as messages call it. */
    fun name(file: String): String

    /** The text of a file beside the model; null when there is none. */
    fun text(file: String): String?

    /** The model's bytes, mapped where that goes; null when it isn't there. */
    fun content(): ByteBuffer?

    fun compile(
        options: CompiledModel.Options,
        environment: Environment,
    ): CompiledModel
}

internal class AssetPlace(
    private val assets: AssetManager,
    private val modelAsset: String,
) : ModelPlace {
    override val modelFile = modelAsset.substringAfterLast('/')

    override fun name(file: String): String = "assets/${beside(file)}"

    override fun text(file: String): String? =
        try {
            assets.open(beside(file)).use { it.readBytes().toString(Charsets.UTF_8) }
        } catch (_: FileNotFoundException) {
            null
        }

    override fun content(): ByteBuffer? =
        try {
            assets.openFd(modelAsset).use { part ->
                FileInputStream(part.fileDescriptor).channel.use {
                    it.map(FileChannel.MapMode.READ_ONLY, part.startOffset, part.length)
                }
            }
        } catch (_: IOException) {
            // It was compressed into the app, or isn't there.
            try {
                ByteBuffer.wrap(assets.open(modelAsset).use { it.readBytes() })
            } catch (_: FileNotFoundException) {
                null
            }
        }

    override fun compile(
        options: CompiledModel.Options,
        environment: Environment,
    ): CompiledModel = CompiledModel.create(assets, modelAsset, options, environment)

    private fun beside(file: String): String =
        modelAsset.substringBeforeLast('/', "").let { if (it.isEmpty()) file else "$it/$file" }
}

internal class FilePlace(
    private val model: File,
) : ModelPlace {
    override val modelFile: String = model.name

    override fun name(file: String): String = model.resolveSibling(file).path

    override fun text(file: String): String? =
        try {
            model.resolveSibling(file).readText()
        } catch (_: FileNotFoundException) {
            null
        }

    override fun content(): ByteBuffer? =
        try {
            FileInputStream(model).channel.use {
                it.map(FileChannel.MapMode.READ_ONLY, 0, it.size())
            }
        } catch (_: FileNotFoundException) {
            null
        }

    override fun compile(
        options: CompiledModel.Options,
        environment: Environment,
    ): CompiledModel = CompiledModel.create(model.path, options, environment)
}
