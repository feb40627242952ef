package gate

import android.graphics.Bitmap
import android.graphics.Color
import androidx.compose.ui.geometry.Rect
import androidx.compose.ui.node.RootForTest
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.text.TextLayoutResult
import kotlin.math.max
import kotlin.math.min
import kotlin.math.pow

/** What is wrong with what the window on top shows, measured; [picture] is of all windows. */
fun faults(picture: Bitmap): List<String> =
    Screen.nodes().flatMap(::faultsOfButton) +
        Screen.nodes(merged = false).flatMap { faultsOfText(it, picture) } +
        listOfNotNull("no heading".takeIf { Screen.nodes(merged = false).none(::isHeading) })

private fun isHeading(node: SemanticsNode) = SemanticsProperties.Heading in node.config

private fun faultsOfButton(node: SemanticsNode): List<String> {
    if (SemanticsActions.OnClick !in node.config) return emptyList()
    // The rest of the screen behind a sheet; it isn't seen as a button.
    if (SemanticsProperties.Role !in node.config) return emptyList()
    val density = node.layoutInfo.density.density
    val target = node.touchBoundsInRoot
    return listOfNotNull(
        "no name for the button at ${node.boundsInRoot}".takeIf { node.words.isEmpty() },
        "${node.words}: ${target.width / density} x ${target.height / density} dp to touch"
            .takeIf { !node.isCut() && min(target.width, target.height) < LEAST_TARGET * density },
    )
}

/** What scrolls out of sight isn't faulty for it. */
private fun SemanticsNode.isCut() = !isWhole()

private fun faultsOfText(
    node: SemanticsNode,
    picture: Bitmap,
): List<String> {
    val layouts = mutableListOf<TextLayoutResult>()
    val lay = node.config.getOrNull(SemanticsActions.GetTextLayoutResult)
    lay?.action?.invoke(layouts)
    val layout = layouts.firstOrNull() ?: return emptyList()
    val text = layout.layoutInput.text.text
    val broken =
        (0 until layout.lineCount - 1)
            .map(layout::getLineEnd)
            .filter { it in 1 until text.length }
            .any { text[it - 1].isLetterOrDigit() && text[it].isLetterOrDigit() }
    val contrast = if (node.isWhole() && isEnabled(node)) contrast(place(node), picture) else null
    return listOfNotNull(
        "\"$text\" is cut off".takeIf { isCut(layout) },
        "a word of \"$text\" is broken".takeIf { broken },
        "\"$text\" has a contrast of $contrast"
            .takeIf { contrast != null && contrast < LEAST_CONTRAST },
    )
}

private fun isCut(layout: TextLayoutResult) =
    layout.didOverflowHeight || (0 until layout.lineCount).any(layout::isLineEllipsized)

private fun isEnabled(node: SemanticsNode): Boolean =
    generateSequence(node) { it.parent }.none { SemanticsProperties.Disabled in it.config }

/** In the picture. */
private fun place(node: SemanticsNode): Rect {
    val offset = IntArray(2)
    (node.root as RootForTest as android.view.View).getLocationOnScreen(offset)
    return node.boundsInRoot.translate(offset[0].toFloat(), offset[1].toFloat())
}

/** Of the darkest and the lightest in this place, as WCAG 2 counts it. */
private fun contrast(
    place: Rect,
    picture: Bitmap,
): Double? {
    val left = max(0, place.left.toInt())
    val top = max(0, place.top.toInt())
    val width = min(picture.width, place.right.toInt()) - left
    val height = min(picture.height, place.bottom.toInt()) - top
    if (width <= 0 || height <= 0) return null
    val pixels = IntArray(width * height)
    picture.getPixels(pixels, 0, width, left, top, width, height)
    val lights = pixels.distinct().map(::luminance)
    return (lights.max() + FLARE) / (lights.min() + FLARE)
}

private fun luminance(color: Int): Double {
    fun linear(channel: Int): Double {
        val share = channel / 255.0
        return if (share <= 0.04045) share / 12.92 else ((share + 0.055) / 1.055).pow(2.4)
    }
    return 0.2126 * linear(Color.red(color)) + 0.7152 * linear(Color.green(color)) +
        0.0722 * linear(Color.blue(color))
}

private const val LEAST_TARGET = 48f - 0.5f
private const val LEAST_CONTRAST = 4.5
private const val FLARE = 0.05
