plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "[[ package | gradle ]].classifier"
    compileSdk = 37

    defaultConfig {
        minSdk = [[ 31 if npu else 24 ]]
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
[% if npu %]
    // Without it LiteRT can't compile a model for the NPU, nor run it there.
    implementation(libs.litert.npu.runtime) { withoutDelivery() }
[% endif %]
[% if npu == "qualcomm" %]
    implementation(libs.qnn.runtime)
[% endif %]

    testImplementation(libs.junit)
}
