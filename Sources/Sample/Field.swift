/// One value of a sample: its name, kind and unit.
public struct Field: Hashable, Sendable {
  /// How a value is written, in Protocol Buffers' terms.
  public enum Kind: UInt8, Hashable, Sendable {
    // The raw values are FieldDescriptorProto.Type's.
    case double = 1
    case int64 = 3
    case uint64 = 4
    case bool = 8
    case string = 9
    case bytes = 12
    case fixed32 = 7
    case fixed64 = 6
  }

  /// A protobuf identifier: a letter, then letters, digits and `_`.
  public var name: String
  public var kind: Kind
  /// The unit as UCUM writes it (`Cel`, `By`, `s`, `1` for a ratio), or empty when there is none.
  public var unit: String

  public init(_ name: String, _ kind: Kind, unit: String = "") {
    self.name = name
    self.kind = kind
    self.unit = unit
  }
}
