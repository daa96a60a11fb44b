import STTBoard
internal import TOMLKit

/// The library's table with its places. What the outline lacks takes the place of what holds it.
func configNode(_ table: TOMLTable, _ outline: TOMLOutline) throws(TOMLSyntaxError) -> ConfigNode {
  try configNode(table, outline, at: outline.position)
}

private func configNode(
  _ table: TOMLTable, _ outline: TOMLOutline?, at position: ConfigPosition
) throws(TOMLSyntaxError) -> ConfigNode {
  var result = ConfigTable()
  // The library sorts keys; people read problems in the order of their text.
  let ranks = Dictionary((outline?.children ?? []).enumerated().map { ($1.key, $0) }) { first, _ in first }
  let keys = table.keys.enumerated().sorted {
    (ranks[$0.element] ?? .max, $0.offset) < (ranks[$1.element] ?? .max, $1.offset)
  }
  for (_, key) in keys {
    let place = outline?[key]
    let keyPosition = place?.keyPosition ?? position
    guard let value = table[key]?.tomlValue else { throw unreadable(at: keyPosition) }
    guard result.index(of: key) == nil else {
      throw TOMLSyntaxError(
        position: keyPosition, message: "a key stands twice, composed of different characters that look the same",
        remedy: "Keep one of the two.")
    }
    let node = try configNode(value, place, at: place?.position ?? position)
    result.set(ConfigTable.Entry(key: key, keyPosition: keyPosition, node: node))
  }
  return ConfigNode(.table(result), at: position)
}

private func configNode(
  _ value: TOMLValue, _ outline: TOMLOutline?, at position: ConfigPosition
) throws(TOMLSyntaxError) -> ConfigNode {
  let converted: ConfigNode.Value? =
    switch value.type {
    case .table:
      if let table = value.table { try configNode(table, outline, at: position).value } else { nil }
    case .array:
      if let array = value.array { try elements(array, outline, at: position) } else { nil }
    case .string: value.string.map { .string($0) }
    case .int: value.int.map { .integer(Int64($0)) }
    case .double: value.double.map { .float($0) }
    case .bool: value.bool.map { .bool($0) }
    case .date: value.date.map { .datetime(text($0)) }
    case .time: value.time.map { .datetime(text($0)) }
    case .dateTime: value.dateTime.map { .datetime(text($0)) }
    }
  guard let converted else { throw unreadable(at: position) }
  return ConfigNode(converted, at: position)
}

private func elements(
  _ array: TOMLArray, _ outline: TOMLOutline?, at position: ConfigPosition
) throws(TOMLSyntaxError) -> ConfigNode.Value {
  var elements: [ConfigNode] = []
  let places = outline?.elements ?? []
  for (index, element) in array.enumerated() {
    let place = index < places.count ? places[index] : nil
    elements.append(try configNode(element.tomlValue, place, at: place?.position ?? position))
  }
  return .array(elements)
}

private func text(_ date: TOMLDate) -> String {
  "\(digits(date.year, 4))-\(digits(date.month, 2))-\(digits(date.day, 2))"
}

private func text(_ time: TOMLTime) -> String {
  let plain = "\(digits(time.hour, 2)):\(digits(time.minute, 2)):\(digits(time.second, 2))"
  if time.nanoSecond == 0 { return plain }
  var fraction = digits(time.nanoSecond, 9)
  while fraction.hasSuffix("0") { fraction.removeLast() }
  return "\(plain).\(fraction)"
}

private func text(_ dateTime: TOMLDateTime) -> String {
  let plain = "\(text(dateTime.date))T\(text(dateTime.time))"
  guard let minutes = dateTime.offset?.offset else { return plain }
  if minutes == 0 { return plain + "Z" }
  let (hours, rest) = minutes.magnitude.quotientAndRemainder(dividingBy: 60)
  return "\(plain)\(minutes < 0 ? "-" : "+")\(digits(Int(hours), 2)):\(digits(Int(rest), 2))"
}

private func digits(_ number: Int, _ count: Int) -> String {
  let plain = String(number)
  return String(repeating: "0", count: max(0, count - plain.utf8.count)) + plain
}

private func unreadable(at position: ConfigPosition) -> TOMLSyntaxError {
  TOMLSyntaxError(position: position, message: "the value cannot be read", remedy: "Write it in another way.")
}
