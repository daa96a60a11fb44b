import Testing

@testable import LinuxUDP

@Suite struct TransmitSlabTests {
  /// A slab and its socket, which `#expect` could not take.
  private final class Sender {
    private let socket: UDPSocket
    private var slab = TransmitSlab()
    init(_ address: UDPAddress = .any(port: 0)) throws {
      socket = try UDPSocket(bind: address)
      // What a busy kernel has not delivered yet still takes room here.
      _ = socket.requestSendBuffer(8 << 20)
    }
    var isBlocked: Bool { slab.isBlocked }
    var callCount: UInt64 { slab.callCount }
    var refusedCount: UInt64 { slab.refusedCount }
    func requestSendBuffer(_ byteCount: Int) { _ = socket.requestSendBuffer(byteCount) }

    /// Sends `datagrams`, each of a byte of its own.
    func drain(_ datagrams: [(byteCount: Int, to: UDPAddress)], ecn: (Int) -> UInt8 = { _ in 0 }) {
      var next = 0
      slab.drain(socket) { memory in
        guard next < datagrams.count else { return nil }
        for index in 0..<datagrams[next].byteCount { memory[index] = UInt8(truncatingIfNeeded: next) }
        next += 1
        return (datagrams[next - 1].byteCount, datagrams[next - 1].to, ecn(next - 1))
      }
    }
  }

  private func expected(_ sizes: [Int], from first: Int = 0) -> [[UInt8]] {
    sizes.enumerated().map { [UInt8](repeating: UInt8(truncatingIfNeeded: first + $0), count: $1) }
  }

  @Test(arguments: [
    [Int](repeating: 1_400, count: 46), [Int](repeating: 1_400, count: 47), [Int](repeating: 1_400, count: 500),
    [Int](repeating: 40, count: 64), [Int](repeating: 40, count: 65), [1_400, 1_400, 9, 1_400, 1_400, 1_401, 3],
    [1, 2, 3, 4, 5, 4, 3, 2, 1], [65_507, 65_507, 1, 65_507], (1...200).map { $0 }, [],
  ])
  func whateverTheSizesAllArriveInOrder(sizes: [Int]) throws {
    let receiver = try Endpoint(slabCount: 16)
    _ = receiver.requestReceiveBuffer(8 << 20)
    let sender = try Sender()
    sender.drain(sizes.map { ($0, receiver.local) })
    #expect(!sender.isBlocked && sender.refusedCount == 0)
    #expect(try receiver.receive(sizes.count).map(\.bytes) == expected(sizes))
  }

  @Test func datagramsOfOneSizeGoInOneCall() throws {
    let receiver = try Endpoint()
    _ = receiver.requestReceiveBuffer(8 << 20)
    let sender = try Sender()
    sender.drain([(Int, UDPAddress)](repeating: (1_400, receiver.local), count: 300))
    #expect(try receiver.receive(300).count == 300)
    #expect(sender.callCount == 1)
  }

  @Test("each datagram arrives with its own mark, and marks alike share a call", arguments: Loopback.all)
  func marks(address: UDPAddress) throws {
    let receiver = try Endpoint(address, slabCount: 16)
    let sender = try Sender(address)
    let ecn: [UInt8] = (0..<100).map { $0 < 40 ? 2 : $0 < 60 ? 0 : UInt8($0 % 4) }
    sender.drain([(Int, UDPAddress)](repeating: (1_200, receiver.local), count: 100)) { ecn[$0] }
    let seen = try receiver.receive(100)
    #expect(seen.map(\.ecn) == ecn)
    #expect(seen.map(\.bytes) == expected([Int](repeating: 1_200, count: 100)))
  }

  @Test func twoReceiversGetTheirOwnInOrder() throws {
    let (first, second) = (try Endpoint(), try Endpoint())
    let sender = try Sender()
    sender.drain((0..<40).map { (500, $0 % 3 == 0 ? first.local : second.local) })
    let bytes = expected([Int](repeating: 500, count: 40))
    let mine = bytes.indices.filter { $0 % 3 == 0 }
    let yours = bytes.indices.filter { $0 % 3 != 0 }
    #expect(try first.receive(mine.count).map(\.bytes) == mine.map { bytes[$0] })
    #expect(try second.receive(yours.count).map(\.bytes) == yours.map { bytes[$0] })
  }

  @Test func aBlockedSlabAsksForNothingMoreUntilTheRestWent() throws {
    let seen: (blocked: Bool, asked: Int, blockedAgain: Bool)
    do {
      seen = try PrivateNetwork.run {
        let sender = try Sender()
        sender.requestSendBuffer(16_384)
        let neighbour = UDPAddress(high: 0, low: 0xFFFF_C000_0202, port: 9)
        sender.drain((0..<60).map { (1_000 + $0, neighbour) })
        let blocked = sender.isBlocked
        let calls = sender.callCount
        // Still unknown to the kernel: one more call, which it refuses.
        sender.drain([(1_000, neighbour)])
        return (blocked, Int(sender.callCount - calls), sender.isBlocked)
      }
    } catch let missing as PrivateNetwork.Unavailable {
      try Test.cancel("\(missing)")
    }
    #expect(seen.blocked && seen.blockedAgain)
    #expect(seen.asked == 1)
  }
}
