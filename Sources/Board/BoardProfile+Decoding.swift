extension BoardProfile {
  /// Header pins a board may have.
  static let pinCount = Limit(1, 256, usual: 40, because: "no board has a larger header")
  static let lineCount = Limit(1, 1_024, usual: 54, because: "a GPIO chip has at most a few hundred lines")
  static let decivolts = Limit(18, 50, usual: 33, because: "headers supply 1.8 to 5 volts")

  /// Reads a profile, or throws everything that is wrong with it.
  public init(_ root: ConfigNode) throws(ConfigurationError) {
    let problems = ConfigProblems()
    var top = TableReader(root: root, problems: problems)
    var board = top.subtable("board") ?? top.empty("board")
    let name = board.name("name", "the profile's directory name")
    let title = board.text("title", "Give the maker's name for it.")?.text
    if board.table["title"] == nil { board.missing("title", "Give the maker's name for it.") }
    let hasAES = board.flag("aes", usual: false)
    let camera = board.text("camera", "Say in a sentence how a camera is reached.")?.text ?? ""
    board.finish()

    var gpio = top.subtable("gpio") ?? top.empty("gpio")
    let label = gpio.text("chip_label", "Give what gpiodetect prints in brackets.")?.text
    if gpio.table["chip_label"] == nil { gpio.missing("chip_label", "Give what gpiodetect prints in brackets.") }
    let lines = gpio.integer("line_count", Self.lineCount)
    let headerPins = gpio.integer("header_pins", Self.pinCount)
    gpio.finish()

    let pins = Self.pins(&top, headerPins: headerPins, lineCount: lines)
    let buses = Self.buses(&top, pins: pins)
    top.finish()
    try problems.check()
    guard let name, let title, let label else { throw ConfigurationError([.internalGap(root.position)]) }
    self.init(
      name: name, title: title, hasAES: hasAES, gpioChipLabel: label, gpioLineCount: lines, pins: pins, buses: buses,
      camera: camera)
  }

  private static func pins(_ top: inout TableReader, headerPins: Int, lineCount: Int) -> [Pin] {
    var pins: [Pin] = []
    var taken: Set<String> = []
    var offsets: Set<Int> = []
    for var table in top.subtables("pin", atMost: pinCount.maximum, because: pinCount.reason) {
      let number = table.integer("number", Limit(0, headerPins, usual: 0, because: "the header has \(headerPins) pins"))
      let kind = table.requiredChoice("kind", Kind.self, "Say kind = \"ground\", \"power\" or \"line\".")
      let functions = table.texts("functions")
      var role: Role?
      switch kind {
      case .ground: role = .ground
      case .power: role = .power(decivolts: table.integer("decivolts", decivolts))
      case .line:
        let line = table.name("line", "the line's name as gpioinfo prints it")
        let offset = table.integer("offset", Limit(0, lineCount - 1, usual: 0, because: "the chip has \(lineCount) lines"))
        if let line {
          role = .line(name: line, offset: offset)
          if !taken.insert(line).inserted || !offsets.insert(offset).inserted {
            table.fail(.conflict, "line", at: table.position, "is on another pin too", "Name each line and offset once.")
          }
        }
      case nil: continue
      }
      table.finish()
      guard let role else { continue }
      if number == 0 { table.missing("number", "Give the number printed beside the header.") }
      if pins.contains(where: { $0.number == number }) {
        table.fail(.conflict, "number", at: table.position, "\(number) is described twice", "Describe each pin once.")
      }
      pins.append(Pin(number: number, role: role, functions: functions))
    }
    let missing = Set(1...headerPins).subtracting(pins.map(\.number)).sorted()
    if !missing.isEmpty {
      top.fail(
        .missingKey, "pin", at: top.position, "pins \(missing.map(String.init).joined(separator: ", ")) are not described",
        "Describe every pin of the header, supply and ground too.")
    }
    return pins.sorted { $0.number < $1.number }
  }

  private static func buses(_ top: inout TableReader, pins: [Pin]) -> [Bus] {
    var buses: [Bus] = []
    for var table in top.subtables("bus", atMost: 64, because: "a header carries few") {
      let name = table.name("name", "a name such as i2c1")
      let kind = table.requiredChoice("kind", Bus.Kind.self, "Say kind = \"i2c\", \"spi\", \"uart\" or \"pwm\".")
      let device = table.absolutePath("device", "Name its device file.")
      let numbers = table.integers("pins")
      for number in numbers {
        let isLine = pins.contains { if $0.number == number, case .line = $0.role { true } else { false } }
        if !isLine {
          table.fail(
            .conflict, "pins", at: table.position, "\(number) is no line of the header", "Name pins that are lines.")
        }
      }
      let enable = table.text("enable", "Give the line that switches it on.")?.text ?? ""
      table.finish()
      if let name, let kind, let device {
        buses.append(Bus(name: name, kind: kind, device: device, pins: numbers, enable: enable))
      }
    }
    return buses
  }
}

extension TableReader {
  /// What stands for a table that is absent, so that its missing keys are reported.
  func empty(_ key: String) -> TableReader {
    TableReader(ConfigTable(), path: path(of: key), position: position, problems: problems)
  }

  /// An array of texts, empty when absent.
  mutating func texts(_ key: String) -> [String] {
    guard let node = take(key) else { return [] }
    if case .array(let elements) = node.value {
      let texts = elements.prefix(64).compactMap { if case .string(let text) = $0.value { text } else { nil } }
      if texts.count == elements.count { return texts }
    }
    fail(.wrongType, key, at: node.position, "is no array of at most 64 texts", "Write [\"one\", \"two\"].")
    return []
  }

  /// An array of small whole numbers, empty when absent.
  mutating func integers(_ key: String) -> [Int] {
    guard let node = take(key) else { return [] }
    if case .array(let elements) = node.value {
      let numbers = elements.prefix(64).compactMap {
        if case .integer(let number) = $0.value { Int(exactly: number) } else { nil }
      }
      if numbers.count == elements.count { return numbers }
    }
    fail(.wrongType, key, at: node.position, "is no array of at most 64 whole numbers", "Write [3, 5].")
    return []
  }
}
