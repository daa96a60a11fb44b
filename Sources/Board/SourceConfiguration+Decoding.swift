extension SourceConfiguration {
  /// Reads one `[[source]]`; `nil` when something was reported that leaves no source.
  init?(_ table: TableReader) {
    var table = table
    let name = table.name("name", "a name that is unique on this device and stays the same for ever")
    let kind = table.requiredChoice(
      "type", SourceInput.Kind.self,
      "Say what it reads: type is one of \(SourceInput.Kind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")).")
    let delivery: DeliveryClass = table.choice("delivery", usual: .reliable)
    let durability: Durability = table.choice("durability", usual: delivery == .reliable ? .durable : .periodic)
    let deadline = Self.deadline(&table, delivery)
    if durability == .durable, delivery == .unreliable || delivery == .latest, let node = table.table["durability"] {
      table.fail(
        .conflict, "durability", at: node.position, "cannot be \"durable\" when delivery is \"\(delivery.rawValue)\"",
        "A message that may get lost on the way cannot be kept until it is on disk: remove one of the two.")
    }
    let priority = table.integer("priority", SourceLimits.priority)
    let purpose = table.name("purpose", usual: "main", "the name of the recording set this stream belongs to")
    let padding: PaddingPolicy = table.choice("padding", usual: .none)
    let paddingRate = Self.paddingRate(&table, padding)
    let (errorCorrection, dataCount, parityCount) = Self.errorCorrection(&table, delivery, padding)
    guard let kind else {
      // Without the type nobody can say which other keys are wrong.
      return nil
    }
    var messageLimit = kind == .camera ? SourceLimits.cameraMessage : SourceLimits.message
    if case .string(let framing) = table.table["framing"]?.value, Framing(rawValue: framing)?.isPictures == true {
      messageLimit.usual = SourceLimits.cameraMessage.usual
    }
    var messageByteCount = messageLimit.usual
    let takesBytes: Set<SourceInput.Kind> = [.file, .serial, .socket, .command, .camera]
    if takesBytes.contains(kind) { messageByteCount = table.size("max_message", messageLimit) }
    let input: SourceInput?
    switch kind {
    case .poll: input = PollInput(&table).map(SourceInput.poll)
    case .file: input = FileInput(&table).map(SourceInput.file)
    case .serial: input = SerialInput(&table).map(SourceInput.serial)
    case .socket: input = SocketInput(&table).map(SourceInput.socket)
    case .command: input = CommandInput(&table).map(SourceInput.command)
    case .camera: input = .camera(CameraInput(&table))
    case .gpio: input = GPIOInput(&table).map(SourceInput.gpio)
    case .iio: input = IIOInput(&table).map(SourceInput.iio)
    case .pattern:
      let pattern = PatternInput(&table)
      messageByteCount = pattern.messageByteCount
      input = .pattern(pattern)
    case .system: input = .system(SystemInput(&table))
    case .modbus: input = ModbusInput(&table).map(SourceInput.modbus)
    }
    table.finish()
    guard let name, let purpose, let input else { return nil }
    self.init(
      name: name, delivery: delivery, deadline: deadline, durability: durability, priority: UInt8(clamping: priority),
      purpose: purpose,
      padding: padding, paddingRateHertz: paddingRate,
      errorCorrection: errorCorrection, errorCorrectionData: dataCount, errorCorrectionParity: parityCount,
      maximumMessageByteCount: messageByteCount, input: input)
  }

  private static func paddingRate(_ table: inout TableReader, _ padding: PaddingPolicy) -> Double {
    let node = table.table["padding_rate_hz"]
    let rate = table.number("padding_rate_hz", SourceLimits.paddingRate, unit: "Hz")
    if let node, padding != .constant {
      table.fail(
        .conflict, "padding_rate_hz", at: node.position, "means nothing when padding is \"\(padding.rawValue)\"",
        "Only padding = \"constant\" sends at a rate of its own: change one of the two.")
    }
    return rate
  }

  /// How, and how many packets of data and of parity a block has.
  private static func errorCorrection(
    _ table: inout TableReader, _ delivery: DeliveryClass, _ padding: PaddingPolicy
  ) -> (ErrorCorrection, Int, Int) {
    let usual: ErrorCorrection = delivery == .partial && padding != .constant ? .automatic : .off
    let chosen: ErrorCorrection = table.choice("fec", usual: usual)
    var dataLimit = SourceLimits.errorCorrectionData
    if chosen == .xor { dataLimit.usual = SourceLimits.usualDataOfXOR }
    let dataCount = table.integer("fec_data", dataLimit, unit: "packets")
    let parityCount = table.integer("fec_parity", SourceLimits.errorCorrectionParity, unit: "packets")
    if let node = table.table["fec"], chosen != .off {
      if padding == .constant {
        table.fail(
          .conflict, "fec", at: node.position, "cannot be \"\(chosen.rawValue)\" when padding is \"constant\"",
          "A constant rate has no room for parity that comes and goes: set fec = \"off\", or another padding.")
      } else if chosen == .automatic, delivery != .partial {
        table.fail(
          .conflict, "fec", at: node.position, "cannot be \"auto\" when delivery is \"\(delivery.rawValue)\"",
          "It begins when repeating would miss the deadline, which only delivery = \"partial\" has: set fec = \"xor\", \"rs\" or \"off\"."
        )
      }
    }
    for (key, isIdle) in [("fec_data", chosen == .off), ("fec_parity", chosen == .off || chosen == .xor)] where isIdle {
      if let node = table.table[key] {
        table.fail(
          .conflict, key, at: node.position, "means nothing when fec is \"\(chosen.rawValue)\"",
          chosen == .xor
            ? "XOR has one packet of parity: remove it, or set fec = \"rs\"." : "Remove it, or set fec = \"rs\".")
      }
    }
    if chosen == .automatic || chosen == .reedSolomon, let node = table.table["fec_parity"], parityCount > dataCount {
      table.fail(
        .conflict, "fec_parity", at: node.position, "is \(parityCount), more than the \(dataCount) of fec_data",
        "Parity for more packets than a block has is never of use: lower fec_parity, or raise fec_data.")
    }
    return (chosen, dataCount, chosen == .xor ? 1 : min(parityCount, dataCount))
  }

  private static func deadline(_ table: inout TableReader, _ delivery: DeliveryClass) -> Duration {
    let node = table.table["deadline"]
    let deadline = table.duration("deadline", SourceLimits.deadline)
    if let node, delivery != .partial {
      table.fail(
        .conflict, "deadline", at: node.position, "means nothing when delivery is \"\(delivery.rawValue)\"",
        "Only a stream with delivery = \"partial\" gives messages up by their age: change one of the two.")
    }
    return deadline
  }
}

