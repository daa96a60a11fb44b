import CLinux
import Testing

@testable import LinuxUDP

@Suite struct UDPAddressTests {
  @Test(arguments: [
    (UDPAddress(high: 0, low: 0xFFFF_C000_0201, port: 4650), "192.0.2.1:4650"),
    (UDPAddress.loopback(port: 1), "127.0.0.1:1"),
    (UDPAddress.any(port: 65_535), "[::]:65535"),
    (UDPAddress(high: 0, low: 1, port: 53), "[::1]:53"),
    (UDPAddress(high: 0x2001_0DB8_0000_0000, low: 0x0000_0000_0000_00FF, port: 9), "[2001:db8::ff]:9"),
    (UDPAddress(high: 0xFE80_0000_0000_0000, low: 2, port: 9, scope: 3), "[fe80::2%3]:9"),
  ])
  func describesItselfAsPeopleWriteIt(address: UDPAddress, text: String) {
    #expect(address.description == text)
  }

  @Test(arguments: [
    ("127.0.0.1", UDPAddress.loopback(port: 7)),
    ("192.0.2.255", UDPAddress(high: 0, low: 0xFFFF_C000_02FF, port: 7)),
    ("::1", UDPAddress(high: 0, low: 1, port: 7)),
    ("2001:db8::ff", UDPAddress(high: 0x2001_0DB8_0000_0000, low: 0xFF, port: 7)),
  ])
  func readsLiteralsWithoutALookup(host: String, address: UDPAddress) throws {
    #expect(try UDPAddress(host: host, port: 7) == address)
  }

  @Test func localhostIsALoopbackAddress() throws {
    let address = try UDPAddress(host: "localhost", port: 7)
    #expect(address == .loopback(port: 7) || address == UDPAddress(high: 0, low: 1, port: 7))
  }

  @Test func withoutIPv6OnlyIPv4AddressesAreFound() throws {
    #expect(try UDPAddress(host: "localhost", port: 7, withoutIPv6: true) == .loopback(port: 7))
    #expect(try UDPAddress(host: "192.0.2.1", port: 7, withoutIPv6: true).description == "192.0.2.1:7")
    #expect(throws: UDPAddress.LookupError.self) { try UDPAddress(host: "::1", port: 7, withoutIPv6: true) }
  }

  @Test func aHostThatCannotBeSaysWhich() {
    // Longer than any name, so that no name server is asked.
    let host = String(repeating: "x", count: 2_000)
    let error = #expect(throws: UDPAddress.LookupError.self) { try UDPAddress(host: host, port: 7) }
    #expect(error?.description.hasPrefix("cannot find the address of \(host): ") == true)
  }

  @Test func theKernelsFormIsInNetworkOrder() {
    let raw = UDPAddress(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10, port: 0x1234, scope: 5).raw
    let bytes = withUnsafeBytes(of: raw.address) { Array($0) }
    #expect(bytes == Array(1...16))
    #expect(raw.port == 0x1234 && raw.scope == 5)
  }

  @Test func theKernelsFormComesBackTheSame() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<1_000 {
      let address = UDPAddress(
        high: .random(in: 0...UInt64.max, using: &generator), low: .random(in: 0...UInt64.max, using: &generator),
        port: .random(in: 0...UInt16.max, using: &generator), scope: .random(in: 0...UInt32.max, using: &generator))
      #expect(UDPAddress(address.raw) == address)
    }
  }
}

@Suite struct SourceAddressTests {
  @Test("to reach loopback this machine sends from loopback")
  func loopbackFromLoopback() throws {
    let source = try #require(UDPAddress.loopback(port: 9).source)
    #expect((source.high, source.low) == (0, 0xFFFF_7F00_0001))
  }
}
