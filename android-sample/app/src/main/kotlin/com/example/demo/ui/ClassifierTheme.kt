package com.example.demo.ui

import android.os.Build
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.dynamicDarkColorScheme
import androidx.compose.material3.dynamicLightColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.LocalContext

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
    MaterialTheme(colorScheme = colors, content = content)
}

private val LIGHT =
    lightColorScheme(
        primary = Color(0xFF0B5D56),
        onPrimary = Color(0xFFFFFFFF),
        primaryContainer = Color(0xFFB5ECE4),
        onPrimaryContainer = Color(0xFF00201D),
    )
private val DARK =
    darkColorScheme(
        primary = Color(0xFF85D5CA),
        onPrimary = Color(0xFF003732),
        primaryContainer = Color(0xFF005049),
        onPrimaryContainer = Color(0xFFB5ECE4),
    )
