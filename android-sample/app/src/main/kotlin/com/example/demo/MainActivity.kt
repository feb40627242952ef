package com.example.demo

import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.lifecycle.createSavedStateHandle
import androidx.lifecycle.viewmodel.compose.viewModel
import com.example.demo.benchmark.PhoneBenchmark
import com.example.demo.photo.PhotoReader
import com.example.demo.share.sharedFile
import com.example.demo.ui.BenchmarkScreen
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
                var benchmarkShown by rememberSaveable { mutableStateOf(false) }
                val classifier =
                    viewModel {
                        ClassifierViewModel(
                            createSavedStateHandle(),
                            openModel = { openModel(application, it) },
                            photos,
                        )
                    }
                if (benchmarkShown) {
                    val benchmark =
                        viewModel {
                            BenchmarkViewModel(
                                createSavedStateHandle(),
                                sharedFile(application, RESULTS),
                                alone = classifier::whileClosed,
                                prepare = { PhoneBenchmark(application, limits = it) },
                            )
                        }
                    BenchmarkScreen(benchmark, onLeave = { benchmarkShown = false })
                } else {
                    ClassifierScreen(classifier, onShowBenchmark = { benchmarkShown = true })
                }
            }
        }
    }

    private companion object {
        const val RESULTS = "benchmarkData.json"
    }
}
