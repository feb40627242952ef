# What gradlew.bat asks for the Gradle named in gradle-wrapper.properties: prints the path of its
# launcher. The first time it fetches the distribution, checks its SHA-256 and unpacks it below
# GRADLE_USER_HOME. Runs in Windows PowerShell 5.1 and in PowerShell 7.

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # the bar of 5.1 makes a download many times slower

function Stop-Wrapper([string] $What, [string] $Fix) {
    [Console]::Error.WriteLine("gradlew: $What")
    [Console]::Error.WriteLine("         $Fix")
    exit 1
}

$settings = Join-Path $PSScriptRoot 'gradle-wrapper.properties'
if (-not (Test-Path -LiteralPath $settings)) {
    Stop-Wrapper "$settings is missing" 'Get it back from version control.'
}
$values = @{}
foreach ($line in [IO.File]::ReadAllLines($settings)) {
    if ($line -match '^\s*([A-Za-z0-9]+)\s*[=:]\s*(.*?)\s*$') {
        $values[$Matches.Item(1)] = $Matches.Item(2) -replace '\\(.)', '$1'
    }
}
$url = $values.distributionUrl
$sum = "$($values.distributionSha256Sum)".ToLowerInvariant()
if (-not $url) {
    Stop-Wrapper "distributionUrl is missing in $settings" 'Get it back from version control.'
}
if ($sum.Length -ne 64) {
    Stop-Wrapper "distributionSha256Sum is missing in $settings" `
        'Take it from https://gradle.org/release-checksums/.'
}

$userHome = $env:GRADLE_USER_HOME
if (-not $userHome) {
    $userHome = Join-Path ([Environment]::GetFolderPath('UserProfile')) '.gradle'
}
$archive = ($url -split '/')[-1] -replace '\.zip$', ''
$store = Join-Path $userHome "wrapper/dists/$archive/$sum"

function Find-Gradle {
    if (-not (Test-Path -LiteralPath $store)) { return $null }
    foreach ($folder in Get-ChildItem -LiteralPath $store -Directory) {
        $launcher = Join-Path $folder.FullName 'bin/gradle.bat'
        if (-not $folder.Name.StartsWith('.') -and (Test-Path -LiteralPath $launcher)) {
            return $launcher
        }
    }
    return $null
}

# Everything is made in a folder of its own, and moved to its place in one step at the end.
function Install-Gradle {
    $work = Join-Path $store ('.new.' + [Guid]::NewGuid().ToString('N'))
    try {
        New-Item -ItemType Directory -Force -Path $work | Out-Null
        $zip = Join-Path $work 'gradle.zip'
        [Console]::Error.WriteLine("Fetching $url")
        try {
            if ($PSVersionTable.PSVersion.Major -lt 6) {
                $security = [Net.ServicePointManager]
                $security::SecurityProtocol = $security::SecurityProtocol -bor 3072 # TLS 1.2
            }
            Invoke-WebRequest -Uri $url -OutFile $zip -UseBasicParsing
        } catch {
            Stop-Wrapper "could not fetch $url ($($_.Exception.Message))" `
                'Check the network and the proxy, then run this again.'
        }
        $found = (Get-FileHash -LiteralPath $zip -Algorithm SHA256).Hash.ToLowerInvariant()
        if ($found -ne $sum) {
            Stop-Wrapper "what came from $url is not the file that was promised" `
                "SHA-256 $found, expected $sum (distributionSha256Sum in $settings). Nothing of it was run."
        }
        $unpacked = Join-Path $work 'unpacked'
        Expand-Archive -LiteralPath $zip -DestinationPath $unpacked
        foreach ($folder in Get-ChildItem -LiteralPath $unpacked -Directory) {
            $place = Join-Path $store $folder.Name
            # Another gradlew may have been faster: its folder is as good.
            if (-not (Test-Path -LiteralPath $place)) {
                Move-Item -LiteralPath $folder.FullName -Destination $place
            }
        }
    } finally {
        if (Test-Path -LiteralPath $work) { Remove-Item -LiteralPath $work -Recurse -Force }
    }
}

$gradle = Find-Gradle
if (-not $gradle) {
    Install-Gradle
    $gradle = Find-Gradle
    if (-not $gradle) {
        Stop-Wrapper "$url holds no bin\gradle.bat" 'Set distributionUrl to a Gradle distribution.'
    }
}
$gradle
