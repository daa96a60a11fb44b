public import STTSample

/// Where a Modbus device keeps values (MODBUS Application Protocol V1.1b3, section 4.3).
public enum RegisterTable: Hashable, Sendable, CaseIterable {
  /// One bit, read with function 1.
  case coil
  /// One bit, read with function 2.
  case discrete
  /// 16 bits, read with function 4.
  case input
  /// 16 bits, read with function 3.
  case holding

  var isBits: Bool { self == .coil || self == .discrete }
  /// What one answer holds (sections 6.1 to 6.4).
  var mostInOneRead: Int { isBits ? 2_000 : 125 }
}

/// How registers make a number.
public enum RegisterFormat: Hashable, Sendable, CaseIterable {
  case uint16, int16, uint32, int32, uint64, int64, float32, float64

  public var registerCount: Int {
    switch self {
    case .uint16, .int16: 1
    case .uint32, .int32, .float32: 2
    case .uint64, .int64, .float64: 4
    }
  }
}

/// In which order the bytes of a number lie in its registers. The protocol says nothing of it beyond one register.
public enum ByteOrder: Hashable, Sendable, CaseIterable {
  /// The most significant first: ABCD.
  case big
  /// Registers from the least significant, each as the protocol has it: CDAB.
  case wordsSwapped
  /// Registers from the most significant, the bytes of each swapped: BADC.
  case bytesSwapped
  /// The least significant first: DCBA.
  case little
}

/// One value of a Modbus device and the field it becomes.
public struct RegisterValue: Hashable, Sendable {
  public var field: Field
  /// The device's address on the line, 1 to 247.
  public var device: UInt8
  public var table: RegisterTable
  /// From 0, as it is on the wire.
  public var register: UInt16
  public var format: RegisterFormat
  public var order: ByteOrder
  /// The field is `raw * scale + offset`; of bits neither counts.
  public var scale: Double
  public var offset: Double

  /// The field's kind follows from the others: a flag for a bit, a whole number where nothing is scaled, else a double.
  public init(
    _ name: String, unit: String = "", device: UInt8, table: RegisterTable, register: UInt16,
    format: RegisterFormat = .uint16, order: ByteOrder = .big, scale: Double = 1, offset: Double = 0
  ) {
    let kind: Field.Kind =
      if table.isBits {
        .bool
      } else if scale != 1 || offset != 0 {
        .double
      } else {
        switch format {
        case .uint16, .uint32, .uint64: .uint64
        case .int16, .int32, .int64: .int64
        case .float32, .float64: .double
        }
      }
    field = Field(name, kind, unit: unit)
    self.device = device
    self.table = table
    self.register = register
    self.format = format
    self.order = order
    self.scale = scale
    self.offset = offset
  }

  /// Registers or bits it takes.
  var count: Int { table.isBits ? 1 : format.registerCount }
  /// The first one behind it.
  var end: Int { Int(register) + count }
}

extension RegisterValue {
  /// Writes what `registers`, of which the first is the value's, say.
  func write(_ registers: ArraySlice<UInt16>, field number: Int, into writer: inout ProtobufWriter) {
    guard registers.count >= count, let first = registers.first else { return }
    if table.isBits { return writer.bool(first != 0, field: number) }
    let bits = bits(of: registers.prefix(count))
    switch field.kind {
    case .uint64: writer.uint64(bits, field: number)
    case .int64: writer.int64(signed(bits), field: number)
    default: writer.double(real(bits) * scale + offset, field: number)
    }
  }

  private func bits(of registers: ArraySlice<UInt16>) -> UInt64 {
    var bits: UInt64 = 0
    let isReversed = order == .wordsSwapped || order == .little
    let isSwapped = order == .bytesSwapped || order == .little
    for index in 0..<registers.count {
      let word = registers[isReversed ? registers.endIndex - 1 - index : registers.startIndex + index]
      bits = bits << 16 | UInt64(isSwapped ? word.byteSwapped : word)
    }
    return bits
  }

  private func signed(_ bits: UInt64) -> Int64 {
    switch format {
    case .int16: Int64(Int16(truncatingIfNeeded: bits))
    case .int32: Int64(Int32(truncatingIfNeeded: bits))
    default: Int64(bitPattern: bits)
    }
  }

  private func real(_ bits: UInt64) -> Double {
    switch format {
    case .uint16, .uint32, .uint64: Double(bits)
    case .int16, .int32, .int64: Double(signed(bits))
    case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .float64: Double(bitPattern: bits)
    }
  }
}
