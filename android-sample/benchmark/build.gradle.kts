plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "com.example.demo.benchmark"
    compileSdk = 37

    defaultConfig {
        minSdk = 24
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    testOptions {
        targetSdk = 36
    }

    // A debuggable app would be measured slower than it is.
    testBuildType = "release"

    // The model and the sample photos that the app ships.
    sourceSets["androidTest"].assets.srcDir("../app/src/main/assets")

    androidResources {
        noCompress += "tflite"
    }
}

dependencies {
    api(project(":classifier"))

    androidTestImplementation(libs.androidx.test.core)
    androidTestImplementation(libs.androidx.test.ext.junit)
    androidTestImplementation(libs.androidx.test.runner)
}
