import STTBoard
import Testing

@Suite struct ValueTests {
  @Test(arguments: [
    ("host", "host", 4650), ("host:1", "host", 1), ("192.0.2.1:65535", "192.0.2.1", 65_535), ("[::1]", "::1", 4650),
    ("[2001:db8::1]:99", "2001:db8::1", 99), ("[fe80::1%eth0]:99", "fe80::1%eth0", 99),
  ])
  func addressesAreRead(text: String, host: String, port: Int) throws {
    let address = try NetworkAddress(parsing: text)
    #expect(address.host == host)
    #expect(Int(address.port) == port)
    #expect(try NetworkAddress(parsing: address.description) == address)
  }

  @Test(arguments: [
    ("", NetworkAddress.Mistake.noHost), (":1", .noHost), ("host:", .badPort), ("host:0", .badPort),
    ("host:65536", .badPort),
    ("host:+5", .badPort), ("::1", .needsBrackets), ("[::1", .needsBrackets), ("[::1]9", .badPort), ("a b", .badCharacter),
    ("h\u{0}st", .badCharacter), ("höst", .badCharacter),
  ])
  func whatIsNoAddressSaysWhy(text: String, mistake: NetworkAddress.Mistake) {
    #expect(throws: mistake) { try NetworkAddress(parsing: text) }
  }

  @Test(arguments: [
    ("/etc/stt/a.pair", PairReference.file(path: "/etc/stt/a.pair")), ("file:/a", .file(path: "/a")),
    ("env:STT_PAIR", .environment(name: "STT_PAIR")), ("env:_X", .environment(name: "_X")), ("fd:0", .descriptor(0)),
    ("fd:65535", .descriptor(65_535)), ("credential:pair", .credential(name: "pair")),
  ])
  func pairReferencesAreReadAndWritten(text: String, reference: PairReference) {
    #expect(PairReference(parsing: text) == reference)
    #expect(PairReference(parsing: reference.description) == reference)
  }

  @Test(arguments: [
    "", "a.pair", "file:a", "file:", "env:", "env:1X", "env:A=B", "fd:", "fd:-1", "fd:65536", "fd:99999999999",
    "credential:",
    "credential:../x", "credential:a/b", "http://x", "/a\u{0}b",
  ])
  func whatIsNoPairReferenceIsRefused(text: String) {
    #expect(PairReference(parsing: text) == nil)
  }

  @Test func namesOf64BytesAreAccepted65Refused() {
    #expect(isPortableName(String(repeating: "a", count: 64)))
    #expect(!isPortableName(String(repeating: "a", count: 65)))
    for wrong in ["", ".", "..", "-a", "_a", "a/b", "a b", "ä", "a\u{0}"] { #expect(!isPortableName(wrong), "\(wrong)") }
    for right in ["a", "9", "a.b", "A_b-c.9"] { #expect(isPortableName(right)) }
  }

  @Test func aTableKeepsItsOrderAndEachKeyOnce() {
    let position = ConfigPosition(source: "s", line: 1, column: 1)
    var table = ConfigTable()
    for (key, value) in [("b", Int64(1)), ("a", 2), ("b", 3)] {
      table.set(ConfigTable.Entry(key: key, keyPosition: position, node: ConfigNode(.integer(value), at: position)))
    }
    #expect(table.entries.map(\.key) == ["b", "a"])
    #expect(table["b"]?.value == .integer(3))
    #expect(table["c"] == nil)
  }

  @Test func aPositionIsWrittenAsCompilersDo() {
    #expect(ConfigPosition(source: "f", line: 3, column: 7).description == "f:3:7")
    #expect(ConfigPosition(source: "f", line: 3).description == "f:3")
    #expect(ConfigPosition(source: "f").description == "f")
  }
}
