package com.example.demo

import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.lifecycle.createSavedStateHandle
import androidx.lifecycle.viewmodel.compose.viewModel
import com.example.demo.classifier.ImageClassifier
import com.example.demo.photo.PhotoReader
import com.example.demo.ui.ClassifierScreen
import com.example.demo.ui.ClassifierTheme

class MainActivity : ComponentActivity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        enableEdgeToEdge()
        super.onCreate(savedInstanceState)
        // The view model outlives this activity, and must not hold it.
        val application = applicationContext
        val photos = PhotoReader(application.contentResolver)
        setContent {
            ClassifierTheme {
                val model =
                    viewModel {
                        ClassifierViewModel(
                            createSavedStateHandle(),
                            openClassifier = { ImageClassifier.create(application, it) },
                            photos,
                        )
                    }
                ClassifierScreen(model)
            }
        }
    }
}
