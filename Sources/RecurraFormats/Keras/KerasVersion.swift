internal import RecurraLayers

/// Which version of Keras has written a file: the formulas behind some names have changed.
struct KerasVersion: Sendable, Comparable {
  let major: Int
  let minor: Int

  /// Reads a version such as "2.3.0-tf"; Keras 3 where none is said.
  init(_ text: JSONValue?) {
    guard case .string(let text)? = text else {
      (major, minor) = (3, 0)
      return
    }
    let parts = text.split(separator: ".").map { Int($0.prefix { $0.isNumber }) ?? 0 }
    (major, minor) = (parts.first ?? 3, parts.count > 1 ? parts[1] : 0)
  }

  static func < (left: KerasVersion, right: KerasVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }
}
