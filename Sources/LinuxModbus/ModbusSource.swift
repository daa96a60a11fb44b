internal import STTBuffers
public import STTSample

/// Values of the Modbus RTU devices on one serial line, read at a rate; each tick is one sample of all of them.
///
/// The line has one asker, so all its devices belong into one source. Asking blocks the source's own thread until the
/// device answers or its time is over. A device that does not answer is asked a second time, then left out of the samples
/// and asked again after a while; the others' values go on.
public final class ModbusSource: SampleSource {
  public static let rates = 0.01...100.0

  public let description: StreamDescription
  public var descriptor: CInt? { nil }
  public private(set) var deadline: UInt64? = 0

  private let line: ModbusLine
  private let values: [RegisterValue]
  private let places: [(block: Int, offset: Int)]
  private var blocks: [RegisterBlock]
  private var port: ModbusPort?
  private var metronome: Metronome
  private var absence = DeviceAbsence()
  /// When to ask again each device that gave no answer; those that did are not in here.
  private var silent: [UInt8: UInt64] = [:]
  private var hasTrouble = false
  private var refused: UInt64 = 0
  private let leaseByteCount: Int

  private static let silenceRetry: UInt64 = 1_000_000_000

  /// Opens nothing yet: a line or library that is missing is an event of the running source.
  ///
  /// - Parameters:
  ///   - description: its schema and message size are replaced.
  ///   - values: at least one; none may reach beyond register 65535.
  ///   - hertz: samples a second, within ``rates``.
  public init(
    _ description: StreamDescription, messageName: String, _ line: ModbusLine, _ values: [RegisterValue], hertz: Double
  ) {
    self.line = line
    self.values = values
    (blocks, places) = RegisterBlock.blocks(of: values)
    metronome = Metronome(hertz: min(max(hertz, Self.rates.lowerBound), Self.rates.upperBound))
    var description = description
    description.schema = .protobuf(messageName: messageName, fields: values.map(\.field))
    // A tag of at most two bytes, and ten of the longest value.
    description.maximumMessageByteCount = values.count * 12
    leaseByteCount = SampleBatch.headerByteCount + description.maximumMessageByteCount + 7
    self.description = description
  }

  public func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet) {
    let time = now.monotonicNanoseconds
    if port == nil {
      if let deadline, time < deadline { return }
      do throws(ModbusTrouble) { port = try ModbusPort(line) } catch {
        deadline = absence.begin("\(description.name): \(error)", at: time, &outlet)
        return
      }
      absence.end(&outlet)
    }
    let (isDue, missed) = metronome.tick(now: time)
    guard isDue else {
      deadline = metronome.deadline
      return
    }
    if missed > 0 { outlet.report(.gap(count: missed, reason: "the devices answered too late for the rate")) }
    guard readAll(at: time, &outlet) else { return }
    deadline = metronome.deadline
    if blocks.contains(where: \.isRead) { tell(now, &outlet) }
  }

  /// `false` when the port was lost.
  private func readAll<Outlet: SourceOutlet & ~Copyable>(at time: UInt64, _ outlet: inout Outlet) -> Bool {
    var isWell = true
    for index in blocks.indices {
      let device = blocks[index].device
      blocks[index].forget()
      if let retry = silent[device], time < retry {
        isWell = false
        continue
      }
      var error = read(index)
      // Noise on the line takes an answer now and then.
      if error != 0, silent[device] == nil, case .silent = ReadFailure(error) { error = read(index) }
      guard error != 0 else {
        silent[device] = nil
        blocks[index].isRefused = false
        continue
      }
      isWell = false
      switch ReadFailure(error) {
      case .silent:
        let isNew = silent.updateValue(time &+ Self.silenceRetry, forKey: device) == nil
        if isNew { tellTrouble(.silent(device: device, path: line.path, error: error), &outlet) }
      case .denied:
        silent[device] = nil
        if !blocks[index].isRefused {
          let block = blocks[index]
          tellTrouble(
            .denied(device: device, table: block.table, first: block.first, count: block.count, error: error), &outlet)
        }
        blocks[index].isRefused = true
      case .port:
        lose(.refused(doing: "read", path: line.path, errno: error), time, &outlet)
        return false
      }
    }
    if isWell, hasTrouble {
      hasTrouble = false
      outlet.report(.available)
    }
    return true
  }

  private func read(_ index: Int) -> CInt {
    guard let port else { return 0 }
    return blocks[index].read(port)
  }

  private func tellTrouble<Outlet: SourceOutlet & ~Copyable>(_ trouble: ModbusTrouble, _ outlet: inout Outlet) {
    hasTrouble = true
    outlet.report(.unavailable(reason: "\(description.name): \(trouble)"))
  }

  private func lose<Outlet: SourceOutlet & ~Copyable>(
    _ trouble: ModbusTrouble, _ time: UInt64, _ outlet: inout Outlet
  ) {
    port = nil
    metronome.stop()
    hasTrouble = false
    silent = [:]
    deadline = absence.begin("\(description.name): \(trouble)", at: time, &outlet)
  }

  private func tell<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) {
    guard let lease = outlet.lease(atLeast: leaseByteCount) else {
      refused += 1
      return
    }
    if refused > 0 {
      outlet.report(.gap(count: refused, reason: "no buffer was free"))
      refused = 0
    }
    var batch = SampleBatch(lease)
    // The lease is as large as the message at its longest.
    _ = batch.append(at: now) { writer in
      for (index, value) in values.enumerated() {
        let (block, offset) = places[index]
        guard blocks[block].isRead else { continue }
        value.write(blocks[block].registers[offset...], field: index + 1, into: &writer)
      }
    }
    // A refusal is counted by the outlet.
    _ = outlet.emit(.batch(batch.finish()))
  }
}
