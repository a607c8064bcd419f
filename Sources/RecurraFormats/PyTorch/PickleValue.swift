internal import RecurraTensor

/// What a pickle says, as data: nothing of it is ever called.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// A whole number beyond `Int`, its bytes from the lowest on.
  case long([UInt8])
  case float(Double)
  case text(String)
  /// A name that is allowed.
  case global(PickleGlobal)
  /// The number of a list, tuple or dictionary: several places can hold it, and however deep it is nested, no value
  /// lies within another.
  case container(Int)
  case storage(PickledStorage)
  case tensor(PickledTensor)
  /// What is harmless and of no use here: bytes, sets, devices.
  case other

  /// A list, tuple or dictionary of a pickle.
  enum Container {
    case list([PickleValue])
    case tuple([PickleValue])
    case dictionary([(key: PickleValue, value: PickleValue)])
  }

  /// A whole number.
  var integer: Int? {
    if case .integer(let number) = self { return number }
    return nil
  }

  /// The value in a word, for errors.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .integer, .long: "a whole number"
    case .float: "a number"
    case .text: "a text"
    case .global(let global): "the name \(global.name.excerpt)"
    case .container: "a list, tuple or dictionary"
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .other: "another object"
    }
  }
}
