package gate

import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import com.example.flowers.core.NanoClock

/** In place of the system's clock: the same times are measured on every computer. */
@Implements(className = "com.example.flowers.core.NanoClockKt", isInAndroidSdk = false)
object CountedTime {
    private const val BEFORE_RUN = 700_000L
    private const val AFTER_RUN = 20_000L
    private val nanos = AtomicLong()
    private val readingsSinceRun = AtomicInteger()
    private val clock =
        NanoClock {
            val more =
                when (readingsSinceRun.incrementAndGet()) {
                    1 -> 0
                    2 -> AFTER_RUN
                    else -> BEFORE_RUN
                }
            nanos.addAndGet(more)
        }

    /** While the model runs. */
    fun run(more: Long) {
        nanos.addAndGet(more)
        readingsSinceRun.set(0)
    }

    @JvmStatic
    @Implementation
    @Suppress("ktlint:standard:function-naming", "FunctionName", "unused")
    fun getSYSTEM_CLOCK(): NanoClock = clock
}
