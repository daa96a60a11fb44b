import STTBuffers
import STTRecord
import STTSample

/// The segment a folder is being recorded into, and what is known of its streams.
final class OpenSegment {
  /// A stream's place in the present segment.
  struct Place {
    var stream: RecordedStream
    /// The channel, once the stream wrote into this segment.
    var channel: UInt16?
    /// One past the last message handed to the writer.
    var position: UInt64
    /// One past the last message whose bytes the kernel has.
    var written: UInt64
    /// One past the last message on the disk.
    var durable: UInt64
  }

  let folder: RecordingFolder
  /// By token.
  var places: [Int: Place] = [:]
  /// `uid:incarnation` of every stream ever recorded here, newest incarnation only.
  var positions: [String: UInt64]
  private(set) var file: SegmentFile?
  var writer: SegmentWriter<Zstandard, SegmentSeal>?
  /// Head of the chain of the segment before, 32 bytes.
  private var previousHead: [UInt8]
  private var segmentID: [UInt8] = []
  private let keys: RecordingKeys?
  private(set) var opened: UInt64 = 0
  /// When the first message of the present chunk came.
  var chunkSince: UInt64?
  /// When the first durable message not yet synced came.
  var unsyncedSince: UInt64?
  /// When the first message not yet synced came that is neither durable nor volatile.
  var periodicSince: UInt64?
  /// Head of the chain on the disk, 32 bytes; zeros where there is none.
  private(set) var durableHead: [UInt8]
  private let disk: any Disk
  private let changes: FolderChanges
  private let settings: RecorderSettings
  private var notesChannels: [String: (channel: UInt16, count: UInt64)] = [:]

  init(
    folder: RecordingFolder, found: FolderRecovery.Found, settings: RecorderSettings, keys: RecordingKeys?,
    disk: any Disk, changes: FolderChanges
  ) {
    self.folder = folder
    self.disk = disk
    self.changes = changes
    positions = found.positions
    previousHead = found.head
    durableHead = found.head
    self.settings = settings
    self.keys = keys
  }

  /// Opens a file if none is open, and has its beginning on the disk before anything is recorded in it.
  func begin(now: UInt64, wall: UInt64) throws(RecorderError) {
    if file == nil {
      try folder.make(on: disk)
      var seal: SegmentSeal?
      if let keys, keys.seals { seal = try keys.seal(device: folder.device, wall: wall, previous: previousHead) }
      file = try SegmentFile(creating: folder.path + "/" + folder.nextName(wall: wall), on: disk)
      writer = SegmentWriter(
        compressor: Zstandard(enabled: settings.compresses), sealer: seal, library: "stt \(RecorderVersion.text)",
        chunkCapacity: settings.chunkByteCount)
      opened = now
      notesChannels = [:]
      for token in places.keys { places[token]?.channel = nil }
      segmentID = seal?.segment ?? []
      isAnnounced = false
    }
    try announce()
  }

  private var isAnnounced = false

  /// Makes the file's name and its first records durable, and only then remembers that it is the newest: whatever
  /// is remembered is there, and a file that a crash left without a beginning never held anything.
  private func announce() throws(RecorderError) {
    guard let file, !isAnnounced else { return }
    try writePending(file)
    try file.sync()
    try file.syncName()
    if !segmentID.isEmpty { try keys?.remember(folder.name, ChainHead(segment: segmentID, head: nil)) }
    isAnnounced = true
    changes.note(folder.name)
  }

  /// The stream's channel in the present segment.
  func channel(_ token: Int) -> UInt16? {
    guard let place = places[token] else { return nil }
    if let channel = place.channel { return channel }
    let channel = writer?.addChannel(
      topic: place.stream.name, schema: place.stream.schema, metadata: place.stream.metadata,
      compresses: place.stream.compresses)
    places[token]?.channel = channel
    return channel
  }

  /// Adds a message of the recorder's own: clock estimates and events.
  func note(
    topic: String, schema: Schema, wall: UInt64, monotonic: UInt64, device: String, _ write: (inout ProtobufWriter) -> Void
  ) {
    guard writer != nil, ending == .none else { return }
    if notesChannels[topic] == nil {
      let added = writer?.addChannel(
        topic: topic, schema: schema, metadata: ["stt.device": device, "stt.delivery": "note"])
      if let added { notesChannels[topic] = (added, 0) }
    }
    guard let (channel, number) = notesChannels[topic] else { return }
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 8) { memory in
      var fields = ProtobufWriter(unsafe: memory)
      write(&fields)
      guard !fields.overflowed else { return }
      let identity = MessageIdentity(
        channel: channel, number: number,
        deviceTime: SampleTime(monotonicNanoseconds: monotonic, wallNanoseconds: wall))
      notesChannels[topic]?.count += 1
      writer?.append(
        identity, logTime: wall, publishTime: wall,
        first: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<fields.count]))
    }
  }

  /// Hands the kernel what is pending; the chunk in hand too if `closingChunk`.
  func flush(closingChunk: Bool) throws(RecorderError) {
    guard let file, writer != nil else { return }
    try announce()
    if closingChunk {
      writer?.closeChunk()
      chunkSince = nil
    }
    try writePending(file)
    if closingChunk || writer?.chunkIsEmpty == true {
      forEachPlace { $0.written = $0.position }
    }
  }

  private func writePending(_ file: SegmentFile) throws(RecorderError) {
    guard let offset = writer?.pendingOffset, let bytes = writer?.pending.unsafeBytes, bytes.count > 0 else { return }
    try file.write(bytes, at: offset)
    writer?.written(bytes.count)
  }

  /// Puts everything handed over on the disk.
  func sync() throws(RecorderError) {
    try flush(closingChunk: true)
    try file?.sync()
    noteSynced()
    forEachPlace { $0.durable = $0.written }
    durableHead = writer?.chainHead ?? durableHead
  }

  private func noteSynced() {
    unsyncedSince = nil
    periodicSince = nil
  }

  /// Bytes the kernel has and the disk perhaps not.
  var unsyncedByteCount: Int { file?.unsyncedByteCount ?? 0 }

  private func forEachPlace(_ body: (inout Place) -> Void) {
    var index = places.values.startIndex
    while index != places.values.endIndex {
      body(&places.values[index])
      places.values.formIndex(after: &index)
    }
  }

  /// How far the segment's end has come, for an attempt after one that failed.
  private enum Ending { case none, data, summary }
  private var ending = Ending.none

  /// Ends the segment: notes of the positions and the end of the data, sync; summary and footer, sync. Whoever
  /// finds a footer then finds everything before it on the disk too.
  func finish() throws(RecorderError) {
    guard let file, writer != nil else { return }
    try announce()
    if ending == .none {
      for place in places.values { positions["\(place.stream.uid):\(place.stream.incarnation)"] = place.position }
      writer?.addPositions(positions)
      writer?.endData()
      ending = .data
    }
    try writePending(file)
    try file.sync()
    if ending == .data {
      writer?.finish()
      ending = .summary
    }
    try writePending(file)
    try file.sync()
    let head = writer?.chainHead
    if let head { try keys?.remember(folder.name, ChainHead(segment: segmentID, head: head)) }
    ending = .none
    noteSynced()
    chunkSince = nil
    forEachPlace {
      $0.written = $0.position
      $0.durable = $0.position
    }
    self.file = nil
    writer = nil
    changes.note(folder.name)
    if let head {
      previousHead = head
      durableHead = head
    }
  }

  var path: String? { file?.path }
}

enum RecorderVersion {
  static let text = "0.1.0"
}
