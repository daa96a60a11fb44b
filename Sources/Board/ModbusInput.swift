/// Values of Modbus RTU devices on one serial line.
public struct ModbusInput: Hashable, Sendable {
  public enum Table: String, CaseIterable, Hashable, Sendable { case coil, discrete, input, holding }

  /// How registers make a number.
  public enum Format: String, CaseIterable, Hashable, Sendable {
    case uint16, int16, uint32, int32, uint64, int64, float32, float64

    var registerCount: Int {
      switch self {
      case .uint16, .int16: 1
      case .uint32, .int32, .float32: 2
      case .uint64, .int64, .float64: 4
      }
    }
  }

  /// The order of a number's bytes in its registers, as datasheets write it.
  public enum Order: String, CaseIterable, Hashable, Sendable { case abcd, cdab, badc, dcba }

  /// One value of a device.
  public struct Value: Hashable, Sendable {
    public var name: String
    /// The device's address on the line.
    public var unitAddress: Int
    public var table: Table
    /// From 0, as on the wire.
    public var register: Int
    public var format: Format
    public var order: Order
    /// As UCUM writes it, or empty.
    public var unit: String
    public var scale: Double
    public var offset: Double
  }

  public var device: String
  public var baud: Int
  public var parity: SerialInput.Parity
  public var stopBits: Int
  /// How long a device may take to answer.
  public var timeout: Duration
  public var rateHertz: Double
  /// In the order of the text, at least one.
  public var values: [Value]
}

/// The numbers of Modbus sources, each with its reason.
public enum ModbusLimits {
  public static let baud = Limit(
    300, 921_600, usual: 19_200, because: "the standard's usual rate is 19200, and libmodbus ends at 921600")
  public static let unitAddress = Limit(1, 247, usual: 1, because: "the standard has no other addresses for devices")
  public static let register = Limit(0, 65_535, usual: 0, because: "a register's number has 16 bits")
  public static let timeout = Limit<Duration>(
    .milliseconds(10), .seconds(5), usual: .milliseconds(500),
    because: "a device needs a few milliseconds to think, and one that is off costs this time once a second")
  public static let rate = Limit(
    0.01, 100.0, usual: 1.0, because: "a question and its answer take 10 ms and more at the usual speeds of a line")
}

extension ModbusInput {
  init?(_ table: inout TableReader) {
    let deviceRemedy = "Name the serial port, best /dev/serial/by-id/… (ls /dev/serial/by-id)."
    let device = table.absolutePath("device", deviceRemedy)
    baud = table.integer("baud", ModbusLimits.baud, unit: "baud")
    parity = table.choice("parity", usual: .even)
    stopBits = table.integer("stop_bits", ByteLimits.stopBits)
    let unitAddress = table.integer("unit_address", ModbusLimits.unitAddress)
    timeout = table.duration("timeout", ModbusLimits.timeout)
    rateHertz = table.number("rate_hz", ModbusLimits.rate, unit: "Hz")
    let tables = table.subtables("value", atMost: SourceLimits.valueCount, because: SourceLimits.valueCountReason)
    if tables.isEmpty, table.table["value"] == nil {
      table.missing("value", "Add at least one [[source.value]] with name and register.")
    }
    values = Value.list(tables, unitAddress: unitAddress)
    guard let device, !values.isEmpty else { return nil }
    self.device = device
  }
}

extension ModbusInput.Value {
  static func list(_ tables: [TableReader], unitAddress: Int) -> [Self] {
    var names: Set<String> = []
    var values: [Self] = []
    for var entry in tables {
      guard let value = Self(&entry, unitAddress: unitAddress) else { continue }
      if !names.insert(value.name).inserted { entry.nameIsTaken(value.name) }
      values.append(value)
    }
    return values
  }

  private init?(_ table: inout TableReader, unitAddress: Int) {
    let name = table.fieldName()
    var addressLimit = ModbusLimits.unitAddress
    addressLimit.usual = unitAddress
    self.unitAddress = table.integer("unit_address", addressLimit)
    self.table = table.choice("table", usual: .holding)
    let registerNode = table.table["register"]
    if registerNode == nil {
      table.missing(
        "register", "Give the register's number from 0; many datasheets count from 1, or write 40001 for holding 0.")
    }
    register = table.integer("register", ModbusLimits.register)
    let isBits = self.table == .coil || self.table == .discrete
    format = table.choice("format", usual: .uint16)
    order = table.choice("order", usual: .abcd)
    unit = table.text("unit", "Give the unit as UCUM writes it, such as \"V\", \"kW.h\" or \"Cel\".")?.text ?? ""
    scale = table.number("scale", SourceLimits.factor)
    var offsetLimit = SourceLimits.factor
    offsetLimit.usual = 0
    offset = table.number("offset", offsetLimit)
    for key in ["format", "order", "scale", "offset"] where isBits {
      if let node = table.table[key] {
        table.fail(
          .conflict, key, at: node.position, "cannot be used with table = \"\(self.table.rawValue)\"",
          "A bit is on or off: remove it, or read a register.")
      }
    }
    if let registerNode, !isBits, register + format.registerCount - 1 > ModbusLimits.register.maximum {
      table.fail(
        .outOfRange, "register", at: registerNode.position,
        "and the \(format.registerCount) registers of \(format.rawValue) end behind 65535",
        "Give the number of the first of them.")
    }
    table.finish()
    guard let name, registerNode != nil else { return nil }
    self.name = name
  }
}
