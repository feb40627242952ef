package com.example.demo.core.benchmark

import java.io.File
import java.io.FileOutputStream
import java.io.IOException

/** Writes the file whole or not at all; who reads it meanwhile reads the one before. */
fun writeWhole(
    file: File,
    text: String,
) {
    val fresh = File.createTempFile(file.name, ".part", file.absoluteFile.parentFile)
    try {
        FileOutputStream(fresh).use {
            it.write(text.encodeToByteArray())
            it.fd.sync()
        }
        // For a computer that reads it through adb.
        fresh.setReadable(true, false)
        if (!fresh.renameTo(file)) throw IOException("$file can't be written.")
    } finally {
        fresh.delete()
    }
}
