plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "com.example.demo.classifier"
    compileSdk = 37

    defaultConfig {
        minSdk = 24
        consumerProguardFiles("consumer-rules.pro")
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

/** Without what fetches models from Google Play, and its permissions: this app has its model. */
fun ExternalModuleDependency.withoutDelivery() {
    exclude(group = "com.google.android.play")
    exclude(group = "androidx.work")
    exclude(group = "com.google.guava", module = "guava")
    exclude(group = "org.jetbrains.kotlinx", module = "kotlinx-coroutines-guava")
    exclude(group = "org.jetbrains.kotlinx", module = "kotlinx-coroutines-play-services")
}

dependencies {
    api(project(":core"))
    implementation(libs.kotlinx.coroutines.android)
    implementation(libs.litert) { withoutDelivery() }
    // Without it LiteRT has no GPU accelerator.
    implementation(libs.litert.gpu) { withoutDelivery() }

    testImplementation(libs.junit)
}
