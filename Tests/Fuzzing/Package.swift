// swift-tools-version: 6.2
import PackageDescription

/// A package of its own: libFuzzer brings the program's beginning, which no ordinary build has.
let package = Package(
  name: "Fuzzing",
  dependencies: [.package(name: "recurra", path: "../..")],
  targets: [
    .executableTarget(
      name: "FuzzModelFile", dependencies: [.product(name: "RecurraFormats", package: "recurra")])
  ],
  swiftLanguageModes: [.v6]
)
