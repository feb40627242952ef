package com.example.demo.benchmark

import android.graphics.Bitmap
import java.util.Random
import com.example.demo.core.benchmark.SamplePhoto

private const val WIDTH = 640
private const val HEIGHT = 480
private const val COUNT = 4
private const val CELL = 16

/**
 * Pictures where there are no photos: patches of colour with noise on them, the same each time.
 *
 * Not plain ones: zeros may be multiplied faster.
 */
internal fun textures(): List<SamplePhoto> =
    List(COUNT) { BitmapPhoto("texture-$it", texture(Random(it.toLong()))) }

private fun texture(random: Random): Bitmap {
    val across = WIDTH / CELL
    val patches = IntArray(across * (HEIGHT / CELL)) { random.nextInt() }
    val argb =
        IntArray(WIDTH * HEIGHT) {
            val patch = patches[it / WIDTH / CELL * across + it % WIDTH / CELL]
            val noise = random.nextInt() and 0x1F1F1F
            patch xor noise or (255 shl 24)
        }
    return Bitmap.createBitmap(argb, WIDTH, HEIGHT, Bitmap.Config.ARGB_8888)
}
