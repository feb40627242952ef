plugins {
    // How to choose among the variants of a library for the JVM: for ktlint, below.
    `jvm-ecosystem`
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.android.library) apply false
    alias(libs.plugins.kotlin.compose) apply false
    // Its version is also that of the Kotlin built into the Android plugin.
    alias(libs.plugins.kotlin.jvm) apply false
}

val ktlint =
    configurations.create("ktlint") {
        isCanBeConsumed = false
        attributes {
            attribute(Usage.USAGE_ATTRIBUTE, objects.named<Usage>(Usage.JAVA_RUNTIME))
            attribute(Category.CATEGORY_ATTRIBUTE, objects.named<Category>(Category.LIBRARY))
            attribute(Bundling.BUNDLING_ATTRIBUTE, objects.named<Bundling>(Bundling.EXTERNAL))
            attribute(
                TargetJvmEnvironment.TARGET_JVM_ENVIRONMENT_ATTRIBUTE,
                objects.named<TargetJvmEnvironment>(TargetJvmEnvironment.STANDARD_JVM),
            )
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

// gradlew is this project's own and needs no jar: of what Gradle writes it takes the settings alone.
tasks.named<Wrapper>("wrapper") {
    val settings = file("gradle/wrapper/gradle-wrapper.properties")
    val made = layout.buildDirectory.dir("wrapper").get()
    val madeSettings = made.file(settings.name).asFile
    scriptFile = made.file("gradlew").asFile
    jarFile = made.file("gradle-wrapper.jar").asFile
    doFirst { settings.copyTo(madeSettings, overwrite = true) }
    doLast { madeSettings.copyTo(settings, overwrite = true) }
}
