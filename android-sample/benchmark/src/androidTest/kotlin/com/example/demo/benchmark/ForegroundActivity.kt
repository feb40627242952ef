package com.example.demo.benchmark

import android.app.Activity
import android.os.Build
import android.os.Bundle
import android.view.WindowManager

/** An empty screen that stays on, over a locked one too. */
class ForegroundActivity : Activity() {
    @Suppress("DEPRECATION") // The flags are all that Android 7 and 8.0 have.
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O_MR1) {
            setShowWhenLocked(true)
            setTurnScreenOn(true)
        } else {
            window.addFlags(
                WindowManager.LayoutParams.FLAG_SHOW_WHEN_LOCKED or
                    WindowManager.LayoutParams.FLAG_TURN_SCREEN_ON,
            )
        }
    }
}
