public import RecurraTensor

/// Holds what a layer makes when it is built: once, whichever thread comes first.
///
/// A layer may be used by several threads at the same time, so it keeps its parameters here and not in a variable.
///
/// ```swift
/// private let built = BuildState<[Parameter]>()
/// var parameters: [Parameter] { built.value ?? [] }
/// var isBuilt: Bool { built.value != nil }
/// ```
public final class BuildState<Value: Sendable>: Sendable {
  private let built = Once<Value>()

  /// Makes a state in which nothing has been built.
  public init() {}

  /// What was built; nil before.
  public var value: Value? { built.value }

  /// Builds with `body` unless that has been done, and returns what was built.
  ///
  /// - Throws: What `body` throws; nothing has been built then.
  @discardableResult
  public func build(_ body: () throws(RecurraError) -> Value) throws(RecurraError) -> Value {
    try built.make(body)
  }
}
