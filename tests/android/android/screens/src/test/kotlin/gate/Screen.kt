package gate

import android.view.View
import android.view.ViewGroup
import android.view.WindowManagerGlobal
import androidx.compose.ui.node.RootForTest
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getAllSemanticsNodes
import androidx.compose.ui.semantics.getOrNull
import org.robolectric.util.ReflectionHelpers

/** What all windows show now, as a screen reader finds it. */
object Screen {
    val windows: List<View>
        get() = ReflectionHelpers.getField(WindowManagerGlobal.getInstance(), "mViews")

    fun roots(view: View): List<RootForTest> =
        when (view) {
            is RootForTest -> listOf(view)
            is ViewGroup -> (0 until view.childCount).flatMap { roots(view.getChildAt(it)) }
            else -> emptyList()
        }

    /** Those of the window on top only, which is all that a person can reach. */
    fun nodes(merged: Boolean = true): List<SemanticsNode> =
        windows
            .lastOrNull { roots(it).isNotEmpty() }
            ?.let(::roots)
            .orEmpty()
            .flatMap { it.semanticsOwner.getAllSemanticsNodes(merged) }

    fun texts(): List<String> = nodes().flatMap { it.words }

    /** The one whose text, or spoken name, is [text]. */
    fun node(text: String): SemanticsNode =
        nodes().lastOrNull { text in it.words }
            ?: throw AssertionError("\"$text\" isn't shown, but ${texts()}")

    fun button(text: String): SemanticsNode =
        generateSequence(node(text)) { it.parent }
            .firstOrNull { SemanticsActions.OnClick in it.config }
            ?: throw AssertionError("\"$text\" is no button")
}

/** All that is read out of a node. */
val SemanticsNode.words: List<String>
    get() =
        config.getOrNull(SemanticsProperties.Text).orEmpty().map { it.text } +
            config.getOrNull(SemanticsProperties.ContentDescription).orEmpty()
