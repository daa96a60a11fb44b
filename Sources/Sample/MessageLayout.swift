/// A message type as a descriptor tells it: how to read a payload with names and units.
public struct MessageLayout: Hashable, Sendable {
  /// One field.
  public struct Member: Hashable, Sendable {
    public var number: Int
    public var name: String
    /// FieldDescriptorProto.Type.
    public var type: Int
    /// The full name of a nested message's type, or empty.
    public var typeName: String
    public var unit: String
  }

  public var name: String
  public var members: [Member]

  /// Every message type of a serialized `FileDescriptorSet`, by full name; malformed parts are left
  /// out.
  public static func all(in descriptorSet: [UInt8]) -> [String: MessageLayout] {
    var layouts: [String: MessageLayout] = [:]
    var set = ProtobufReader(descriptorSet.span.bytes)
    while let (field, wireType) = set.nextTag() {
      if field == 1, wireType == 2, let file = set.span() {
        readFile(file, &layouts)
      } else {
        set.skip(wireType: wireType)
      }
    }
    return layouts
  }

  private static func readFile(_ bytes: RawSpan, _ layouts: inout [String: MessageLayout]) {
    var package = ""
    var messages: [MessageLayout] = []
    var units: [[UInt64]: String] = [:]
    var file = ProtobufReader(bytes)
    while let (field, wireType) = file.nextTag() {
      guard wireType == 2, let value = file.span() else {
        if wireType != 2 { file.skip(wireType: wireType) }
        continue
      }
      switch field {
      case 2: package = text(value)
      case 4: messages.append(readMessage(value))
      case 9: readComments(value, &units)
      default: break
      }
    }
    for (index, var message) in messages.enumerated() {
      for place in message.members.indices {
        let comment = units[[4, UInt64(index), 2, UInt64(place)]] ?? ""
        if comment.hasPrefix("unit: ") { message.members[place].unit = String(comment.dropFirst(6)) }
      }
      message.name = package.isEmpty ? message.name : "\(package).\(message.name)"
      layouts[message.name] = message
    }
  }

  private static func readMessage(_ bytes: RawSpan) -> MessageLayout {
    var layout = MessageLayout(name: "", members: [])
    var message = ProtobufReader(bytes)
    while let (field, wireType) = message.nextTag() {
      guard wireType == 2, let value = message.span() else {
        if wireType != 2 { message.skip(wireType: wireType) }
        continue
      }
      if field == 1 { layout.name = text(value) }
      if field == 2 { layout.members.append(readMember(value)) }
    }
    return layout
  }

  private static func readMember(_ bytes: RawSpan) -> Member {
    var member = Member(number: 0, name: "", type: 0, typeName: "", unit: "")
    var field = ProtobufReader(bytes)
    while let (number, wireType) = field.nextTag() {
      if wireType == 2 {
        guard let value = field.span() else { break }
        if number == 1 { member.name = text(value) }
        if number == 6 { member.typeName = String(text(value).drop { $0 == "." }) }
      } else {
        guard let value = field.number(wireType: wireType) else { break }
        if number == 3 { member.number = Int(clamping: value) }
        if number == 5 { member.type = Int(clamping: value) }
      }
    }
    return member
  }

  private static func readComments(_ bytes: RawSpan, _ units: inout [[UInt64]: String]) {
    var info = ProtobufReader(bytes)
    while let (field, wireType) = info.nextTag() {
      guard field == 1, wireType == 2, let location = info.span() else {
        if wireType != 2 { info.skip(wireType: wireType) }
        continue
      }
      var path: [UInt64] = []
      var comment = ""
      var parts = ProtobufReader(location)
      while let (part, partType) = parts.nextTag() {
        guard partType == 2, let value = parts.span() else {
          if partType != 2 { parts.skip(wireType: partType) }
          continue
        }
        if part == 1 { path = packed(value) }
        if part == 3 { comment = text(value) }
      }
      units[path] = comment
    }
  }

  private static func packed(_ bytes: RawSpan) -> [UInt64] {
    var values: [UInt64] = []
    var value: UInt64 = 0
    var shift: UInt64 = 0
    for index in 0..<bytes.byteCount {
      let byte = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
      if shift < 63 { value |= UInt64(byte & 0x7F) << shift }
      shift += 7
      if byte < 0x80 {
        values.append(value)
        (value, shift) = (0, 0)
      }
    }
    return values
  }

  private static func text(_ bytes: RawSpan) -> String {
    bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}
