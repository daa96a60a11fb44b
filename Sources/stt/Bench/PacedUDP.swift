import LinuxEvents
import LinuxUDP
import STTBuffers

// What a message's way costs without a protocol: datagrams of the same size at the same pace, each with the time it was
// due in its first eight bytes, between two processes that wait in epoll; one way, or each answered by one as large.

enum PacedSender {
  static func run(_ plan: BenchPlan, port: UInt16) throws -> BenchFigures {
    let socket = try UDPSocket(bind: .any(port: 0))
    let to = UDPAddress.loopback(port: port)
    var slab = TransmitSlab()
    var poller = try Poller()
    let pool = BufferPool([SlabClass(byteCount: 65_536, count: 16)])
    guard var receiving = ReceiveBatch(pool: pool) else { throw BenchRun.ChildFailed(which: "sending") }
    try poller.add(socket.descriptor, .readable, token: 0)
    var figures = BenchFigures()
    let start = Clocks.monotonic
    let end = start + UInt64(plan.seconds) * 1_000_000_000
    let interval = UInt64(plan.messageByteCount * 8) * 1_000_000_000 / plan.paceBitsPerSecond
    var due = start
    while due < end {
      slab.drain(socket) { buffer in
        guard due <= Clocks.monotonic else { return nil }
        buffer.storeBytes(of: due, as: UInt64.self)
        figures.messages += 1
        due += interval
        return (plan.messageByteCount, to, 0)
      }
      while receiving.receive(from: socket, { _, _, _ in }) {}
      try poller.wait(until: due)
    }
    figures.cpuSeconds = Double(Clocks.processCPU) / 1e9
    // Goodbye, in datagrams too short to be messages.
    for _ in 0..<16 {
      var isSent = false
      slab.drain(socket) { buffer in
        guard !isSent else { return nil }
        isSent = true
        buffer[0] = 0
        return (1, to, 0)
      }
      try poller.wait(until: Clocks.monotonic + 2_000_000)
    }
    return figures
  }
}

enum PacedReceiver {
  static func run(_ plan: BenchPlan) throws -> BenchFigures {
    let socket = try UDPSocket(bind: .loopback(port: 0))
    _ = socket.requestReceiveBuffer(16 << 20)
    output("\(socket.local.port)\n")
    let pool = BufferPool([SlabClass(byteCount: 65_536, count: 16)])
    guard var receiving = ReceiveBatch(pool: pool) else { throw BenchRun.ChildFailed(which: "receiving") }
    var poller = try Poller()
    try poller.add(socket.descriptor, .readable, token: 0)
    var figures = BenchFigures()
    var ages = Lateness()
    var slab = TransmitSlab()
    var isOver = false
    let limit = Clocks.monotonic + UInt64(plan.seconds + 20) * 1_000_000_000
    let first = Clocks.monotonic
    while !isOver, Clocks.monotonic < limit {
      var more = true
      while more {
        var owed = 0
        var asker = UDPAddress.loopback(port: 0)
        more = receiving.receive(from: socket) { datagram, source, _ in
          guard datagram.count >= 8 else {
            isOver = true
            return
          }
          owed += plan.answersBare ? 1 : 0
          asker = source
          let now = Clocks.monotonic
          let due = datagram.loadUnaligned(as: UInt64.self)
          figures.messages += 1
          figures.bytes += UInt64(datagram.count)
          guard figures.messages > plan.unsteadyMessageCount else { return }
          ages.note(now - min(now, due))
        }
        slab.drain(socket) { buffer in
          guard owed > 0 else { return nil }
          owed -= 1
          buffer.storeBytes(of: 0, as: UInt64.self)
          return (plan.messageByteCount, asker, 0)
        }
      }
      if !isOver { try poller.wait(until: limit) }
    }
    figures.seconds = Double(Clocks.monotonic - first) / 1e9
    figures.note(ages)
    return figures
  }
}
