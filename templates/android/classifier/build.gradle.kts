plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "[[ package | gradle ]].classifier"
    compileSdk = 36

    defaultConfig {
        minSdk = 24
        consumerProguardFiles("consumer-rules.pro")
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

dependencies {
    api(project(":core"))
    implementation(libs.kotlinx.coroutines.android)
    implementation(libs.litert)
    // Without it LiteRT has no GPU accelerator.
    implementation(libs.litert.gpu)

    testImplementation(libs.junit)
}
