import STTBoard
import STTConfig
import Testing

/// The value at a path of keys in a text, or what is wrong with the text.
private func parse(_ text: String) -> Result<ConfigNode, ConfigurationError> {
  do throws(ConfigurationError) { return .success(try TOMLDocument.parse(text, source: "t")) } catch {
    return .failure(error)
  }
}

private func value(_ text: String) -> ConfigNode.Value? {
  guard case .success(let root) = parse("v = " + text), case .table(let table) = root.value else { return nil }
  return table["v"]?.value
}

private func problem(_ text: String) -> ConfigProblem? {
  guard case .failure(let error) = parse(text) else { return nil }
  return error.problems.first
}

/// A tree without positions, as a short text: `{a:1,b:[true]}`.
private func shape(_ node: ConfigNode) -> String {
  switch node.value {
  case .table(let table): "{" + table.entries.map { "\($0.key):\(shape($0.node))" }.joined(separator: ",") + "}"
  case .array(let elements): "[" + elements.map(shape).joined(separator: ",") + "]"
  case .string(let text): "'\(text)'"
  case .integer(let number): "\(number)"
  case .float(let number): "\(number)"
  case .bool(let truth): "\(truth)"
  case .datetime(let text): "<\(text)>"
  }
}

@Suite struct TOMLDocumentTests {
  @Test(arguments: [
    ("0", Int64(0)), ("+99", 99), ("-17", -17), ("1_000", 1000), ("0xDEAD_beef", 0xDEAD_BEEF), ("0o755", 0o755),
    ("0b1101", 13),
    ("9223372036854775807", .max), ("-9223372036854775808", .min), ("-0", 0),
  ])
  func wholeNumbers(text: String, expected: Int64) {
    #expect(value(text) == .integer(expected))
  }

  @Test(arguments: [
    ("1.5", 1.5), ("-0.25", -0.25), ("5e+22", 5e22), ("1e06", 1e6), ("-2E-2", -2e-2), ("6.626e-34", 6.626e-34),
    ("9_224.5", 9224.5),
    ("inf", Double.infinity), ("-inf", -.infinity),
  ])
  func numbersWithAFraction(text: String, expected: Double) {
    #expect(value(text) == .float(expected))
  }

  @Test(arguments: [
    "01", "+-1", "1_", "_1", "1__0", "0x", "0xg", "-0x1", "1.", ".5", "1.e5", "1e", "1e+", "1_.5", "1._5",
    "9223372036854775808",
    "0x10000000000000000", "inf1", "Inf", "tru", "True", "10 s", "word", "1 2", "'a' 'b'", "",
  ])
  func whatIsNoValueIsRefused(text: String) {
    #expect(problem("v = " + text)?.kind == .syntax)
  }

  @Test(arguments: [
    ("1979-05-27", "1979-05-27"), ("07:32:00.999", "07:32:00.999"), ("1979-05-27T07:32:00Z", "1979-05-27T07:32:00Z"),
    ("1979-05-27 07:32:00-07:00", "1979-05-27T07:32:00-07:00"), ("1979-05-27t07:32:00z", "1979-05-27T07:32:00Z"),
    ("2024-02-29", "2024-02-29"),
  ])
  func datesAndTimes(text: String, expected: String) {
    #expect(value(text) == .datetime(expected))
  }

  @Test(arguments: [
    "2023-02-29", "1979-13-01", "1979-00-01", "1979-01-32", "24:00:00", "07:60:00", "07:32", "1979-05-27T",
    "1979-05-27T07:32:00+24:00", "07:32:00.",
  ])
  func whatIsNoDateIsRefused(text: String) {
    #expect(problem("v = " + text)?.kind == .syntax)
  }

  @Test func textsInFourKindsOfQuotes() {
    #expect(value(#""a\tb\"\\ \u00e9 \U0001F600""#) == .string("a\tb\"\\ é 😀"))
    #expect(value(#"'a\tb'"#) == .string(#"a\tb"#))
    #expect(value("\"\"\"\nline\n  two\"\"\"") == .string("line\n  two"))
    #expect(value("\"\"\"a \\\n\n   b\"\"\"") == .string("a b"))
    #expect(value("\"\"\"a\"\"\"\"\"") == .string("a\"\""))
    #expect(value("'''it's ''quoted'''''") == .string("it's ''quoted''"))
    #expect(value("\"\"") == .string(""))
    #expect(value("'''\r\na\r\nb'''") == .string("a\nb"))
  }

