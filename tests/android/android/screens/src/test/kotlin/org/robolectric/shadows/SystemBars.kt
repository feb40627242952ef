package org.robolectric.shadows

/** Status bar and gesture bar; Robolectric keeps them to its own package. */
object SystemBars {
    fun show() {
        SystemUi
            .systemUiForDefaultDisplay()
            .setBehavior(SystemUi.STANDARD_STATUS_BAR, SystemUi.GESTURAL_NAVIGATION)
    }
}
