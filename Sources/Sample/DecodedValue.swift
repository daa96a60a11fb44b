/// A payload's field, read by its schema.
public enum DecodedValue: Hashable, Sendable {
  case number(Double)
  case integer(Int64)
  case unsigned(UInt64)
  case flag(Bool)
  case text(String)
  /// Bytes are counted, not shown.
  case bytes(count: Int)
  case nested([DecodedField])
}

/// A field's name, unit and value.
public struct DecodedField: Hashable, Sendable {
  public var name: String
  public var unit: String
  public var value: DecodedValue

  public init(name: String, unit: String, value: DecodedValue) {
    self.name = name
    self.unit = unit
    self.value = value
  }
}

extension MessageLayout {
  /// Messages inside messages are followed this far.
  private static let deepest = 8

  /// The fields of `payload`, in the order they were written; what the layout doesn't know is left
  /// out, and reading ends where the bytes are no protobuf.
  public func decode(_ payload: RawSpan, types: [String: MessageLayout], depth: Int = 0) -> [DecodedField] {
    var fields: [DecodedField] = []
    forEachField(payload) { place, scalar, bytes in
      let member = members[place]
      let value = scalar ?? Self.value(bytes, member, types, depth)
      fields.append(DecodedField(name: member.name, unit: member.unit, value: value))
    }
    return fields
  }

  /// Calls `body` with the place among ``members`` and the value of each field: a number or flag, or
  /// `nil` and the bytes of a text, bytes or nested message. Makes no arrays.
  public func forEachField(_ payload: RawSpan, _ body: (_ member: Int, _ scalar: DecodedValue?, _ bytes: RawSpan) -> Void) {
    var reader = ProtobufReader(payload)
    while let (number, wireType) = reader.nextTag() {
      guard let place = members.firstIndex(where: { $0.number == number }) else {
        reader.skip(wireType: wireType)
        continue
      }
      if wireType == 2 {
        guard let bytes = reader.span() else { break }
        body(place, nil, bytes)
      } else {
        guard let raw = reader.number(wireType: wireType) else { break }
        if let value = Self.value(raw, members[place], wireType) { body(place, value, RawSpan()) }
      }
    }
  }

  private static func value(_ bytes: RawSpan, _ member: Member, _ types: [String: MessageLayout], _ depth: Int)
    -> DecodedValue
  {
    switch member.type {
    case 9: return .text(bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    case 11:
      guard depth < deepest, let layout = types[member.typeName] else { return .bytes(count: bytes.byteCount) }
      return .nested(layout.decode(bytes, types: types, depth: depth + 1))
    default: return .bytes(count: bytes.byteCount)
    }
  }

  private static func value(_ raw: UInt64, _ member: Member, _ wireType: UInt8) -> DecodedValue? {
    switch (member.type, wireType) {
    case (1, 1): .number(Double(bitPattern: raw))
    case (2, 5): .number(Double(Float(bitPattern: UInt32(truncatingIfNeeded: raw))))
    case (8, 0): .flag(raw != 0)
    case (3, 0), (5, 0), (14, 0), (16, 1): .integer(Int64(bitPattern: raw))
    case (17, 0), (18, 0): .integer(Int64(bitPattern: raw >> 1 ^ (0 &- (raw & 1))))
    case (4, 0), (13, 0), (6, 1), (7, 5): .unsigned(raw)
    case (15, 5): .integer(Int64(Int32(bitPattern: UInt32(truncatingIfNeeded: raw))))
    default: nil
    }
  }
}
