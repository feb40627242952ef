plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "[[ package | gradle ]].benchmark"
    compileSdk = 37

    defaultConfig {
        minSdk = [[ 31 if npu else 24 ]]
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
[% if npu %]

    packaging {
        jniLibs {
            // The NPU's libraries are loaded as files.
            useLegacyPackaging = true
        }
    }
[% endif %]
}

dependencies {
    api(project(":classifier"))

    androidTestImplementation(libs.androidx.test.core)
    androidTestImplementation(libs.androidx.test.ext.junit)
    androidTestImplementation(libs.androidx.test.runner)
}
