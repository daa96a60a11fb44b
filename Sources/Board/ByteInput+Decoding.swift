extension MessageCutting {
  /// Reads the keys that say where messages end and what lines become; `nil` without `framing`.
  init?(_ table: inout TableReader, usual: Framing? = nil, contents: Contents) {
    let names = Framing.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    let found =
      usual.map { table.choice("framing", usual: $0) }
      ?? table.requiredChoice("framing", Framing.self, "Say where a message ends: framing is one of \(names).")
    let recordNode = table.table["record_size"]
    recordByteCount = table.size("record_size", ByteLimits.record)
    let startNode = table.table["record_start"]
    recordStart = Self.recordStart(&table)
    let separatorNode = table.table["separator"]
    separator = Self.separator(&table)
    let tables = table.subtables("value", atMost: SourceLimits.valueCount, because: SourceLimits.valueCountReason)
    values = PollInput.Value.list(tables, areFiles: false)
    guard let found else { return nil }
    framing = found
    if framing == .fixed, recordNode == nil {
      table.missing("record_size", "Say how long a record is, in bytes: record_size = 16.")
    }
    for (key, node) in [("record_size", recordNode), ("record_start", startNode)] where framing != .fixed {
      guard let node else { continue }
      table.fail(
        .conflict, key, at: node.position, "means nothing when framing is \"\(framing.rawValue)\"",
        "Only framing = \"fixed\" has records of one length: change one of the two.")
    }
    if let startNode, recordStart.count > recordByteCount {
      table.fail(
        .conflict, "record_start", at: startNode.position, "is longer than record_size",
        "It is the first bytes of each record.")
    }
    if let node = tables.first?.position, framing != .lines, framing != .nmea {
      table.fail(
        .conflict, "value", at: node, "cannot be read when framing is \"\(framing.rawValue)\"",
        "Values are words of lines: set framing = \"lines\" or \"nmea\", or remove them.")
    }
    if let separatorNode, values.isEmpty {
      table.fail(
        .conflict, "separator", at: separatorNode.position, "parts nothing without a value",
        "Add a [[source.value]] with name and column, or remove it.")
    }
    self.contents = contents
    // What NMEA parts its fields with.
    if framing == .nmea, separator == nil { separator = "," }
  }

  private static func recordStart(_ table: inout TableReader) -> [UInt8] {
    let remedy = "Give 1 to 16 bytes as pairs of hexadecimal digits: record_start = \"aa55\"."
    guard let (text, position) = table.text("record_start", remedy) else { return [] }
    let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    guard digits.count == text.utf8.count, (2...32).contains(digits.count), digits.count.isMultiple(of: 2) else {
      table.fail(.invalidValue, "record_start", at: position, "\"\(shown(text))\" is no such bytes", remedy)
      return []
    }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  private static func separator(_ table: inout TableReader) -> Character? {
    let remedy = "Give the one character between two words, such as \",\"; without it blanks part them."
    guard let (text, position) = table.text("separator", remedy) else { return nil }
    guard text.utf8.count == 1, let character = text.first, character != "\n" else {
      table.fail(.invalidValue, "separator", at: position, "\"\(shown(text))\" is not one character", remedy)
      return nil
    }
    return character
  }
}

extension FileInput {
  init?(_ table: inout TableReader) {
    let path = table.absolutePath("path", "Name the file or character device to read.")
    let cutting = MessageCutting(&table, contents: .opaque)
    loop = table.flag("loop", usual: false)
    let rate = table.number("rate_hz", SourceLimits.messageRate, unit: "messages a second")
    rateHertz = rate > 0 ? rate : nil
    guard let path, let cutting else { return nil }
    self.path = path
    self.cutting = cutting
  }
}

extension SerialInput {
  init?(_ table: inout TableReader) {
    let remedy = "Give the port's path, best one that survives replugging: ls /dev/serial/by-id lists them."
    let device = table.absolutePath("device", remedy)
    baud = table.integer("baud", ByteLimits.baud, unit: "baud")
    if table.table["baud"] == nil {
      table.missing("baud", "Give the rate the instrument sends at, as its manual says: baud = 9600.")
    }
    dataBits = table.integer("data_bits", ByteLimits.dataBits)
    parity = table.choice("parity", usual: .none)
    stopBits = table.integer("stop_bits", ByteLimits.stopBits)
    flowControl = table.choice("flow_control", usual: .none)
    let cutting = MessageCutting(&table, usual: .lines, contents: .text)
    guard let device, let cutting else { return nil }
    self.device = device
    self.cutting = cutting
  }
}

extension SocketInput {
  init?(_ table: inout TableReader) {
    let path = table.absolutePath("path", "Name the UNIX socket that the other program listens at.")
    let cutting = MessageCutting(&table, contents: .text)
    guard let path, let cutting else { return nil }
    self.path = path
    self.cutting = cutting
  }
}

extension CommandInput {
  init?(_ table: inout TableReader) {
    let remedy =
      "Give the program and its arguments: command = [\"rpicam-vid\", \"-t\", \"0\", \"-o\", \"-\"]. No shell looks at them."
    let isGiven = table.table["command"] != nil
    arguments = table.words("command", atMost: ByteLimits.argumentCount, because: ByteLimits.argumentCountReason, remedy)
    if !isGiven { table.missing("command", remedy) }
    restart = table.choice("restart", usual: .always)
    let cutting = MessageCutting(&table, contents: .text)
    guard !arguments.isEmpty, let cutting else { return nil }
    self.cutting = cutting
  }
}
