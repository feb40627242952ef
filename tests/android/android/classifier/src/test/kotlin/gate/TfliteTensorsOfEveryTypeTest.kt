package gate

import java.io.File
import java.nio.ByteBuffer
import org.junit.Assert.assertEquals
import org.junit.Test
import com.example.flowers.classifier.TfliteTensors
import com.example.flowers.core.ModelSpec
import com.example.flowers.core.TensorType
import com.example.flowers.core.check
import com.example.flowers.core.checkFile

/** With models that Python built, one of each type: what it wrote of them is what Kotlin reads. */
class TfliteTensorsOfEveryTypeTest {
    private val folders = System.getProperty("models").split(File.pathSeparator).map(::File)

    @Test
    fun `the contract is that of the file`() {
        val types =
            folders.map { folder ->
                val spec = ModelSpec.parse(File(folder, "model_spec.json").readText())
                val content = ByteBuffer.wrap(File(folder, spec.file).readBytes())
                val tensors = TfliteTensors.read(content, spec.file)
                spec.check(tensors.inputs, tensors.outputs)
                spec.checkFile(content)
                assertEquals(spec.input.name, tensors.inputs.single().name)
                assertEquals(spec.output.name, tensors.outputs.single().name)
                tensors.inputs.single().type
            }
        assertEquals(TensorType.entries.toSet(), types.toSet())
    }
}
