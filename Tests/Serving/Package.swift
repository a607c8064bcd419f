// swift-tools-version: 6.2
import PackageDescription

/// A server that answers with a model, and what asks it: a package of its own, so that Recurra itself needs no web
/// framework.
let package = Package(
  name: "Serving",
  dependencies: [
    .package(name: "recurra", path: "../.."),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    .executableTarget(
      name: "Serving",
      dependencies: [
        .product(name: "Recurra", package: "recurra"), .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .executableTarget(name: "ServingLoad", dependencies: [.product(name: "Recurra", package: "recurra")]),
  ],
  swiftLanguageModes: [.v6]
)
