/// What a collector does: where it listens, whom it knows, what it writes and how much it admits.
public struct CollectorConfiguration: Hashable, Sendable {
  public var listen: NetworkAddress
  /// A second way in; `nil` where there is none.
  public var webSocket: WebSocketListener?
  /// A directory whose `*.pair` files are all known devices.
  public var pairsDirectory: String?
  /// Devices named one by one, in the order of the text.
  public var devices: [Device]
  /// Applies to every pair of ``pairsDirectory``.
  public var allowSeedMode: Bool
  /// Applies to every pair of ``pairsDirectory``.
  public var identity: IdentityPolicy
  /// Where accepted counters are kept; one collector at a time.
  public var stateDirectory: String
  /// A Unix socket that answers `stt-collector status`; `nil` when switched off with `""`.
  public var statusSocket: String?
  /// The largest UDP payload accepted in negotiation, in bytes.
  public var maximumDatagramByteCount: Int
  public var recording: Recording
  public var limits: Admission

  /// One device known by its own entry.
  public struct Device: Hashable, Sendable {
    public var pair: PairReference
    /// Whether it may open sessions with the seed alone.
    public var allowSeedMode: Bool
    public var identity: IdentityPolicy
    /// How old its seed may become before it is offered a new one; `nil`: a person says when.
    public var rotateDays: Int?
  }

  /// What is written to disk, and when.
  public struct Recording: Hashable, Sendable {
    public var root: String
    public var seal: RecordingSeal
    /// Whose keys open what is sealed.
    public var sealTo: [RecordingSlot]
    /// Files with recipients' public keys.
    public var recipients: [String]
    public var segmentByteCount: Int
    public var segmentAge: Duration
    public var chunkByteCount: Int
    public var chunkAge: Duration
    public var compression: RecordingCompression
    /// How long a durable message may wait for the disk at most.
    public var syncInterval: Duration
    /// Space always left free on the recording's file system, in bytes.
    public var reserveByteCount: Int
    /// How long after its end a segment is removed; `nil`: never.
    public var keep: Duration?
    /// Bytes of all recordings, and of one device's, beyond which the oldest segments are removed.
    public var maximumByteCount: Int?
    public var maximumDeviceByteCount: Int?
    public var whenFull: FullDiskPolicy
    /// Streams that are kept by rules of their own; the first that fits counts.
    public var policies: [Policy] = []
  }

  /// How recordings of one purpose are kept. What it doesn't say is as for all others.
  public struct Policy: Hashable, Sendable {
    public var purpose: String
    /// `nil`: of every device.
    public var device: String?
    public var keep: Duration?
    /// Bytes of all recordings of this policy together.
    public var maximumByteCount: Int?
    public var whenFull: FullDiskPolicy?
  }

  /// How much strangers and devices may ask of this machine.
  public struct Admission: Hashable, Sendable {
    public var sessionCount: Int
    public var handshakesPerSecond: Int
    public var maximumMessageByteCount: Int
    /// All leased buffers together, in bytes.
    public var memoryByteCount: Int
    /// Threads that receive sessions; `nil`: as many as suit this machine.
    public var receiveThreadCount: Int?
  }
}

/// What a collector asks of a device beyond its seed (docs/protocol.md 2.12).
public enum IdentityPolicy: String, CaseIterable, Hashable, Sendable {
  /// Nothing.
  case off
  /// The first identity a device shows is kept, and from then on asked for.
  case pin
  /// Every session begins with an identity; the first one is kept.
  case required
}

/// Whether recordings are encrypted on disk.
public enum RecordingSeal: String, CaseIterable, Hashable, Sendable {
  /// Batches sealed under keys of their own, in a chain.
  case sealed
  /// Plain MCAP, as readable as any file.
  case plain = "none"
}

