plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.android.library) apply false
    alias(libs.plugins.kotlin.compose) apply false
    // Its version is also that of the Kotlin built into the Android plugin.
    alias(libs.plugins.kotlin.jvm) apply false
}

val ktlint =
    configurations.create("ktlint") {
        attributes {
            attribute(Bundling.BUNDLING_ATTRIBUTE, objects.named<Bundling>(Bundling.EXTERNAL))
        }
    }

dependencies {
    add(ktlint.name, libs.ktlint.cli)
}

tasks.register<JavaExec>("ktlint") {
    group = "verification"
    description = "Checks the style of all Kotlin; -Pfix corrects what it can."
    classpath = ktlint
    mainClass = "com.pinterest.ktlint.Main"
    args("**/*.kt", "**/*.kts", "!**/build/**")
    if (providers.gradleProperty("fix").isPresent) {
        args("--format")
        jvmArgs("--add-opens=java.base/java.lang=ALL-UNNAMED")
    }
}
