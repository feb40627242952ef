package com.example.demo.share

import android.content.ClipData
import android.content.Context
import android.content.Intent
import androidx.core.content.FileProvider
import java.io.File

/** Where files that may be shared lie; res/xml/shared_files.xml names the same folder. */
fun sharedFile(
    context: Context,
    name: String,
): File = context.cacheDir.resolve("shared").resolve(name)

/** Lets the user choose an app that gets the file. */
fun shareResults(
    context: Context,
    file: File,
) {
    val uri = FileProvider.getUriForFile(context, "${context.packageName}.files", file)
    val send =
        Intent(Intent.ACTION_SEND)
            .setType("application/json")
            .putExtra(Intent.EXTRA_STREAM, uri)
            .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
    // The chooser hands on the right to read what is in the clip.
    send.clipData = ClipData.newRawUri(file.name, uri)
    context.startActivity(Intent.createChooser(send, null))
}
