import LinuxEvents
import STTBuffers
import STTSession
import STTWire
import Testing

@testable import STTCollectorRuntime

/// Datagrams on their way from one receive thread to another.
@Suite struct AstrayDatagramsTests {
  private let source = PeerAddress(high: 0, low: 1, port: 2)

  private func push(_ byteCount: Int, _ first: UInt8, to astray: AstrayDatagrams) -> Bool {
    var bytes = [UInt8](repeating: first, count: byteCount)
    return bytes.withUnsafeMutableBytes { astray.push($0, from: source, .notCapable) }
  }

  @Test func theyComeAsTheyWereAndInOrder() throws {
    let astray = AstrayDatagrams(wakeup: try WakeupDescriptor())
    for (index, byteCount) in [24, 1400, 2049, 8952, 65_507].enumerated() {
      #expect(push(byteCount, UInt8(index), to: astray))
    }
    for (index, byteCount) in [24, 1400, 2049, 8952, 65_507].enumerated() {
      guard let datagram = astray.pop() else {
        Issue.record("datagram \(index) is gone")
        return
      }
      #expect(datagram.lease.count == byteCount)
      #expect(datagram.source == source)
      #expect(datagram.lease.bytes.unsafeLoad(fromByteOffset: byteCount - 1, as: UInt8.self) == UInt8(index))
    }
    let isEmpty = astray.pop() == nil
    #expect(isEmpty)
  }

  @Test func whatFindsNoRoomIsLostAndTheRestIsNot() throws {
    let astray = AstrayDatagrams(wakeup: try WakeupDescriptor())
    var taken = 0
    while taken < 10_000, push(65_507, 1, to: astray) { taken += 1 }
    #expect((1..<2048).contains(taken))
    // Small ones have buffers of their own.
    #expect(push(1400, 2, to: astray))
    let hasOne = astray.pop() != nil
    #expect(hasOne)
    #expect(push(65_507, 3, to: astray))
    #expect(!push(65_507, 4, to: astray))
  }
}
