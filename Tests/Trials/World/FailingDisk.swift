import Glibc
import STTRecorder

/// What a call does instead of its work.
public enum DiskFault: Hashable, Sendable, CustomStringConvertible {
  /// Answers an error. A sync that does so drops what it should have synced, as the kernel may.
  case error(CInt)
  /// Writes half of what it was given, and says so; other calls are interrupted by a signal.
  case short

  public static let all: [DiskFault] = [
    .error(ENOSPC), .error(EIO), .error(EDQUOT), .error(EROFS), .short,
  ]

  public var description: String {
    switch self {
    case .error(let number): String(cString: strerror(number))
    case .short: "short writes and interruptions"
    }
  }
}

/// A disk that refuses from its n-th call on, for some calls.
final class FailingDisk: Disk {
  private let disk = SystemDisk()
  private let first: Int
  private let count: Int
  private let fault: DiskFault
  private(set) var callCount = 0
  private var wasInterrupted = false
  /// By descriptor: what was written since the last sync.
  private var unsynced: [CInt: [Range<UInt64>]] = [:]

  init(first: Int, count: Int, fault: DiskFault) {
    self.first = first
    self.count = count
    self.fault = fault
  }

  /// The error of this call, negated; 0 if it works. A short answer is its caller's to make.
  func refusal() -> CInt {
    defer { callCount += 1 }
    guard callCount >= first, callCount - first < count else { return 0 }
    guard case .error(let number) = fault else { return -EINTR }
    return -number
  }

  func create(_ path: String) -> CInt { refuse() ?? disk.create(path) }
  func openToWrite(_ path: String) -> CInt { refuse() ?? disk.openToWrite(path) }

  func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: UInt64) -> Int {
    var part = bytes
    let refused = refusal()
    if refused != 0 {
      // Even a write that fails may have left bytes behind; one that is short wrote something.
      part = UnsafeRawBufferPointer(rebasing: bytes[..<max(fault == .short ? 1 : 0, bytes.count / 2)])
      guard fault == .short else {
        _ = disk.write(part, to: descriptor, at: offset)
        return Int(refused)
      }
    }
    let written = disk.write(part, to: descriptor, at: offset)
    if written > 0 { unsynced[descriptor, default: []].append(offset..<offset + UInt64(written)) }
    return written
  }

  func truncate(_ descriptor: CInt, to byteCount: UInt64) -> CInt { refuse() ?? disk.truncate(descriptor, to: byteCount) }

  func sync(_ descriptor: CInt) -> CInt {
    var refused = refusal()
    if fault == .short {
      // No signal comes for ever: what is interrupted works when it is called again.
      if wasInterrupted { refused = 0 }
      wasInterrupted = refused != 0
    } else if refused != 0 {
      for range in unsynced[descriptor] ?? [] {
        let zeros = [UInt8](repeating: 0, count: range.count)
        _ = zeros.withUnsafeBytes { disk.write($0, to: descriptor, at: range.lowerBound) }
      }
    }
    guard refused == 0 else { return refused }
    unsynced[descriptor] = nil
    return disk.sync(descriptor)
  }

  func close(_ descriptor: CInt) {
    unsynced[descriptor] = nil
    disk.close(descriptor)
  }

  func syncDirectory(_ path: String) -> CInt { refuse() ?? disk.syncDirectory(path) }
  func makeDirectory(_ path: String) -> CInt { refuse() ?? disk.makeDirectory(path) }
  func rename(_ path: String, to new: String) -> CInt { refuse() ?? disk.rename(path, to: new) }
  func remove(_ path: String) -> CInt { refuse() ?? disk.remove(path) }
  func freeByteCount(_ path: String) -> UInt64? { disk.freeByteCount(path) }

  private func refuse() -> CInt? {
    let refused = refusal()
    // Only calls that wait are interrupted.
    return refused == 0 || fault == .short ? nil : refused
  }
}
