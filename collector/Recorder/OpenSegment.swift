import STTBuffers
import STTRecord
import STTSample

/// The segment a folder is being recorded into, and what is known of its streams.
final class OpenSegment {
  /// A stream's place in the present segment.
  struct Place {
    /// What the recorder calls the stream.
    let token: Int
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

  /// So many bytes are kept for a sync that may fail, beyond which one is due; never synced ones are not kept.
  static let urgentByteCount = 64 << 20
  private static let keptByteCount = 2 * urgentByteCount

  let folder: RecordingFolder
  private(set) var places: [Place] = []
  /// `uid:incarnation` of every stream ever recorded here, newest incarnation only.
  var positions: [String: UInt64]
  private(set) var file: SegmentFile?
  var writer: SegmentWriter<Zstandard, SegmentSeal>?
  /// Of the segment before.
  private var memory: SegmentMemory?
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
      file = try SegmentFile(
        creating: folder.path + "/" + folder.nextName(wall: wall), on: disk, keepsUnsynced: false)
      handedOver = 0
      isKept = true
      writer = SegmentWriter(
        compressor: Zstandard(enabled: settings.compresses), sealer: seal, library: "stt \(RecorderVersion.text)",
        chunkCapacity: settings.chunkByteCount, memory: memory.take() ?? SegmentMemory())
      opened = now
      notesChannels = [:]
      for index in places.indices { places[index].channel = nil }
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
    try sync(file)
    try file.syncName()
    if !segmentID.isEmpty { try keys?.remember(folder.name, ChainHead(segment: segmentID, head: nil)) }
    isAnnounced = true
    changes.note(folder.name)
  }

  /// Where `stream` has its place from now on, in ``places``.
  func place(_ stream: RecordedStream, token: Int, position: UInt64) -> Int {
    let known = places.firstIndex { $0.token == token }
    if let known, places[known].stream == stream { return known }
    // An older incarnation of the stream will not come again.
    positions = positions.filter { !$0.key.hasPrefix(stream.uid + ":") }
    let place = Place(token: token, stream: stream, position: position, written: position, durable: position)
    guard let known else {
      places.append(place)
      return places.count - 1
    }
    places[known] = place
    return known
  }

  /// Takes one message of the stream at `place`, whose payload is `first` and then `second`.
  func append(
    at place: Int, number: UInt64, deviceTime: SampleTime, publishTime: UInt64, received: UInt64,
    first: UnsafeRawBufferPointer, second: UnsafeRawBufferPointer, now: UInt64
  ) throws(RecorderError) {
    if !isAnnounced || file == nil { try begin(now: now, wall: received) }
    guard let channel = places[place].channel ?? addChannel(place) else { return }
    writer?.append(
      MessageIdentity(channel: channel, number: number, deviceTime: deviceTime), logTime: received,
      publishTime: publishTime, first: first, second: second)
    places[place].position = number == .max ? .max : number + 1
    if chunkSince == nil { chunkSince = now }
    switch places[place].stream.durability {
    case .durable: if unsyncedSince == nil { unsyncedSince = now }
    case .periodic: if periodicSince == nil { periodicSince = now }
    case .volatile: break
    }
  }

  /// The channel of the stream at `place` in the present segment.
  private func addChannel(_ place: Int) -> UInt16? {
    let stream = places[place].stream
    let channel = writer?.addChannel(
      topic: stream.name, schema: stream.schema, metadata: stream.metadata, compresses: stream.compresses)
    places[place].channel = channel
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

  /// So many of the writer's pending bytes the kernel has. They are kept until they are synced, because the kernel
  /// may drop what a sync that failed was to write.
  private var handedOver = 0
  private var isKept = true

  private func writePending(_ file: SegmentFile) throws(RecorderError) {
    guard let offset = writer?.pendingOffset, let bytes = writer?.pending, bytes.count > handedOver else {
      return
    }
    try file.write(UnsafeRawBufferPointer(rebasing: bytes[handedOver...]), at: offset + UInt64(handedOver))
    handedOver = bytes.count
    guard handedOver > Self.keptByteCount else { return }
    isKept = false
    writer?.written(handedOver)
    handedOver = 0
  }

  private func sync(_ file: SegmentFile) throws(RecorderError) {
    do { try file.sync() } catch {
      // Everything is written again before the next sync.
      handedOver = 0
      throw error
    }
    writer?.written(handedOver)
    handedOver = 0
    isKept = true
  }

  /// Puts everything handed over on the disk.
  func sync() throws(RecorderError) {
    try flush(closingChunk: true)
    if let file { try sync(file) }
    noteSynced()
    forEachPlace { $0.durable = $0.written }
    durableHead = writer?.chainHead ?? durableHead
  }

  /// Whether anything but volatile messages waits for a sync.
  var awaitsSync: Bool { unsyncedSince != nil || periodicSince != nil }

  private func noteSynced() {
    unsyncedSince = nil
    periodicSince = nil
  }

  /// Bytes the kernel has and the disk perhaps not.
  var unsyncedByteCount: Int { isKept ? handedOver : Self.keptByteCount }

  private func forEachPlace(_ body: (inout Place) -> Void) {
    for index in places.indices { body(&places[index]) }
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
      for place in places { positions["\(place.stream.uid):\(place.stream.incarnation)"] = place.position }
      writer?.addPositions(positions)
      writer?.endData()
      ending = .data
    }
    try writePending(file)
    try sync(file)
    if ending == .data {
      writer?.finish()
      ending = .summary
    }
    try writePending(file)
    try sync(file)
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
    memory = writer.take()?.takeMemory()
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
