package gate

import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import org.tensorflow.lite.support.metadata.MetadataExtractor
import org.tensorflow.lite.support.metadata.schema.NormalizationOptions
import org.tensorflow.lite.support.metadata.schema.ProcessUnitOptions
import com.example.flowers.core.TensorType

/** Android's own reader of metadata finds in the model what model_spec.json says. */
class MetadataExtractorTest {
    @Test
    fun `finds the labels`() {
        forEachModel { model, metadata ->
            assertTrue("labels.txt" in metadata.associatedFileNames)
            val text =
                metadata
                    .getAssociatedFile(
                        "labels.txt",
                    ).use { it.readBytes().decodeToString() }
            assertEquals(model.labels, text.trimEnd('\n').split('\n'))
        }
    }

    @Test
    fun `finds the normalisation`() {
        forEachModel { model, metadata ->
            val image = checkNotNull(metadata.getInputTensorMetadata(0))
            assertEquals(1, image.processUnitsLength())
            val unit = image.processUnits(0)
            assertEquals(ProcessUnitOptions.NormalizationOptions, unit.optionsType())
            val options = unit.options(NormalizationOptions()) as NormalizationOptions
            assertEquals(1, options.meanLength())
            assertEquals(listOf(127f), model.spec.mean)
            assertEquals(127f, options.mean(0))
            assertEquals(128f, options.std(0))
        }
    }

    @Test
    fun `finds the tensors`() {
        forEachModel { model, metadata ->
            assertEquals(1, metadata.inputTensorCount)
            assertEquals(1, metadata.outputTensorCount)
            assertContentEquals(
                model.spec.input.shape
                    .toIntArray(),
                metadata.getInputTensorShape(0),
            )
            assertContentEquals(
                model.spec.output.shape
                    .toIntArray(),
                metadata.getOutputTensorShape(0),
            )
            val output = metadata.getOutputTensorQuantizationParams(0)
            if (model.spec.output.type != TensorType.FLOAT32) {
                assertEquals(model.spec.output.scale, output.scale)
                assertEquals(model.spec.output.zeroPoint, output.zeroPoint)
            }
        }
    }

    private fun forEachModel(look: (RealModel, MetadataExtractor) -> Unit) {
        for (model in RealModel.all()) look(model, MetadataExtractor(model.bytes()))
    }
}
