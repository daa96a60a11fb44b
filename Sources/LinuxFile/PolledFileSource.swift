internal import STTBuffers
public import STTSample

/// Samples attributes of sysfs and procfs at a rate, as one stream of protobuf messages whose field
/// numbers are the attributes' positions from 1.
///
/// All attributes of a file come from one read of it. A value that can't be read leaves its field
/// out; a sample without any value is not sent. Ticks the thread came too late for are counted as
/// one gap, never made up for. Files that vanish are reported and opened again when they are back.
///
/// Meant for files whose reads don't block. A file replaced by another of the same name goes
/// unnoticed until it fails.
public final class PolledFileSource: SampleSource {
  public static let rates = 0.01...1000.0
  /// More field numbers than this need tags of more than two bytes.
  public static let mostAttributes = 2047
  // Faster streams share a buffer among the samples of this time, and are that much later.
  static let gathering: UInt64 = 10_000_000
  static let gatheredAbove = 100.0

  public let description: StreamDescription
  public var descriptor: CInt? { nil }
  public var deadline: UInt64? { metronome.deadline }

  private let files: [PolledFile]
  private let paths: () -> [String]?
  private let readers: [AttributeReader]
  private var values: [AttributeValue]
  private let leaseByteCount: Int
  private let isGathering: Bool
  private var metronome: Metronome
  private var batch: SampleBatch?
  private var batchStart: UInt64 = 0
  /// Samples there was no buffer for, not yet reported.
  private var refused: UInt64 = 0
  private var hasTrouble = false

  /// Opens nothing yet: files that are missing are events of the running source.
  ///
  /// - Parameters:
  ///   - description: with the schema that explains the fields.
  ///   - hertz: samples per second, within ``rates``.
  ///   - found: where the attributes are now, in their order: asked when files are lost, because a device that comes back
  ///     may have another number.
  public init(
    _ description: StreamDescription, _ attributes: [Attribute], hertz: Double,
    found: @escaping () -> [Attribute]? = { nil }
  ) throws(FileSourceError) {
    guard Self.rates.contains(hertz) else { throw .rate(hertz, allowed: Self.rates) }
    guard !attributes.isEmpty else { throw .noAttributes }
    guard attributes.count <= Self.mostAttributes else {
      throw .tooManyAttributes(attributes.count, most: Self.mostAttributes)
    }
    self.description = description
    var paths: [String] = []
    var readers: [AttributeReader] = []
    for attribute in attributes {
      let file = paths.firstIndex(of: attribute.path) ?? paths.count
      if file == paths.count { paths.append(attribute.path) }
      readers.append(AttributeReader(attribute, file: file))
    }
    self.readers = readers
    let fields = attributes.map(\.field)
    self.paths = {
      guard let attributes = found(), attributes.map(\.field) == fields else { return nil }
      var paths: [String] = []
      for path in attributes.map(\.path) where !paths.contains(path) { paths.append(path) }
      return paths
    }
    files = paths.enumerated().map { index, path in
      PolledFile(path: path, needsWholeFile: readers.contains { $0.file == index && $0.needsWholeFile })
    }
    values = Array(repeating: .absent, count: readers.count)
    metronome = Metronome(hertz: hertz)
    isGathering = hertz > Self.gatheredAbove
    let samples = isGathering ? Int((hertz / Self.gatheredAbove).rounded(.up)) + 1 : 1
    leaseByteCount = samples * (SampleBatch.headerByteCount + Self.largestMessage(attributes) + 7)
  }

  /// The same with the schema made from the fields: message `stt.<messageName>`.
  public convenience init(
    _ description: StreamDescription, messageName: String, _ attributes: [Attribute], hertz: Double,
    found: @escaping () -> [Attribute]? = { nil }
  ) throws(FileSourceError) {
    var description = description
    description.schema = .protobuf(messageName: messageName, fields: attributes.map(\.field))
    description.maximumMessageByteCount = Self.largestMessage(attributes)
    try self.init(description, attributes, hertz: hertz, found: found)
  }

  /// Bytes of a message in which every field has its longest form.
  public static func largestMessage(_ attributes: [Attribute]) -> Int {
    attributes.reduce(0) { sum, attribute in
      switch attribute.field.kind {
      case .string, .bytes: sum + 2 + 2 + Attribute.longestText
      default: sum + 2 + 10
      }
    }
  }

  public func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet) {
    let time = now.monotonicNanoseconds
    let (isDue, missed) = metronome.tick(now: time)
    guard isDue else { return }
    if missed > 0 { outlet.report(.gap(count: missed, reason: "the source was called too late")) }
    if readAll(at: time, &outlet) { add(at: now, &outlet) }
    // With the next tick the oldest sample would wait too long.
    if batch != nil, !isGathering || metronome.deadline >= batchStart &+ Self.gathering { flush(&outlet) }
  }

  /// Whether any value was found.
  private func readAll<Outlet: SourceOutlet & ~Copyable>(at time: UInt64, _ outlet: inout Outlet) -> Bool {
    if files.contains(where: { $0.isSearching(now: time) }), let paths = paths(), paths.count == files.count {
      for (file, path) in zip(files, paths) where file.isLost { file.move(to: path) }
    }
    var isAnyLost = false
    var isNewlyLost = false
    for file in files {
      if let reason = file.refresh(now: time) {
        isNewlyLost = true
        outlet.report(.unavailable(reason: reason))
      }
      isAnyLost = isAnyLost || file.isLost
    }
    var isAnyFound = false
    for index in readers.indices {
      values[index] = readers[index].value(in: files[readers[index].file].text)
      if case .absent = values[index] { continue }
      isAnyFound = true
    }
    if isNewlyLost {
      hasTrouble = true
    } else if !isAnyFound, !hasTrouble {
      hasTrouble = true
      outlet.report(
        .unavailable(reason: "\(description.name): no file holds a value where its description says (\(files[0].path))")
      )
    } else if isAnyFound, !isAnyLost, hasTrouble {
      hasTrouble = false
      outlet.report(.available)
    }
    return isAnyFound
  }

  private func add<Outlet: SourceOutlet & ~Copyable>(at now: SampleTime, _ outlet: inout Outlet) {
    if append(at: now) { return }
    flush(&outlet)
    guard let lease = outlet.lease(atLeast: leaseByteCount) else {
      refused += 1
      return
    }
    if refused > 0 {
      outlet.report(.gap(count: refused, reason: "no buffer was free"))
      refused = 0
    }
    batch = SampleBatch(lease)
    batchStart = now.monotonicNanoseconds
    _ = append(at: now)
  }

  private func append(at now: SampleTime) -> Bool {
    batch?.append(at: now) { writer in
      for index in readers.indices {
        writer.attribute(
          values[index], kind: readers[index].kind, field: index + 1, text: files[readers[index].file].text)
      }
    } ?? false
  }

  private func flush<Outlet: SourceOutlet & ~Copyable>(_ outlet: inout Outlet) {
    guard let batch = batch.take() else { return }
    // A refusal is counted by the outlet.
    _ = outlet.emit(.batch(batch.finish()))
  }
}
