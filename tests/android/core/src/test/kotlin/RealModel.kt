package gate

import java.io.File
import java.nio.ByteBuffer
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject
import com.example.flowers.core.ModelSpec
import com.example.flowers.core.parseLabels

/** A model that packager built, and what Python makes of real photos with it. */
internal class RealModel(
    case: JsonObject,
) {
    private val folder = File(case.text("folder"))
    val file = folder.resolve("model.tflite")
    val spec = ModelSpec.parse(folder.resolve("model_spec.json").readText())
    val labels = parseLabels(folder.resolve("labels.txt").readText(), spec)
    val photos = case.list("photos").map { it.jsonObject }

    fun bytes(): ByteBuffer = ByteBuffer.wrap(file.readBytes())

    companion object {
        fun all(): List<RealModel> = GoldenFiles.cases("models").map(::RealModel)
    }
}
