"""The package of all programs: each is an executable that depends on this package by its path."""
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / ".build" / "articles"
MANIFEST = """// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Articles",
  dependencies: [.package(name: "recurra", path: "{root}")],
  targets: [{names}].map {{
    .executableTarget(
      name: $0, dependencies: ["Recurra", "RecurraFormats"].map {{ .product(name: $0, package: "recurra") }},
      swiftSettings: [.treatAllWarnings(as: .error)])
  }},
  swiftLanguageModes: [.v6]
)
"""


def write_if_changed(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def forget_stale_builds():
    """Makes SwiftPM look again where it would not.

    It would not after files came or went in the package that the programs depend on by path, nor at programs whose own
    text is as it was while the library's is not.
    """
    stamp = WORK / "library"
    newest = str(max(path.stat().st_mtime_ns for path in (ROOT / "Sources").rglob("*") if ".docc" not in str(path)))
    if stamp.exists() and stamp.read_text(encoding="utf-8") == newest:
        return
    for plan in (WORK / "scratch").glob("*.yaml"):
        plan.unlink()
    for folder in (WORK / "scratch" / "debug").glob("*[0-9].build"):
        shutil.rmtree(folder)
    write_if_changed(stamp, newest)


def build(sources):
    """Builds programs, texts by target; returns the folder of the executables."""
    package = WORK / "package"
    for folder in (package / "Sources").glob("*"):
        if folder.name not in sources:
            shutil.rmtree(folder)
    for name, text in sources.items():
        write_if_changed(package / "Sources" / name / "main.swift", text)
    names = ", ".join(f'"{name}"' for name in sorted(sources))
    write_if_changed(package / "Package.swift", MANIFEST.format(root=ROOT, names=names))
    command = ["swift", "build", "--package-path", package, "--scratch-path", WORK / "scratch"]
    forget_stale_builds()
    subprocess.run(command, check=True)
    answer = subprocess.run([*command, "--show-bin-path"], check=True, capture_output=True, text=True)
    return pathlib.Path(answer.stdout.strip())
