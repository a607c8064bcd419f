/// Collects the layers of a `Sequential` block; `if` and `for` may stand in it.
@resultBuilder
public enum LayerBuilder {
  /// Takes one layer.
  public static func buildExpression(_ layer: any Layer) -> [any Layer] { [layer] }
  /// Takes a list of layers.
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  /// Joins the layers of a block.
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  /// Takes the layers of an `if` without `else`.
  public static func buildOptional(_ layers: [any Layer]?) -> [any Layer] { layers ?? [] }
  /// Takes the layers of an `if`.
  public static func buildEither(first layers: [any Layer]) -> [any Layer] { layers }
  /// Takes the layers of an `else`.
  public static func buildEither(second layers: [any Layer]) -> [any Layer] { layers }
  /// Joins the layers of a loop.
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
}
