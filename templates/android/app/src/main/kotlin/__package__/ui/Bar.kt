package [[ package ]].ui

import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.draw.drawBehind
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.unit.Dp
import androidx.compose.ui.unit.LayoutDirection

/** As long as [share] of its width, 0..1: shares of one screen can be compared by eye. */
@Composable
internal fun Bar(
    share: Float,
    height: Dp,
    modifier: Modifier = Modifier,
    color: Color = MaterialTheme.colorScheme.primary,
) {
    val track = MaterialTheme.colorScheme.surfaceContainerHighest
    Spacer(
        modifier.fillMaxWidth().height(height).clip(CircleShape).drawBehind {
            drawRect(track)
            val length = size.width * share.coerceIn(0f, 1f)
            val begin = if (layoutDirection == LayoutDirection.Rtl) size.width - length else 0f
            drawRect(color, Offset(begin, 0f), Size(length, size.height))
        },
    )
}
