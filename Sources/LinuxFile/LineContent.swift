import STTSample

/// What becomes of a line.
public enum LineContent: Hashable, Sendable {
  /// Its bytes as they are, explained by nobody.
  case opaque
  /// A message with the field `line`, or `bytes` for what is no UTF-8.
  case text
  /// A message with those of these values that the line has; a line with none of them is passed over. An attribute's
  /// `path` means nothing here; words are parted by blanks, or by `separator`.
  case values([Attribute], separator: UInt8?)

  /// What explains the messages; `nil`: nothing does.
  var fields: [Field]? {
    switch self {
    case .opaque: nil
    case .text: [Field("line", .string), Field("bytes", .bytes)]
    case .values(let attributes, _): attributes.map(\.field)
    }
  }
}

/// Lines as messages, without allocation.
struct LineEncoder {
  private enum Kind { case opaque, text, values }

  private let kind: Kind
  private let readers: [AttributeReader]
  private var found: [AttributeValue]
  /// Bytes a message may have beyond those of its line, or in all if it holds values.
  private let overhead: Int

  init(_ content: LineContent) {
    switch content {
    case .opaque:
      (kind, readers, overhead) = (.opaque, [], 0)
    case .text:
      (kind, readers, overhead) = (.text, [], 1 + 4)
    case .values(let attributes, let separator):
      kind = .values
      readers = attributes.map { AttributeReader($0, file: 0, separator: separator) }
      overhead = PolledFileSource.largestMessage(attributes)
    }
    found = Array(repeating: .absent, count: readers.count)
  }

  func largestMessage(lineByteCount: Int) -> Int { kind == .values ? overhead : lineByteCount + overhead }

  /// Looks at a line; whether there is something to tell.
  mutating func look(at line: UnsafeRawBufferPointer) -> Bool {
    guard kind == .values else { return true }
    var isAny = false
    for index in readers.indices {
      found[index] = readers[index].value(in: line)
      if case .absent = found[index] { continue }
      isAny = true
    }
    return isAny
  }

  /// Writes the line that was looked at last.
  func write(_ line: UnsafeRawBufferPointer, into writer: inout ProtobufWriter) {
    let bytes = RawSpan(_unsafeBytes: line)
    switch kind {
    case .opaque: writer.raw(bytes)
    case .text: writer.bytes(bytes, field: isUTF8(line) ? 1 : 2)
    case .values:
      for index in readers.indices {
        writer.attribute(found[index], kind: readers[index].kind, field: index + 1, text: line)
      }
    }
  }
}

func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
  let span = Span<UInt8>(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self))
  return (try? UTF8Span(validating: span)) != nil
}
