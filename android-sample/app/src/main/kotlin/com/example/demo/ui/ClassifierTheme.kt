package com.example.demo.ui

import android.os.Build
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Typography
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.dynamicDarkColorScheme
import androidx.compose.material3.dynamicLightColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.platform.LocalLayoutDirection
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.text.style.TextDirection
import androidx.compose.ui.unit.LayoutDirection

/** The phone's own colours where it has some, light or dark as it is set. */
@Composable
fun ClassifierTheme(content: @Composable () -> Unit) {
    val dark = isSystemInDarkTheme()
    val colors =
        when {
            Build.VERSION.SDK_INT >= Build.VERSION_CODES.S -> {
                val context = LocalContext.current
                if (dark) dynamicDarkColorScheme(context) else dynamicLightColorScheme(context)
            }

            dark -> {
                DARK
            }

            else -> {
                LIGHT
            }
        }
    val direction = LocalLayoutDirection.current
    val typography = remember(direction) { Typography().readingBesides(direction) }
    MaterialTheme(colorScheme = colors, typography = typography, content = content)
}

/**
 * Text in the direction of its own letters, at the side where the screen begins: labels and
 * sentences may be in another script than the phone's language.
 */
private fun Typography.readingBesides(direction: LayoutDirection): Typography {
    val begin = if (direction == LayoutDirection.Rtl) TextAlign.Right else TextAlign.Left

    fun TextStyle.own() = copy(textDirection = TextDirection.Content, textAlign = begin)
    return copy(
        headlineSmall = headlineSmall.own(),
        titleLarge = titleLarge.own(),
        titleMedium = titleMedium.own(),
        titleSmall = titleSmall.own(),
        bodyLarge = bodyLarge.own(),
        bodyMedium = bodyMedium.own(),
        bodySmall = bodySmall.own(),
        labelLarge = labelLarge.own(),
    )
}

private val LIGHT =
    lightColorScheme(
        primary = Color(0xFF1E6A62),
        onPrimary = Color(0xFFFFFFFF),
        primaryContainer = Color(0xFFA8F0E6),
        onPrimaryContainer = Color(0xFF00504A),
        secondary = Color(0xFF4A6460),
        onSecondary = Color(0xFFFFFFFF),
        secondaryContainer = Color(0xFFCCE8E3),
        onSecondaryContainer = Color(0xFF334C48),
        background = Color(0xFFF6FAF8),
        onBackground = Color(0xFF1A2322),
        surface = Color(0xFFF6FAF8),
        onSurface = Color(0xFF1A2322),
        surfaceVariant = Color(0xFFD9E5E2),
        onSurfaceVariant = Color(0xFF4B5654),
        outline = Color(0xFF6C7775),
        outlineVariant = Color(0xFFBBC7C4),
        surfaceContainerLowest = Color(0xFFFFFFFF),
        surfaceContainerLow = Color(0xFFEEF5F3),
        surfaceContainer = Color(0xFFE7F0ED),
        surfaceContainerHigh = Color(0xFFE1EAE7),
        surfaceContainerHighest = Color(0xFFD9E5E2),
    )
private val DARK =
    darkColorScheme(
        primary = Color(0xFF9CD1C9),
        onPrimary = Color(0xFF003732),
        primaryContainer = Color(0xFF265B55),
        onPrimaryContainer = Color(0xFFB8EEE6),
        secondary = Color(0xFFB1CCC7),
        onSecondary = Color(0xFF1C3531),
        secondaryContainer = Color(0xFF334C48),
        onSecondaryContainer = Color(0xFFCCE8E3),
        background = Color(0xFF0E1514),
        onBackground = Color(0xFFDCE8E5),
        surface = Color(0xFF0E1514),
        onSurface = Color(0xFFDCE8E5),
        surfaceVariant = Color(0xFF3F4A48),
        onSurfaceVariant = Color(0xFFBBC7C4),
        outline = Color(0xFF869190),
        outlineVariant = Color(0xFF3F4A48),
        surfaceContainerLowest = Color(0xFF090F0E),
        surfaceContainerLow = Color(0xFF161D1C),
        surfaceContainer = Color(0xFF1A2120),
        surfaceContainerHigh = Color(0xFF242C2A),
        surfaceContainerHighest = Color(0xFF2F3735),
    )
