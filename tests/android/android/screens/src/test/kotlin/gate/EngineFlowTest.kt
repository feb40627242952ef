package gate

import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(application = AppWithAssets::class, sdk = [36])
class EngineFlowTest {
    @get:Rule val phone = OnPhone()

    @Test
    fun everyEntrySaysHowItTurnedOut() {
        RunningApp().use { app ->
            app.untilClassified()
            app.tap("Engine settings")
            app.untilShown("In use")
            for ((accelerator, where) in listOf("GPU" to "(arm64-v8a)", "NPU" to "(QTI SM6375)")) {
                app.tap(accelerator)
                app.until("the reason") {
                    Screen.button(accelerator).words.any {
                        it.startsWith("Not available: ") && where in it
                    }
                }
                assertEquals("what runs is ticked", true, ticked("CPU"))
                assertEquals(false, ticked(accelerator))
            }
            app.tap("CPU")
            app.until("the CPU") { !app.shows("Not available") && app.shows("In use") }
            app.back()
            assertFalse("the sheet is closed", app.shows("CPU threads"))
            app.untilShown(CAMERA)
        }
    }

    @Test
    fun aRefusalStandsBesideTheResults() {
        RunningApp().use { app ->
            app.tap("Engine settings")
            app.tap("GPU")
            app.untilShown("Not available")
            app.back()
            app.untilShown("GPU isn't available: LiteRT")
        }
    }

    @Test
    fun theChoiceIsStillThereWhenThePhoneIsTurnedAndTheProcessEnded() {
        RunningApp().use { app ->
            app.tap("Engine settings")
            app.tap("CPU threads: 2")
            app.turn(OnPhone.LANDSCAPE)
            app.untilShown("CPU threads: 2")
            app.back()
            app.untilShown("threads: 2")
            app.endProcessAndReturn()
            app.untilShown("threads: 2")
        }
    }

    @Test
    fun aModelThatDoesNotMatchItsContractIsRefused() {
        AppWithAssets.use("mismatch")
        RunningApp().use { app ->
            app.untilShown("Can't load the model")
            app.untilShown("labels.txt has 4 labels, but model_spec.json says 5")
            AppWithAssets.use("demo")
            app.tap("Try again")
            app.untilClassified()
        }
    }

    private fun ticked(accelerator: String) =
        Screen.button(accelerator).config.getOrNull(SemanticsProperties.Selected)
}