  @Test(arguments: [
    "\"a", "'a", "\"a\nb\"", "'a\nb'", #""\x41""#, #""\u12""#, #""\ud800""#, #""\U00110000""#, "\"\u{1}\"", "\"\"\"a",
    "'''a''", "\"a\u{7F}\"",
  ])
  func brokenTextsAreRefused(text: String) {
    #expect(problem("v = " + text)?.kind == .syntax)
  }

  @Test func tablesArraysAndDottedKeys() throws {
    let text = """
      a.b.c = 1
      a.b.d = 2
      "quoted key".'x.y' = 3
      [t]
      list = [1, [2, 3,], # comment
        { x = 1, y.z = 2 }, ]
      [t.u]
      v = true
      [[s]]
      name = "one"
      [[s.value]]
      n = 1
      [[s.value]]
      n = 2
      [[s]]
      name = "two"
      [t.w.x]
      """
    #expect(
      try shape(parse(text).get())
        == "{a:{b:{c:1,d:2}},quoted key:{x.y:3},t:{list:[1,[2,3],{x:1,y:{z:2}}],u:{v:true},w:{x:{}}},s:[{name:'one',value:[{n:1},{n:2}]},{name:'two'}]}"
    )
  }

  @Test(arguments: [
    "a = 1\na = 2", "[a]\n[a]", "[a.b]\n[a]\n[a]", "a = 1\n[a]", "a.b = 1\n[a]", "a = 1\na.b = 2", "[[a]]\n[a]",
    "[a]\n[[a]]", "a = []\n[[a]]",
    "a = { b = 1 }\n[a.c]", "a = { b = 1 }\na.c = 2", "[a.b]\n[a]\nb.c = 1", "a = { b = 1, b = 2 }", "[a]\nb.c = 1\n[a.b]",
  ])
  func whatIsDefinedTwiceIsRefused(text: String) throws {
    let found = try #require(problem(text))
    #expect(found.kind == .syntax)
    #expect(["cannot redefine existing", "cannot insert"].contains { found.message.contains($0) }, "\(found)")
    #expect(found.position.line == text.split(separator: "\n").count)
  }

  @Test(arguments: ["[a.b]\n[a]", "a.b = 1\n[a.c]", "[a]\nb.c = 1\nb.d = 2", "[[a]]\n[a.b]\n[[a]]\n[a.b]"])
  func whatOnlyLooksDefinedTwiceIsAccepted(text: String) {
    #expect(problem(text) == nil)
  }

  @Test func positionsAreThoseOfKeysAndValues() throws {
    let root = try parse("# ä\n[tab]\n  ü = 1".replacing("ü", with: "'ü'") + "\n  list = [ 'é', 2 ]\n").get()
    guard case .table(let top) = root.value, case .table(let tab) = top["tab"]?.value,
      case .array(let list) = tab["list"]?.value
    else {
      Issue.record("the tables are there")
      return
    }
    #expect(top["tab"]?.position == ConfigPosition(source: "t", line: 2, column: 1))
    #expect(tab.entries[0].keyPosition == ConfigPosition(source: "t", line: 3, column: 3))
    #expect(tab["ü"]?.position == ConfigPosition(source: "t", line: 3, column: 9))
    #expect(list[0].position == ConfigPosition(source: "t", line: 4, column: 12))
    #expect(list[1].position == ConfigPosition(source: "t", line: 4, column: 17))
  }

  @Test func errorsSayWhereAndWhatWouldBeRight() {
    let remedy = "Write key = value, texts between quotes, and no key or table twice."
    #expect(
      problem("a = 1\nb = host:1\n")?.description
        == "t:2:5: error while parsing value: could not determine value type. \(remedy)")
    #expect(problem("a 1")?.description == "t:1:3: error while parsing key-value pair: expected '=', saw '1'. \(remedy)")
    #expect(problem("ä = 1")?.position == ConfigPosition(source: "t", line: 1, column: 1))
    #expect(problem("a = 'ä' b = 2")?.position.column == 9)
    #expect(problem("a = 1 b = 2")?.position.column == 7)
    #expect(problem("[a\nb = 1")?.position.line == 1)
  }

  /// The library's assertions would end the process at each of these, in release builds too.
  @Test(arguments: [
    ("a = 1\n[\nb = 2", 2, 2), ("[[[a]]]", 1, 3), ("[}a]", 1, 2), ("[.a]", 1, 2), ("[\u{85}a]", 1, 2), ("[[ =a]]", 1, 4),
    ("v = [}", 1, 6), ("v = [1, }", 1, 9), ("v = [\u{85}1]", 1, 6), ("v = [\n \u{2028}]", 2, 2), ("v = { a = [}] }", 1, 12),
    ("v = 1979-05-27 2 }", 1, 16), ("v = 1979-'5-27 8}", 1, 10), ("v = 1979-05-27 0\u{85}7:32:00", 1, 16),
    ("v = 1979-05-27T:32:00", 1, 22), ("v = [1979-05-27t-1:00:00]", 1, 25),
  ])
  func whatTheLibraryWouldAbortAtIsRefused(text: String, line: Int, column: Int) {
    #expect(problem(text)?.position == ConfigPosition(source: "t", line: line, column: column))
    #expect(problem(text)?.kind == .syntax)
  }

  @Test func aMistakeAfterAnUnclosedTextIsReportedWhereTheTextBegan() {
    #expect(problem("a = 'x\n[[[b]]]")?.position.line == 1)
    #expect(problem("a\n[[[b]]]")?.position.line == 1)
  }

  @Test func depth32IsReadDepth33IsRefused() {
    func nested(_ depth: Int) -> String {
      "v = " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(problem(nested(32)) == nil)
    #expect(problem(nested(33))?.message == "values are nested more than 32 deep")
    #expect(
      problem("v = " + String(repeating: "{a.a.a.a.a.a.a.a=", count: 5))?.message == "values are nested more than 32 deep")
    #expect(problem("v = " + String(repeating: "[", count: 500_000))?.message == "values are nested more than 32 deep")
    #expect(problem(String(repeating: "a.", count: 500_000) + "a = 1")?.message == "the key has more than 32 parts")
    #expect(problem("[" + Array(repeating: "a", count: 33).joined(separator: ".") + "]")?.kind == .syntax)
  }

  @Test func aMillionBytesAreReadOneMoreThanAllowedIsNot() {
    let line = "[[a]]\n"
    let count = TOMLDocument.maximumByteCount / line.utf8.count
    #expect(problem(String(repeating: line, count: count)) == nil)
    #expect(problem(String(repeating: " ", count: TOMLDocument.maximumByteCount + 1))?.kind == .syntax)
  }

  @Test func bytesThatAreNoUTF8AreRefusedWithTheirLine() throws {
    do throws(ConfigurationError) {
      _ = try TOMLDocument.parse(Array("a = 1\nb = '".utf8) + [0xFF, 0x27], source: "t")
      Issue.record("0xFF is no UTF-8")
    } catch {
      #expect(error.problems.first?.position.line == 2)
    }
  }

  @Test func aByteOrderMarkAndCarriageReturnsAreNoPartOfTheText() throws {
    #expect(try shape(parse("\u{FEFF}a = 1\r\nb = 2\r\n").get()) == "{a:1,b:2}")
    #expect(problem("a = 1\rb = 2")?.message == "a carriage return stands alone")
  }

  /// The library's texts end at a NUL, and a key cut short would be missing from its own table.
  @Test func aNULIsRefusedHoweverItIsWritten() {
    #expect(
      problem(#"a = 1\nb = "c\u0000d""#.replacing(#"\n"#, with: "\n"))?.position
        == ConfigPosition(source: "t", line: 2, column: 7))
    #expect(problem(#""a\u0000b" = 1"#)?.message == "the escape stands for a NUL")
    #expect(problem(#"v = """\U00000000""""#)?.message == "the escape stands for a NUL")
    #expect(problem("a = 1 # \u{0}\n")?.position == ConfigPosition(source: "t", line: 1, column: 9))
    #expect(problem("ä = '\u{0}'")?.position.column == 6)
  }

  @Test func whatOnlyLooksLikeANULIsAccepted() {
    #expect(value(#"'\u0000'"#) == .string(#"\u0000"#))
    #expect(value(#""\\u0000""#) == .string(#"\u0000"#))
    #expect(value(#"1 # \u0000"#) == .integer(1))
  }

  @Test func keysThatLookTheSameAreRefused() {
    #expect(problem("'\u{E9}' = 1\n'e\u{301}' = 2")?.kind == .syntax)
  }

  @Test func controlCharactersInEscapedKeysAreKept() throws {
    #expect(try shape(parse(#""a\u0001b" = 1"#).get()) == "{a\u{1}b:1}")
  }

  /// Keys written with escapes are not found in the text, so they take the place of their table.
  @Test func whatHasNoPlaceTakesThatOfItsTable() throws {
    let root = try parse("[t]\n\"\\u0061b\" = 1\nc = 2").get()
    guard case .table(let top) = root.value, case .table(let table) = top["t"]?.value else {
      Issue.record("the table is there")
      return
    }
    #expect(table["ab"]?.position == ConfigPosition(source: "t", line: 1, column: 1))
    #expect(table["c"]?.position == ConfigPosition(source: "t", line: 3, column: 5))
  }

  @Test func placesHoldAfterTextsOfSeveralLinesAndInNestedTables() throws {
    let text =
      "x = \"\"\"\n[no] = \\\"\"\"\\\n\"\"\"\"\"\n[[s]]\nl = [ # ]\n '[', { k.m = 1, n = ']' },\n]\n[[s]]\n[s.u]\nw = 1"
    let root = try parse(text).get()
    guard case .table(let top) = root.value, case .array(let list) = top["s"]?.value,
      case .table(let first) = list.first?.value,
      case .array(let l) = first["l"]?.value, case .table(let inline) = l.last?.value,
      case .table(let last) = list.last?.value,
      case .table(let u) = last["u"]?.value
    else {
      Issue.record("the tables are there")
      return
    }
    #expect(top.entries.map(\.key) == ["x", "s"])
    #expect(list.map(\.position.line) == [4, 8])
    #expect(
      l.map(\.position) == [
        ConfigPosition(source: "t", line: 6, column: 2), ConfigPosition(source: "t", line: 6, column: 7),
      ])
    #expect(inline["n"]?.position == ConfigPosition(source: "t", line: 6, column: 22))
    #expect(u["w"]?.position == ConfigPosition(source: "t", line: 10, column: 5))
  }

  /// Every prefix and every single changed byte of a real text: read or refused, never a trap.
  @Test func noChangedByteTrapsTheReader() {
    let text = Array(demo.utf8)
    for length in 0...text.count { _ = try? TOMLDocument.parse(Array(text[..<length]), source: "t") }
    let bytes: [UInt8] = [
      0, 9, 10, 13, 0x20, 0x22, 0x23, 0x27, 0x2C, 0x2E, 0x30, 0x3D, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D, 0x80, 0xFF,
    ]
    for index in text.indices {
      for byte in bytes {
        var changed = text
        changed[index] = byte
        guard let node = try? TOMLDocument.parse(changed, source: "t") else { continue }
        _ = try? AgentConfiguration(node)
        _ = try? CollectorConfiguration(node)
      }
    }
  }
}

private let demo = """
  # An agent.
  [device]
  name = "greenhouse-1"
  [collector]
  address = "collector.example:4650"
  pair = "file:/etc/stt/greenhouse-1.pair"
  max_datagram = 1_200
  [buffers]
  memory = "32 MiB"
  [[source]]
  name = 'climate'
  type = "poll"
  rate_hz = 0.5
  [[source.value]]
  name = "temperature"
  path = "/sys/bus/iio/devices/iio:device0/in_temp_input"
  scale = 1e-3
  [[source]]
  name = "system"
  type = "system"
  groups = ["load", 'cpu', ]
  x = { a.b = 1, c = 1979-05-27 07:32:00Z }
  y = \"""
  text \\
     more\"""

  """
