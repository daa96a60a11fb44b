/// Descriptors of protobuf messages, put together by hand: a few fields of three message types
/// (google/protobuf/descriptor.proto).
extension Schema {
  /// A schema of one flat message: field numbers 1 and up in the order given, syntax proto3, package
  /// `stt`. A field's unit is kept as its leading comment, `unit: Cel`.
  public static func protobuf(messageName: String, fields: [Field]) -> Schema {
    var message = DescriptorBytes()
    message.text(messageName, field: 1)
    for (index, field) in fields.enumerated() { message.nested(fieldDescriptor(field, index + 1), field: 2) }
    var file = DescriptorBytes()
    file.text("stt/\(messageName).proto", field: 1)
    file.text("stt", field: 2)
    file.nested(message, field: 4)
    file.nested(sourceInfo(fields), field: 9)
    file.text("proto3", field: 12)
    var set = DescriptorBytes()
    set.nested(file, field: 1)
    return Schema(encoding: "protobuf", name: "stt.\(messageName)", data: set.bytes)
  }

  /// `foxglove.CompressedImage`: a picture in a format such as `jpeg`.
  public static let compressedImage = image(
    "CompressedImage",
    [("timestamp", 1, 11), ("frame_id", 4, 9), ("data", 2, 12), ("format", 3, 9)])

  /// `foxglove.CompressedVideo`: one picture of a video in a format such as `h264`.
  public static let compressedVideo = image(
    "CompressedVideo",
    [("timestamp", 1, 11), ("frame_id", 2, 9), ("data", 3, 12), ("format", 4, 9)])

  /// `foxglove.RawImage`: rows of pixels.
  public static let rawImage = image(
    "RawImage",
    [
      ("timestamp", 1, 11), ("frame_id", 7, 9), ("width", 2, 7), ("height", 3, 7), ("encoding", 4, 9),
      ("step", 5, 7), ("data", 6, 12),
    ])

  private static func image(_ name: String, _ fields: [(name: String, number: Int, type: Int)]) -> Schema {
    var timestamp = DescriptorBytes()
    timestamp.text("Timestamp", field: 1)
    timestamp.nested(fieldDescriptor(Field("seconds", .int64), 1), field: 2)
    timestamp.nested(fieldDescriptor("nanos", 2, type: 5), field: 2)
    var timestampFile = DescriptorBytes()
    timestampFile.text("google/protobuf/timestamp.proto", field: 1)
    timestampFile.text("google.protobuf", field: 2)
    timestampFile.nested(timestamp, field: 4)
    timestampFile.text("proto3", field: 12)
    var message = DescriptorBytes()
    message.text(name, field: 1)
    for field in fields { message.nested(fieldDescriptor(field.name, field.number, type: field.type), field: 2) }
    var file = DescriptorBytes()
    file.text("foxglove/\(name).proto", field: 1)
    file.text("foxglove", field: 2)
    file.text("google/protobuf/timestamp.proto", field: 3)
    file.nested(message, field: 4)
    file.text("proto3", field: 12)
    var set = DescriptorBytes()
    set.nested(timestampFile, field: 1)
    set.nested(file, field: 1)
    return Schema(encoding: "protobuf", name: "foxglove.\(name)", data: set.bytes)
  }

  private static func fieldDescriptor(_ field: Field, _ number: Int) -> DescriptorBytes {
    fieldDescriptor(field.name, number, type: Int(field.kind.rawValue))
  }

  private static func fieldDescriptor(_ name: String, _ number: Int, type: Int) -> DescriptorBytes {
    var descriptor = DescriptorBytes()
    descriptor.text(name, field: 1)
    descriptor.number(number, field: 3)
    descriptor.number(1, field: 4)  // LABEL_OPTIONAL
    descriptor.number(type, field: 5)
    if type == 11 { descriptor.text(".google.protobuf.Timestamp", field: 6) }
    return descriptor
  }

  /// SourceCodeInfo with one location per field that has a unit: path `4, 0, 2, index`.
  private static func sourceInfo(_ fields: [Field]) -> DescriptorBytes {
    var info = DescriptorBytes()
    for (index, field) in fields.enumerated() where !field.unit.isEmpty {
      var path = DescriptorBytes()
      for part in [4, 0, 2, index] { path.varint(part) }
      var location = DescriptorBytes()
      location.nested(path, field: 1)
      var span = DescriptorBytes()
      for part in [0, 0, 0] { span.varint(part) }
      location.nested(span, field: 2)
      location.text("unit: \(field.unit)", field: 3)
      info.nested(location, field: 1)
    }
    return info
  }
}

/// Protobuf bytes that grow: descriptors are made once a stream.
private struct DescriptorBytes {
  var bytes: [UInt8] = []

  mutating func varint(_ value: Int) {
    var rest = UInt64(value)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func number(_ value: Int, field: Int) {
    varint(field << 3)
    varint(value)
  }

  mutating func text(_ value: String, field: Int) { raw(Array(value.utf8), field) }

  mutating func nested(_ value: DescriptorBytes, field: Int) { raw(value.bytes, field) }

  private mutating func raw(_ value: [UInt8], _ field: Int) {
    varint(field << 3 | 2)
    varint(value.count)
    bytes += value
  }
}
