package gate

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.os.Handler
import android.os.Looper
import android.view.PixelCopy
import android.view.View
import android.view.Window
import org.robolectric.Shadows.shadowOf

/** All windows, as they lie upon each other; the lower ones darkened as Android would. */
fun draw(activity: Activity): Bitmap {
    val decor = activity.window.decorView
    val picture = Bitmap.createBitmap(decor.width, decor.height, Bitmap.Config.ARGB_8888)
    val canvas = Canvas(picture)
    canvas.drawColor(Color.BLACK)
    for (view in Screen.windows) {
        // Else it depends on the computer how far the ripple of a touch has got.
        view.jumpDrawablesToCurrentState()
        val place = IntArray(2).also(view::getLocationOnScreen)
        canvas.drawBitmap(drawn(view, activity), place[0].toFloat(), place[1].toFloat(), null)
    }
    return picture
}

private fun drawn(
    view: View,
    activity: Activity,
): Bitmap {
    val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
    val window = windowOf(view, activity)
    if (window == null) {
        view.draw(Canvas(bitmap))
        return bitmap
    }
    var result = -1
    PixelCopy.request(window, bitmap, { result = it }, Handler(Looper.getMainLooper()))
    shadowOf(Looper.getMainLooper()).idle()
    check(result == PixelCopy.SUCCESS) { "the window can't be drawn: $result" }
    return bitmap
}

private fun windowOf(
    view: View,
    activity: Activity,
): Window? =
    if (view === activity.window.decorView) {
        activity.window
    } else {
        view.javaClass.declaredFields
            .firstOrNull { Window::class.java.isAssignableFrom(it.type) }
            ?.let {
                it.isAccessible = true
                it.get(view) as Window
            }
    }

fun Bitmap.save(name: String) {
    Files.output("$name.png").outputStream().use { compress(Bitmap.CompressFormat.PNG, 100, it) }
}
