package gate

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import com.example.flowers.core.ModelSpec

/** What Python wrote for these tests (-Dgolden=/its/folder); see golden.py. */
internal object GoldenFiles {
    private val folder = File(setting("golden"))
    private val root = Json.parseToJsonElement(folder.resolve("golden.json").readText()).jsonObject

    fun text(name: String): String = folder.resolve(name).readText()

    fun cases(kind: String): List<JsonObject> =
        root.list(kind).map { it.jsonObject }.also { check(it.isNotEmpty()) { "no $kind" } }

    /** The numbers of a file, in native byte order. */
    fun numbers(name: String): ByteBuffer {
        val bytes = folder.resolve(name).readBytes()
        check(ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) { "not on this machine" }
        return ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder()).put(0, bytes)
    }

    fun pixels(name: String): IntArray =
        numbers(name).asIntBuffer().let {
            IntArray(it.remaining()).apply(it::get)
        }
}

internal fun setting(name: String): String =
    checkNotNull(System.getProperty(name)) {
        "Say -D$name=..."
    }

internal fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content

internal fun JsonObject.int(name: String): Int = getValue(name).jsonPrimitive.int

internal fun JsonObject.double(name: String): Double = getValue(name).jsonPrimitive.double

internal fun JsonObject.list(name: String): List<JsonElement> = getValue(name).jsonArray

internal fun JsonObject.ints(name: String): List<Int> = list(name).map { it.jsonPrimitive.int }

internal fun JsonObject.doubles(name: String): List<Double> =
    list(name).map {
        it.jsonPrimitive.double
    }

internal fun JsonObject.spec(): ModelSpec = ModelSpec.parse(getValue("spec").toString())