extension PollInput {
  init?(_ table: inout TableReader) {
    rateHertz = table.number("rate_hz", SourceLimits.pollRate, unit: "Hz")
    let tables = table.subtables("value", atMost: SourceLimits.valueCount, because: SourceLimits.valueCountReason)
    if tables.isEmpty, table.table["value"] == nil {
      table.missing("value", "Add at least one [[source.value]] with name and path.")
    }
    values = Value.list(tables, areFiles: true)
    if values.isEmpty { return nil }
  }
}

extension PollInput.Value {
  /// - Parameter areFiles: whether each names a file; else they lie in what the source reads.
  static func list(_ tables: [TableReader], areFiles: Bool) -> [Self] {
    var names: Set<String> = []
    var values: [Self] = []
    for var entry in tables {
      guard let value = Self(&entry, isFile: areFiles) else { continue }
      if !names.insert(value.name).inserted { entry.nameIsTaken(value.name) }
      values.append(value)
    }
    return values
  }

  private init?(_ table: inout TableReader, isFile: Bool) {
    let name = table.fieldName()
    let path =
      !isFile ? "" : table.absolutePath("path", "Name the file to read, such as \"/sys/class/thermal/thermal_zone0/temp\".")
    parse = table.choice("parse", usual: .number)
    line = table.text("line", "Give the text the wanted line begins with, such as \"MemAvailable:\".")?.text
    column = table.integer("column", SourceLimits.column)
    unit = table.text("unit", "Give the unit as UCUM writes it, such as \"Cel\", \"By\" or \"%\".")?.text ?? ""
    scale = table.number("scale", SourceLimits.factor)
    var offsetLimit = SourceLimits.factor
    offsetLimit.usual = 0
    offset = table.number("offset", offsetLimit)
    for key in ["scale", "offset"] where parse == .text || parse == .boolean {
      if let node = table.table[key] {
        table.fail(
          .conflict, key, at: node.position, "cannot be used with parse = \"\(parse.rawValue)\"",
          "Only numbers are scaled: remove it, or parse as \"number\" or \"integer\".")
      }
    }
    table.finish()
    guard let name, let path else { return nil }
    self.name = name
    self.path = path
  }
}

extension CameraInput {
  init(_ table: inout TableReader) {
    let remedy = "Give a path, best one that survives replugging (/dev/v4l/by-id/…), or \"auto\" for the first camera."
    if let node = table.table["device"], case .string("auto") = node.value {
      _ = table.take("device")
      device = nil
    } else {
      device = table.table["device"] == nil ? nil : table.absolutePath("device", remedy)
      _ = table.take("device")
    }
    format = table.choice("format", usual: .automatic)
    width = table.integer("width", SourceLimits.width, unit: "pixels")
    height = table.integer("height", SourceLimits.height, unit: "pixels")
    framesPerSecond = table.number("fps", SourceLimits.frameRate, unit: "frames a second")
  }
}

extension PatternInput {
  init(_ table: inout TableReader) {
    messageByteCount = table.size("message_size", SourceLimits.patternMessage)
    let rate = table.number("rate_hz", SourceLimits.messageRate, unit: "messages a second")
    rateHertz = rate > 0 ? rate : nil
    let count = table.integer("count", SourceLimits.patternCount, unit: "messages")
    self.count = count > 0 ? UInt64(count) : nil
    seed = table.bits("seed", usual: 1)
  }
}

extension SystemInput {
  init(_ table: inout TableReader) {
    // A 1-wire thermometer would hold up the others.
    groups = table.choices("groups", usual: SystemGroup.allCases.filter { $0 != .onewire })
    rateHertz = table.number("rate_hz", SourceLimits.systemRate, unit: "Hz")
  }
}
