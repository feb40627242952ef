@echo off
rem Runs the Gradle named in gradle\wrapper\gradle-wrapper.properties. The first time, fetch.ps1
rem fetches that distribution, checks its SHA-256 and unpacks it below GRADLE_USER_HOME.
setlocal

set "JAVA=java.exe"
if not defined JAVA_HOME goto javaOnPath
set "JAVA=%JAVA_HOME%\bin\java.exe"
if exist "%JAVA%" goto java
echo gradlew: JAVA_HOME is %JAVA_HOME%, and there is no bin\java.exe in it>&2
echo          Set it to the folder of a JDK 17 or newer.>&2
exit /b 1

:javaOnPath
where /q java.exe
if not errorlevel 1 goto java
echo gradlew: there is no Java on the PATH, and JAVA_HOME isn't set>&2
echo          Install a JDK 17 or newer, or set JAVA_HOME to the one in Android Studio (jbr).>&2
exit /b 1

:java
set "GRADLE="
for /f "usebackq delims=" %%g in (`powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "%~dp0gradle\wrapper\fetch.ps1"`) do set "GRADLE=%%g"
if not defined GRADLE exit /b 1
call "%GRADLE%" %*
exit /b %ERRORLEVEL%
