// swift-tools-version: 6.2
import PackageDescription

// Built twice, against two versions of Recurra, so it uses nothing but what users may use.
let package = Package(
  name: "Guard",
  dependencies: [.package(name: "Recurra", path: Context.environment["RECURRA"] ?? "../..")],
  targets: [
    .executableTarget(name: "Guard", dependencies: [.product(name: "Recurra", package: "Recurra")])
  ],
  swiftLanguageModes: [.v6]
)
