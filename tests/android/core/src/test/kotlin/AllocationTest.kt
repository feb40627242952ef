package gate

import com.sun.management.ThreadMXBean
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlinx.serialization.json.jsonObject
import com.example.flowers.core.Preprocessor

class AllocationTest {
    private val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean

    @Test
    fun `preprocessing frames of one size allocates nothing`() {
        val rules = GoldenFiles.cases("views").groupBy { it.text("rule") }
        for ((rule, views) in rules) {
            for (input in views.first().list("inputs").map { it.jsonObject }) {
                val spec = input.spec()
                val preprocessor = Preprocessor(spec)
                val target =
                    ByteBuffer.allocateDirect(spec.input.byteCount).order(ByteOrder.nativeOrder())
                val frame = IntArray(64 * 48) { it * 977 }
                val bytes =
                    List(20) { allocated { preprocessor.run(frame, 64, 48, 90, target) } }
                // The JVM itself allocates now and then, while it warms up.
                assertEquals(0, bytes.drop(5).min(), "$rule, ${spec.input.type}: $bytes")
            }
        }
        assertEquals(setOf("stretch", "crop"), rules.keys)
    }

    @Test
    fun `the measurement sees what is allocated`() {
        assertTrue(allocated { ByteArray(1000).fill(1) } >= 1000)
    }

    private inline fun allocated(work: () -> Unit): Long {
        val before = threads.currentThreadAllocatedBytes
        work()
        return threads.currentThreadAllocatedBytes - before
    }
}
