package com.example.demo.benchmark

import android.graphics.Bitmap
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import com.example.demo.classifier.ImageClassifier

/** The app's model opens on this phone, and gives every class a score. */
@RunWith(AndroidJUnit4::class)
class ModelOnDeviceTest {
    @Test
    fun scoresEveryClass() =
        runBlocking {
            ImageClassifier.create(ApplicationProvider.getApplicationContext()).use { classifier ->
                val classes = classifier.spec.classCount
                val blank = Bitmap.createBitmap(320, 240, Bitmap.Config.ARGB_8888)
                val result = classifier.classify(blank, topK = classes, threshold = -1f)
                assertEquals(classifier.labels.toSet(), result.categories.map { it.label }.toSet())
                assertEquals(classes, result.categories.size)
            }
        }
}
