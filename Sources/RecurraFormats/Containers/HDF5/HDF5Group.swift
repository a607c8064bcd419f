package import RecurraLayers
package import RecurraTensor

/// A group of an HDF5 file: what a folder is among files.
package struct HDF5Group: Sendable {
  /// What it says of itself.
  package var attributes: NamedValues<HDF5Value> = [:]
  /// What lies in it; names have no slash.
  package var members: NamedValues<HDF5Member> = [:]
  /// Names the file in errors: "read model.h5".
  package let operation: String
  /// Where it lies: "/model_weights/lstm"; empty for the root.
  package let path: String

  /// Makes a group without members.
  package init(operation: String = "HDF5", path: String = "") {
    (self.operation, self.path) = (operation, path)
  }

  /// The group under a path, with slashes between names; nil where there is none.
  ///
  /// - Throws: `badFile` where something else stands there, or a link that is not followed.
  package func group(_ path: String) throws(RecurraError) -> HDF5Group? {
    var group = self
    for name in path.split(separator: "/") {
      switch group.members[String(name)] {
      case nil: return nil
      case .group(let next): group = next
      case .dataset: throw group.damaged(String(name), expected: "a group", got: "a dataset")
      case .refused(let reason): throw group.damaged(String(name), expected: "a group", got: reason)
      }
    }
    return group
  }

  /// The dataset under a path, with slashes between names; nil where there is none.
  ///
  /// - Throws: `badFile` where something else stands there, or a link that is not followed.
  package func dataset(_ path: String) throws(RecurraError) -> HDF5Dataset? {
    let names = path.split(separator: "/").map(String.init)
    guard let last = names.last, let group = try group(names.dropLast().joined(separator: "/")) else { return nil }
    switch group.members[last] {
    case nil: return nil
    case .dataset(let dataset): return dataset
    case .group: throw group.damaged(last, expected: "a dataset", got: "a group")
    case .refused(let reason): throw group.damaged(last, expected: "a dataset", got: reason)
    }
  }

  /// Puts a dataset under a path, and makes the groups on the way.
  package mutating func add(_ dataset: HDF5Dataset, at path: [String]) {
    change(path.dropLast()) { group in
      if let name = path.last { group.members[name] = .dataset(dataset) }
    }
  }

  /// Changes the group under a path, and makes the groups on the way.
  package mutating func change(_ path: ArraySlice<String>, _ body: (inout HDF5Group) -> Void) {
    guard let name = path.first else { return body(&self) }
    var member = HDF5Group(operation: operation, path: "\(self.path)/\(name)")
    if case .group(let present)? = members[name] { member = present }
    // What is held here alone is changed in place.
    members[name] = nil
    member.change(path.dropFirst(), body)
    members[name] = .group(member)
  }

  /// Every dataset in it and below, with its path from here.
  ///
  /// - Throws: `badFile` for a link or an object that is not read.
  package func datasets() throws(RecurraError) -> [(path: String, dataset: HDF5Dataset)] {
    var found: [(path: String, dataset: HDF5Dataset)] = []
    for (name, member) in members {
      switch member {
      case .dataset(let dataset): found.append((name, dataset))
      case .group(let group): found += try group.datasets().map { ("\(name)/\($0.path)", $0.dataset) }
      case .refused(let reason): throw damaged(name, expected: "a group or a dataset", got: reason)
      }
    }
    return found
  }

  /// An error about a member, or about the group itself where no name is given.
  package func damaged(_ name: String = "", expected: String, got: String) -> RecurraError {
    let place = name.isEmpty ? path : "\(path)/\(name)"
    return RecurraError(
      .badFile, operation: operation, expected: "\(expected) at \(place.isEmpty ? "/" : place.excerpt)", got: got)
  }
}
