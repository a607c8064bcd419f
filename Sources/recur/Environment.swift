internal import Glibc

/// The variables that the process was started with.
enum Environment {
  /// The value of a variable; nil when it is not set, or empty.
  static subscript(name: String) -> String? {
    guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
    return unsafe String(validatingCString: value)
  }
}