/// Whose keys open a sealed recording.
public enum RecordingSlot: String, CaseIterable, Hashable, Sendable {
  /// The day's key in the collector's keystore; destroying it erases the day.
  case day
  /// The device's seed.
  case seed
  /// The recipients named by their public keys.
  case recipients
}

/// What happens when the recordings' file system has no room left.
public enum FullDiskPolicy: String, CaseIterable, Hashable, Sendable {
  /// Recording waits until there is; devices keep what they have.
  case stop
  /// The oldest segments are removed.
  case dropOldest = "drop-oldest"
}

/// How chunks of a recording are compressed.
public enum RecordingCompression: String, CaseIterable, Hashable, Sendable {
  case zstd
  case uncompressed = "none"
}

/// The collector's numbers, each with its reason.
public enum CollectorLimits {
  public static let listen = NetworkAddress(host: "0.0.0.0")
  public static let stateDirectory = "/var/lib/stt/collector"
  public static let statusSocket = "/run/stt/collector/status.sock"
  public static let deviceCount = 65_536
  public static let deviceCountReason = "each has 64 expected hints in memory, 0.5 MiB for every 1000 devices"
  public static let rotateDays = Limit(
    1, 3_650, usual: 365, because: "a pair keeps 128 epochs, and a handshake with a new seed costs nothing much")
  public static let maximumDatagram = Limit(
    1_200, 65_507, usual: 65_507,
    because: "the agent offers its own and the smaller one holds; 65507 is the largest UDP payload")
  public static let segment = Limit(
    1 << 20, 64 << 30, usual: 256 << 20,
    because: "below 1 MiB files are mostly headers, and above 64 GiB one damaged file is a lost day")
  public static let segmentAge = Limit<Duration>(
    .seconds(10), .seconds(7 * 86_400), usual: .seconds(3_600),
    because: "a closed file can be copied away; faster than every 10 s makes too many files")
  public static let chunk = Limit(
    16 << 10, 16 << 20, usual: 256 << 10,
    because: "a crash loses at most the open chunk, and below 16 KiB zstd gains nothing")
  public static let chunkAge = Limit<Duration>(
    .milliseconds(10), .seconds(60), usual: .seconds(1),
    because: "it is what a reader of a live file lags behind")
  public static let syncInterval = Limit<Duration>(
    .milliseconds(1), .seconds(60), usual: .milliseconds(250),
    because: "an fdatasync costs 1 to 30 ms, and devices keep durable messages until it happened")
  public static let reserve = Limit(
    0, 1 << 40, usual: 1 << 30,
    because: "a full disk stops the whole machine and not only the recorder")
  public static let keep = Limit<Duration>(
    .seconds(3_600), .seconds(36_500 * 86_400), usual: .seconds(30 * 86_400),
    because: "whole segments are removed, and those last up to an hour unless segment_age says otherwise")
  public static let retained = Limit(
    16 << 20, 1 << 50, usual: 100 << 30,
    because: "whole segments are removed, and the newest one of each device stays")
  public static let policyCount = 64
  public static let recipientCount = 16
  public static let sessions = Limit(
    1, 65_536, usual: 1_024, because: "each holds about 64 KiB of windows and keys")
  public static let handshakes = Limit(
    1, 100_000, usual: 500,
    because: "a hybrid handshake costs about a millisecond of one core, and 500 a second leave half of it")
  /// `usual` stands for what the machine decides.
  public static let receiveThreads = Limit(
    1, 32, usual: 1, because: "each has a socket, buffers and a core's worth of work; beyond 32 the recorder is what bounds")
  /// Bytes: receive buffers, and batches on their way to the recorder.
  public static let memoryPerReceiveThread = 8 << 20
  public static let message = Limit(
    1_024, 16 << 20, usual: 16 << 20, because: "16 MiB is the most one reassembly may hold")
  public static let memory = Limit(
    16 << 20, 1 << 40, usual: 256 << 20,
    because: "it holds every message under way; less than one largest message cannot work")
}
