import STTSample

/// What was found for one attribute at one moment.
enum AttributeValue {
  case absent
  case unsigned(UInt64)
  case signed(Int64)
  case real(Double)
  case flag(Bool)
  /// Where the word lies in its file's buffer.
  case text(offset: Int, byteCount: Int)
}

/// An attribute made ready for reading without allocation.
struct AttributeReader {
  let file: Int
  let kind: Field.Kind
  private let line: [UInt8]?
  private let column: Int
  private let isHexadecimal: Bool
  private let scale: Double
  private let offset: Double
  private let separator: UInt8?

  /// - Parameter separator: what parts words, if not blanks.
  init(_ attribute: Attribute, file: Int, separator: UInt8? = nil) {
    self.file = file
    self.separator = separator
    kind = attribute.field.kind
    line = attribute.line.map { Array($0.utf8) }
    column = attribute.column
    isHexadecimal = attribute.isHexadecimal
    scale = attribute.scale
    offset = attribute.offset
  }

  /// Whether the value may lie beyond the first line, so that all of the file is needed.
  var needsWholeFile: Bool { line != nil }

  func value(in text: UnsafeRawBufferPointer) -> AttributeValue {
    guard let word = TextLines(text, separator: separator).word(column, ofLine: line) else { return .absent }
    let bytes = UnsafeRawBufferPointer(rebasing: text[word])
    switch kind {
    case .string, .bytes:
      guard bytes.count <= Attribute.longestText, kind == .bytes || isUTF8(bytes) else { return .absent }
      return .text(offset: word.lowerBound, byteCount: word.count)
    case .bool: return NumberText.flag(bytes).map(AttributeValue.flag) ?? .absent
    case .double:
      let number = isHexadecimal ? whole(bytes)?.real : NumberText.real(bytes)
      guard let number else { return .absent }
      let scaled = number * scale + offset
      return scaled.isFinite ? .real(scaled) : .absent
    case .int64, .uint64, .fixed32, .fixed64: return integer(bytes)
    }
  }

  private func whole(_ bytes: UnsafeRawBufferPointer) -> NumberText.Whole? {
    NumberText.whole(bytes, radix: isHexadecimal ? 16 : 10)
  }

  private func integer(_ bytes: UnsafeRawBufferPointer) -> AttributeValue {
    if scale == 1, offset == 0, let exact = whole(bytes) { return fitted(exact) }
    guard let number = isHexadecimal ? whole(bytes)?.real : NumberText.real(bytes) ?? whole(bytes)?.real else {
      return .absent
    }
    let scaled = (number * scale + offset).rounded()
    if let value = UInt64(exactly: scaled) { return fitted(.init(magnitude: value, isNegative: false)) }
    if let value = Int64(exactly: scaled) { return fitted(.init(magnitude: value.magnitude, isNegative: true)) }
    return .absent
  }

  /// A number its field can't hold is left out: a wrong value is worse than none.
  private func fitted(_ whole: NumberText.Whole) -> AttributeValue {
    switch kind {
    case .int64:
      if whole.isNegative { return Int64(exactly: -Int128(whole.magnitude)).map(AttributeValue.signed) ?? .absent }
      return Int64(exactly: whole.magnitude).map(AttributeValue.signed) ?? .absent
    case .fixed32 where whole.magnitude > UInt64(UInt32.max): return .absent
    default: return whole.isNegative && whole.magnitude > 0 ? .absent : .unsigned(whole.magnitude)
    }
  }
}

extension ProtobufWriter {
  /// Writes `value` as `kind` wants it; ``AttributeValue/absent`` writes nothing.
  mutating func attribute(
    _ value: AttributeValue, kind: Field.Kind, field: Int, text: UnsafeRawBufferPointer
  ) {
    switch value {
    case .absent: return
    case .real(let number): double(number, field: field)
    case .flag(let flag): bool(flag, field: field)
    case .signed(let number): int64(number, field: field)
    case .unsigned(let number):
      switch kind {
      case .fixed32: fixed32(UInt32(truncatingIfNeeded: number), field: field)
      case .fixed64: fixed64(number, field: field)
      default: uint64(number, field: field)
      }
    case .text(let offset, let byteCount):
      guard let base = text.baseAddress else { return }
      bytes(RawSpan(_unsafeStart: base + offset, byteCount: byteCount), field: field)
    }
  }
}
