import Glibc

/// The environment of the child process of an exit test; the engine reads it at its first use.
enum ProcessEnvironment {
  static func set(_ name: String, _ value: String) { setenv(name, value, 1) }
}
