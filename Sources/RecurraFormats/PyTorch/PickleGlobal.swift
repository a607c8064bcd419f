internal import RecurraLayers

/// A name that a pickle of tensors may say.
///
/// - Source: PyTorch, `torch/_weights_only_unpickler.py`.
enum PickleGlobal {
  case dictionary
  case set
  case rebuildTensor
  case rebuildTypedTensor
  case rebuildParameter
  case size
  /// Nothing depends on it.
  case other(String)
  /// The class of a storage; nil for one of bytes.
  case storage(ElementFormat?)
  case type(ElementFormat)

  /// Finds a name; nil for one that is not allowed.
  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"), ("collections", "defaultdict"), ("collections", "Counter"),
      ("__builtin__", "dict"), ("builtins", "dict"):
      self = .dictionary
    case ("__builtin__", "set"), ("builtins", "set"), ("builtins", "frozenset"): self = .set
    case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTypedTensor
    case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
      self = .rebuildParameter
    case ("torch", "Size"): self = .size
    case ("torch", "device"), ("torch.serialization", "_get_layout"), ("torch", "strided"), ("_codecs", "encode"),
      ("__builtin__", "int"), ("__builtin__", "float"), ("__builtin__", "list"), ("builtins", "int"),
      ("builtins", "float"), ("builtins", "list"), ("torch", "Tensor"), ("torch.nn.parameter", "Parameter"):
      self = .other("\(module).\(name)")
    case ("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage"): self = .storage(nil)
    case ("torch", _):
      if let format = Self.storages[name] {
        self = .storage(format)
      } else if let format = Self.types[name] {
        self = .type(format)
      } else {
        return nil
      }
    default: return nil
    }
  }

  /// What to call it in errors.
  var name: String {
    switch self {
    case .dictionary: "dict"
    case .set: "set"
    case .rebuildTensor: "torch._utils._rebuild_tensor_v2"
    case .rebuildTypedTensor: "torch._utils._rebuild_tensor_v3"
    case .rebuildParameter: "torch._utils._rebuild_parameter"
    case .size: "torch.Size"
    case .other(let name): name
    case .storage: "a storage"
    case .type(let format): "torch.\(format.rawValue)"
    }
  }

  static let storages: [String: ElementFormat] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
    "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8,
    "BoolStorage": .bool,
  ]

  private static let types: [String: ElementFormat] = Dictionary(
    uniqueKeysWithValues: ElementFormat.allCases.map { ($0.rawValue, $0) })
}
