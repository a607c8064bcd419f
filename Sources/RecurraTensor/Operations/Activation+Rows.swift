internal import CRecurraKernels

extension Activation {
  /// Writes the function of some numbers, which may lie in the same place, by vectors: for the gates of a cell.
  ///
  /// - Precondition: an elementwise function; `count` numbers at both pointers.
  public func apply<S: FloatingScalar>(
    to values: UnsafePointer<S>, into results: UnsafeMutablePointer<S>, _ count: Int
  ) {
    let (from, to) = (UnsafeRawPointer(values), UnsafeMutableRawPointer(results))
    if S.self == Float.self {
      let (from, to) = (from.assumingMemoryBound(to: Float.self), to.assumingMemoryBound(to: Float.self))
      switch self {
      case .tanh: Kernels.table.tanh(from, to, count)
      case .sigmoid: Kernels.table.sigmoid(from, to, count)
      case .exponential: Kernels.table.exp(from, to, count)
      default: map(from, to, count) { function, x in function.value(x) }
      }
    } else {
      map(from.assumingMemoryBound(to: Double.self), to.assumingMemoryBound(to: Double.self), count) { $0.value($1) }
    }
  }

  /// Puts the function of some numbers in their place.
  ///
  /// - Precondition: an elementwise function; `count` numbers.
  public func apply<S: FloatingScalar>(_ values: UnsafeMutablePointer<S>, _ count: Int) {
    apply(to: values, into: values, count)
  }

  /// Writes the derivative at some of the function's values and their arguments, which are read where it needs them
  /// alone; either may lie in the same place.
  ///
  /// - Precondition: an elementwise function; `count` numbers at every pointer that is read or written.
  public func slopes<S: FloatingScalar>(
    of values: UnsafePointer<S>, at arguments: UnsafePointer<S>, into slopes: UnsafeMutablePointer<S>, _ count: Int
  ) {
    let (from, at, to) = (UnsafeRawPointer(values), UnsafeRawPointer(arguments), UnsafeMutableRawPointer(slopes))
    if S.self == Float.self {
      writeSlopes(
        from.assumingMemoryBound(to: Float.self), at.assumingMemoryBound(to: Float.self),
        to.assumingMemoryBound(to: Float.self), count)
    } else {
      writeSlopes(
        from.assumingMemoryBound(to: Double.self), at.assumingMemoryBound(to: Double.self),
        to.assumingMemoryBound(to: Double.self), count)
    }
  }

  @inline(__always)
  private func writeSlopes<S: FloatingScalar>(
    _ from: UnsafePointer<S>, _ at: UnsafePointer<S>, _ to: UnsafeMutablePointer<S>, _ count: Int
  ) {
    if needsArgument {
      specialized { function in for i in 0..<count { to[i] = function.slope(from[i], at: at[i]) } }
    } else {
      map(from, to, count) { $0.slope($1, at: $1) }
    }
  }

  /// The loop is compiled for each function and type alone: callers in other modules would go through witnesses number
  /// by number.
  @inline(__always)
  private func map<S: FloatingScalar>(
    _ from: UnsafePointer<S>, _ to: UnsafeMutablePointer<S>, _ count: Int, _ body: (Activation, S) -> S
  ) {
    specialized { function in for i in 0..<count { to[i] = body(function, from[i]) } }
  }
}
