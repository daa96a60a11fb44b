import ArgumentParser
import CLinux
import Glibc
import LinuxEvents
import LinuxUDP
import STTBuffers
import STTChecksum
import STTWire

/// The process of `stt bench flood` that floods: from many addresses of loopback, for so long and no longer.
struct FloodEnd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flood-end", abstract: "The flooding process of `stt bench flood`.", shouldDisplay: false)

  @Option var port: UInt16
  @Option var rate: Int
  @Option var milliseconds: Int
  @Option var material: String
  /// Where eight bytes change from datagram to datagram.
  @Option var varied: Int?

  private final class Source {
    let socket: UDPSocket
    var batch = SendBatch()
    init(_ address: UDPAddress) throws { socket = try UDPSocket(bind: address) }
  }

  func validate() throws {
    guard (1...1_000_000).contains(rate), (1...600_000).contains(milliseconds) else {
      throw ValidationError("flood-end is started by `stt bench flood`")
    }
  }

  func run() throws {
    // Anywhere in 127.0.0.0/8: addresses are free there.
    let sources = try (0..<64).map { _ in
      try Source(UDPAddress(high: 0, low: 0xFFFF_7F00_0000 | UInt64.random(in: 0x010000...0xFEFFFF), port: 0))
    }
    let datagrams = try FloodMaterial.read(material)
    guard !datagrams.isEmpty, let receiving = ReceiveBatch(pool: BufferPool([SlabClass(byteCount: 65_536, count: 16)]))
    else { throw ValidationError("there is nothing to send in \(material)") }
    output(flood(sources, datagrams, receiving).line)
  }

  private func flood(
    _ sources: [Source], _ datagrams: [UnsafeMutableRawBufferPointer], _ batch: consuming ReceiveBatch
  ) -> FloodFigures {
    var receiving = batch
    var figures = FloodFigures()
    let start = Clocks.monotonic
    let end = start + UInt64(milliseconds) * 1_000_000
    var now = start
    var (place, turn) = (0, 0)
    // What could not be sent in time is not made up for later than by ten milliseconds.
    var skipped: UInt64 = 0
    while now < end {
      let due = UInt64(Double(now - start) / 1e9 * Double(rate))
      skipped = max(skipped, due - min(due, figures.datagrams + UInt64(rate) / 100))
      if figures.datagrams + skipped < due {
        let source = sources[turn % sources.count]
        turn += 1
        for _ in 0..<SendBatch.capacity {
          let datagram = datagrams[place]
          place = place + 1 == datagrams.count ? 0 : place + 1
          if let varied { vary(datagram, at: varied, figures.datagrams + UInt64(source.batch.count)) }
          if let base = datagram.baseAddress {
            source.batch.append(
              unsafe: base, byteCount: datagram.count, segmentByteCount: datagram.count, to: .loopback(port: port))
          }
          figures.bytes += UInt64(datagram.count)
        }
        while !source.batch.flush(source.socket) {}
        figures.datagrams += UInt64(SendBatch.capacity)
        if turn % 16 == 0 { hear(&receiving, source, &figures) }
      } else {
        var pause = timespec(tv_sec: 0, tv_nsec: 100_000)
        nanosleep(&pause, nil)
      }
      now = Clocks.monotonic
    }
    for source in sources { hear(&receiving, source, &figures) }
    figures.seconds = Double(now - start) / 1e9
    return figures
  }

  /// Other eight bytes at `offset`, and checksums that are right again.
  private func vary(_ datagram: UnsafeMutableRawBufferPointer, at offset: Int, _ number: UInt64) {
    guard datagram.count >= max(offset + 8, FrameHeader.byteCount + 4) else { return }
    datagram.storeBytes(of: (number &+ 1) &* 0x9E37_79B9_7F4A_7C15, toByteOffset: offset, as: UInt64.self)
    if offset < FrameHeader.byteCount {
      let crc = CRC16.of(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: datagram[..<22])))
      datagram.storeBytes(of: crc.littleEndian, toByteOffset: 22, as: UInt16.self)
    }
    guard FrameType(rawValue: datagram[1]).isHandshake else { return }
    let end = datagram.count - 4
    let crc = CRC32.of(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: datagram[..<end])))
    datagram.storeBytes(of: crc.littleEndian, toByteOffset: end, as: UInt32.self)
  }

  private func hear(_ receiving: inout ReceiveBatch, _ source: Source, _ figures: inout FloodFigures) {
    var answers: UInt64 = 0
    var bytes: UInt64 = 0
    while receiving.receive(
      from: source.socket,
      { datagram, _, _ in
        answers += 1
        bytes += UInt64(datagram.count)
      })
    {}
    figures.answers += answers
    figures.answerBytes += bytes
  }
}
