package com.example.demo.classifier

import java.nio.ByteBuffer
import java.nio.ByteOrder
import com.example.demo.core.ActualTensor
import com.example.demo.core.ModelMismatchException
import com.example.demo.core.TensorType

/**
 * The inputs and outputs that a .tflite file itself declares, read from its FlatBuffer.
 *
 * LiteRT's own Kotlin API can't say it: it knows no UINT8.
 */
internal class TfliteTensors private constructor(
    val inputs: List<ActualTensor>,
    val outputs: List<ActualTensor>,
) {
    /** A FlatBuffer table; its vtable says where its fields are. */
    private class Table(
        private val bytes: ByteBuffer,
        private val position: Int,
    ) {
        private val vtable = position - bytes.getInt(position)

        fun tables(index: Int): List<Table> = vector(index) { Table(bytes, it + bytes.getInt(it)) }

        fun ints(index: Int): List<Int> = vector(index) { bytes.getInt(it) }

        fun byte(index: Int): Int = place(index)?.let { bytes.get(it).toInt() } ?: 0

        fun text(index: Int): String {
            val start = reference(index) ?: return ""
            val text = ByteArray(bytes.getInt(start))
            for (i in text.indices) text[i] = bytes.get(start + Int.SIZE_BYTES + i)
            return text.toString(Charsets.UTF_8)
        }

        private fun <T> vector(
            index: Int,
            element: (Int) -> T,
        ): List<T> {
            val start = reference(index) ?: return emptyList()
            return List(bytes.getInt(start)) { element(start + Int.SIZE_BYTES * (it + 1)) }
        }

        private fun reference(index: Int): Int? = place(index)?.let { it + bytes.getInt(it) }

        /** Where a field is, or null when the file leaves it at its default. */
        private fun place(index: Int): Int? {
            val entry = Int.SIZE_BYTES + Short.SIZE_BYTES * index
            if (entry >= bytes.getShort(vtable)) return null
            val offset = bytes.getShort(vtable + entry).toInt()
            return if (offset == 0) null else position + offset
        }
    }

    companion object {
        // Field numbers and types of the TFLite schema, version 3.
        private const val MODEL_SUBGRAPHS = 2
        private const val SUBGRAPH_TENSORS = 0
        private const val SUBGRAPH_INPUTS = 1
        private const val SUBGRAPH_OUTPUTS = 2
        private const val TENSOR_SHAPE = 0
        private const val TENSOR_TYPE = 1
        private const val TENSOR_NAME = 3
        private val TYPES =
            mapOf(0 to TensorType.FLOAT32, 3 to TensorType.UINT8, 9 to TensorType.INT8)
        private val IDENTIFIER = "TFL3".toByteArray()

        fun read(
            content: ByteBuffer,
            where: String,
        ): TfliteTensors {
            val bytes = content.duplicate().order(ByteOrder.LITTLE_ENDIAN)
            return try {
                require(IDENTIFIER.indices.all { bytes.get(Int.SIZE_BYTES + it) == IDENTIFIER[it] })
                val graph = Table(bytes, bytes.getInt(0)).tables(MODEL_SUBGRAPHS).first()
                val tensors = graph.tables(SUBGRAPH_TENSORS)
                TfliteTensors(
                    graph.ints(SUBGRAPH_INPUTS).map { tensors[it].described() },
                    graph.ints(SUBGRAPH_OUTPUTS).map { tensors[it].described() },
                )
            } catch (e: RuntimeException) {
                throw ModelMismatchException("$where is not a whole .tflite file ($e). Copy it.")
            }
        }

        private fun Table.described() =
            ActualTensor(text(TENSOR_NAME), ints(TENSOR_SHAPE), TYPES[byte(TENSOR_TYPE)])
    }
}
