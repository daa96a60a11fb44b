import Glibc
import STTRecorder

/// What a recorder did to its disk and what it promised meanwhile, in order.
public enum TraceEvent {
  case makeDirectory(String)
  case create(file: Int, String)
  case write(file: Int, offset: Int, [UInt8])
  case truncate(file: Int, Int)
  case sync(file: Int)
  case syncDirectory(String)
  case rename(String, String)
  case remove(String)
  /// The keystore's memory of a folder's newest segment, which is on its disk when the call returns.
  case remember(folder: String, ChainHead)
  /// Everything of a stream below a number was reported as durable.
  case durable(stream: Int, below: UInt64)
}

/// A disk that notes every call that succeeded. Paths are kept relative to `base`.
public final class TracingDisk: Disk {
  private let disk = SystemDisk()
  private let base: String
  public private(set) var events: [TraceEvent] = []
  private var files: [CInt: Int] = [:]
  private var fileOfPath: [String: Int] = [:]
  private var fileCount = 0

  public init(base: String) { self.base = base }

  public func note(_ event: TraceEvent) { events.append(event) }

  private func relative(_ path: String) -> String {
    path == base ? "" : String(path.dropFirst(base.utf8.count + 1))
  }

  public func create(_ path: String) -> CInt {
    let descriptor = disk.create(path)
    guard descriptor >= 0 else { return descriptor }
    files[descriptor] = fileCount
    fileOfPath[path] = fileCount
    note(.create(file: fileCount, relative(path)))
    fileCount += 1
    return descriptor
  }

  public func openToWrite(_ path: String) -> CInt {
    let descriptor = disk.openToWrite(path)
    if descriptor >= 0 { files[descriptor] = fileOfPath[path] }
    return descriptor
  }

  public func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: UInt64) -> Int {
    let count = disk.write(bytes, to: descriptor, at: offset)
    if count > 0, let file = files[descriptor] {
      note(.write(file: file, offset: Int(offset), Array(bytes.prefix(count))))
    }
    return count
  }

  public func truncate(_ descriptor: CInt, to byteCount: UInt64) -> CInt {
    let result = disk.truncate(descriptor, to: byteCount)
    if result >= 0, let file = files[descriptor] { note(.truncate(file: file, Int(byteCount))) }
    return result
  }

  public func sync(_ descriptor: CInt) -> CInt {
    let result = disk.sync(descriptor)
    if result >= 0, let file = files[descriptor] { note(.sync(file: file)) }
    return result
  }

  public func close(_ descriptor: CInt) {
    files[descriptor] = nil
    disk.close(descriptor)
  }

  public func syncDirectory(_ path: String) -> CInt {
    let result = disk.syncDirectory(path)
    if result >= 0, path.utf8.count >= base.utf8.count { note(.syncDirectory(relative(path))) }
    return result
  }

  public func makeDirectory(_ path: String) -> CInt {
    let result = disk.makeDirectory(path)
    if result >= 0 { note(.makeDirectory(relative(path))) }
    return result
  }

  public func rename(_ path: String, to new: String) -> CInt {
    let result = disk.rename(path, to: new)
    if result >= 0 {
      fileOfPath[new] = fileOfPath.removeValue(forKey: path)
      note(.rename(relative(path), relative(new)))
    }
    return result
  }

  public func remove(_ path: String) -> CInt {
    let result = disk.remove(path)
    if result >= 0 {
      fileOfPath[path] = nil
      note(.remove(relative(path)))
    }
    return result
  }

  public func freeByteCount(_ path: String) -> UInt64? { disk.freeByteCount(path) }
}
