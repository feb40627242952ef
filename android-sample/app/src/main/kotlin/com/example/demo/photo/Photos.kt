package com.example.demo.photo

import android.graphics.Bitmap
import android.net.Uri

/** The user's photos, upright. */
interface Photos {
    /** So that the photo can still be read when the app comes back after its process was ended. */
    fun keep(photo: Uri)

    /** Throws IOException or SecurityException when the photo is gone, damaged or not ours. */
    suspend fun read(photo: Uri): Bitmap
}
