package gate

import android.app.Application
import android.content.res.AssetManager
import java.io.File

/** The app, with other assets where a test says so. */
class AppWithAssets : Application() {
    override fun getAssets(): AssetManager = replaced ?: super.getAssets()

    companion object {
        private var replaced: AssetManager? = null

        /** From `NAME.zip` in the folder that Python filled; null for the app's own. */
        @Suppress("DEPRECATION") // What takes its place is hidden.
        fun use(name: String?) {
            replaced =
                name?.let {
                    val file = Files.input("$it.zip")
                    AssetManager::class.java.getConstructor().newInstance().also { assets ->
                        val cookie = assets.addAssetPath(file.path)
                        check(cookie != 0) { "$file can't be read" }
                    }
                }
        }
    }
}

/** What Python gives (-Dscreens=/its/folder) and gets. */
object Files {
    private val folder = File(checkNotNull(System.getProperty("screens")) { "Say -Dscreens=..." })

    fun input(name: String): File =
        folder.resolve("input/$name").also { check(it.exists()) { "$it is missing" } }

    fun output(name: String): File =
        folder.resolve("output/$name").also { it.parentFile!!.mkdirs() }
}
