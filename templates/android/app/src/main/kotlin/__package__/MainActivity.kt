package [[ package ]]

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
import [[ package ]].benchmark.PhoneBenchmark
import [[ package ]].photo.PhotoReader
import [[ package ]].share.sharedFile
import [[ package ]].ui.BenchmarkScreen
import [[ package ]].ui.ClassifierScreen
import [[ package ]].ui.ClassifierTheme

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
