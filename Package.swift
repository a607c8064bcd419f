// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with; the two rooms that own pointers leave strict memory safety out.
let common: [SwiftSetting] = [
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
let strict: [SwiftSetting] = common + [.strictMemorySafety()]

let package = Package(
  name: "Recurra",
  products: [
    .library(name: "Recurra", targets: ["Recurra"]),
    .library(name: "RecurraFormats", targets: ["RecurraFormats"]),
    .executable(name: "recur", targets: ["recur"]),
    .executable(name: "recur-bench", targets: ["recur-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ],
  targets: [
    .systemLibrary(name: "CRecurraBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CRecurraLAPACKE", pkgConfig: "lapacke", providers: [.apt(["liblapacke-dev"])]),
    .systemLibrary(name: "CRecurraZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .target(
      name: "CRecurraKernels",
      // A frame stays within a page in every build: there are no stack probes, so a larger one could step over the
      // guard page of a caller's small stack.
      cSettings: [
        .headerSearchPath("."), .enableWarning("all"), .enableWarning("frame-larger-than=4096"),
        .treatAllWarnings(as: .error),
      ]),
    .target(
      name: "RecurraTensor", dependencies: ["CRecurraBLAS", "CRecurraLAPACKE", "CRecurraKernels"],
      swiftSettings: common),
    .target(
      name: "RecurraCells", dependencies: ["RecurraTensor", "CRecurraBLAS", "CRecurraKernels"],
      swiftSettings: common),
    .target(
      name: "RecurraLayers", dependencies: ["RecurraTensor", "RecurraCells"], swiftSettings: strict),
    .target(
      name: "RecurraTraining", dependencies: ["RecurraTensor", "RecurraLayers"],
      swiftSettings: strict),
    .target(
      name: "Recurra",
      dependencies: ["RecurraTensor", "RecurraCells", "RecurraLayers", "RecurraTraining"],
      swiftSettings: strict),
    .target(
      name: "RecurraFormats",
      dependencies: [
        "RecurraTensor", "RecurraCells", "RecurraLayers", "RecurraTraining", "CRecurraZip",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["ONNX/Generated/onnx.proto"], swiftSettings: strict),
    .target(name: "CRecurraSyllables"),
    .target(name: "CRecurraCharacters"),
    .target(name: "CRecurraVowels"),
    .target(name: "CRecurraStart", cSettings: [.enableWarning("all"), .treatAllWarnings(as: .error)]),
    .executableTarget(
      name: "recur",
      dependencies: [
        "Recurra", "RecurraFormats", "RecurraTensor", "RecurraLayers", "RecurraTraining", "CRecurraSyllables",
        "CRecurraCharacters", "CRecurraVowels", "CRecurraStart",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["Resources"], swiftSettings: strict),
    .executableTarget(
      name: "recur-bench",
      dependencies: [
        "Recurra", "RecurraTensor", "RecurraCells", "RecurraLayers", "RecurraTraining", "RecurraFormats",
        "CRecurraKernels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/recur-bench", swiftSettings: strict),
    .executableTarget(
      name: "fingerprint", dependencies: ["Recurra", "RecurraTensor", "RecurraTraining"], path: "Tests/Fingerprint",
      exclude: ["check.py", "packed.sha256"], swiftSettings: common),
    .target(
      name: "TestSupport", dependencies: ["CRecurraKernels", "RecurraTensor", "RecurraLayers"],
      path: "Tests/TestSupport",
      swiftSettings: common),
    .testTarget(
      name: "RecurraTensorTests", dependencies: ["CRecurraKernels", "RecurraTensor", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "RecurraCellsTests",
      dependencies: ["CRecurraKernels", "RecurraTensor", "RecurraCells", "RecurraLayers", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "RecurraLayersTests", dependencies: ["RecurraTensor", "RecurraCells", "RecurraLayers", "TestSupport"],
      swiftSettings: common),
    .testTarget(name: "RecurraFilesTests", dependencies: ["RecurraTensor", "RecurraLayers"], swiftSettings: common),
    .testTarget(
      name: "RecurraTrainingTests", dependencies: ["RecurraTensor", "RecurraLayers", "RecurraTraining", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "RecurraFormatsTests",
      dependencies: ["RecurraTensor", "RecurraLayers", "RecurraTraining", "RecurraFormats", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "RecurTests",
      dependencies: ["recur", "recur-bench", "RecurraTensor", "RecurraCells", "RecurraLayers", "RecurraTraining"],
      swiftSettings: common),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
