package com.example.demo.core

import java.nio.ByteBuffer
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertFailsWith

class ModelCheckTest {
    private val spec = ModelSpec.parse(specJson())
    private val input = ActualTensor("image", listOf(1, 2, 4, 3), TensorType.UINT8)
    private val output = ActualTensor("scores", listOf(1, 3), TensorType.UINT8)

    @Test
    fun `accepts the model, whatever its tensors are called`() {
        spec.check(listOf(input), listOf(output))
        spec.check(listOf(input.copy(name = "args_0", type = null)), listOf(output))
    }

    @Test
    fun `names every difference`() {
        val wrong = input.copy(shape = listOf(1, 3, 3, 3), type = TensorType.INT8)
        val message = refusal(listOf(wrong), listOf(output.copy(shape = listOf(1, 4))))
        assertContains(message, "input image has the shape [1, 3, 3, 3], not [1, 2, 4, 3]")
        assertContains(message, "input image is INT8, not UINT8")
        assertContains(message, "output scores has the shape [1, 4], not [1, 3]")
    }

    @Test
    fun `takes one input and one output`() {
        assertContains(refusal(emptyList(), listOf(output)), "0 inputs")
        assertContains(refusal(listOf(input), listOf(output, output)), "2 outputs")
    }

    @Test
    fun `tells another file by its digest`() {
        val model = ByteBuffer.wrap(byteArrayOf(1, 2, 3))
        val digest = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
        spec.copy(sha256 = digest).checkFile(model)
        spec.copy(sha256 = digest).checkFile(model)
        assertFailsWith<ModelMismatchException> { spec.checkFile(model) }
    }

    private fun refusal(
        inputs: List<ActualTensor>,
        outputs: List<ActualTensor>,
    ): String =
        assertFailsWith<ModelMismatchException> { spec.check(inputs, outputs) }.message.orEmpty()
}
