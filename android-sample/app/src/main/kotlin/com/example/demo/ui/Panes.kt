package com.example.demo.ui

import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.layout.widthIn
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.unit.dp

/** A picture and what is said of it: below each other, or side by side where that's wider. */
@Composable
internal fun Panes(
    picture: @Composable () -> Unit,
    results: @Composable (Modifier) -> Unit,
    modifier: Modifier = Modifier,
) {
    BoxWithConstraints(modifier.fillMaxSize()) {
        val maxWidth = maxWidth
        if (maxWidth > maxHeight) {
            Row(Modifier.padding(horizontal = 16.dp)) {
                Box(
                    Modifier.weight(1f).fillMaxHeight().padding(end = 8.dp, bottom = 16.dp),
                    contentAlignment = Alignment.Center,
                ) {
                    picture()
                }
                results(Modifier.width(minOf(maxWidth / 2, WIDEST_RESULTS)))
            }
        } else {
            // Large letters need the room more than the picture does.
            val share = if (LocalDensity.current.fontScale > LARGE_FONT) 0.6f else 1f
            Column(horizontalAlignment = Alignment.CenterHorizontally) {
                Box(
                    Modifier.weight(share).fillMaxWidth().padding(horizontal = 16.dp),
                    contentAlignment = Alignment.Center,
                ) {
                    picture()
                }
                results(Modifier.weight(1f).widthIn(max = WIDEST_RESULTS))
            }
        }
    }
}

private val WIDEST_RESULTS = 560.dp
private const val LARGE_FONT = 1.5f
