import CLinux
import Glibc
import LinuxEvents
import LinuxUDP
import STTKeyring

/// A real collector, alone on a processor, with a directory of its own that goes when it goes.
final class CollectorSite {
  let directory: String
  let address: UDPAddress
  private let collector: ChildProcess

  struct Failure: Error, CustomStringConvertible { let description: String }

  /// - Parameters:
  ///   - root: where it records, if not in that directory.
  ///   - recording: further lines of the section of that name.
  ///   - processor: of the collector; `nil` leaves it where it likes to be.
  init(
    _ pairs: [PairFile], root: String? = nil, recording: String = "seal = \"none\"", processor: Int? = nil,
    others: Int? = nil
  ) throws {
    var template = Array("/tmp/stt-bench-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(description: "cannot make a directory in /tmp") }
    let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    self.directory = directory
    for name in ["pairs", "state"] { mkdir("\(directory)/\(name)", 0o700) }
    for pair in pairs { try pair.write(to: "\(directory)/pairs/\(pair.name).pair", replacing: false) }
    // The kernel's choice of a port; it stays free for the moment between.
    let port = try UDPSocket(bind: .loopback(port: 0)).local.port
    address = .loopback(port: port)
    let text = """
      [collector]
      listen = "127.0.0.1:\(port)"
      state = "\(directory)/state"
      status_socket = "\(directory)/status.sock"
      pairs = "\(directory)/pairs"

      [recording]
      root = \(Self.quoted(root ?? "\(directory)/recordings"))
      reserve = "64 MiB"
      \(recording)

      """
    guard let file = fopen("\(directory)/collector.toml", "w"), fputs(text, file) >= 0, fclose(file) == 0 else {
      throw Failure(description: "cannot write to \(directory)")
    }
    if let processor { _ = Processor.pin(to: processor) }
    collector = try ChildProcess(
      programDirectory() + "/stt-collector", ["--config", "\(directory)/collector.toml"],
      logPath: "\(directory)/collector.log")
    if let others { _ = Processor.pin(to: others) }
    while (try? StatusSocket.ask("\(directory)/status.sock")) == nil {
      guard collector.isRunning else {
        let said = Self.text(of: "\(directory)/collector.log")
        throw Failure(description: "stt-collector did not start: \(said.split(separator: "\n").last ?? "it says nothing")")
      }
      var pause = timespec(tv_sec: 0, tv_nsec: 10_000_000)
      nanosleep(&pause, nil)
    }
  }

  /// A path as a TOML string.
  private static func quoted(_ path: String) -> String {
    "\"" + path.map { $0 == "\\" || $0 == "\"" ? "\\\($0)" : "\($0)" }.joined() + "\""
  }

  deinit {
    if collector.isRunning { collector.signal(SIGTERM) }
    _ = collector.wait()
    // Written by this program and the collector alone, in a directory just made.
    if let remove = try? ChildProcess("/bin/rm", ["-rf", directory]) { _ = remove.wait() }
  }

  func status() throws -> CollectorFigures {
    CollectorFigures(
      text: try StatusSocket.ask("\(directory)/status.sock"), residentKiB: residentKiB, cpuSeconds: cpuSeconds)
  }

  /// The collector's resident memory.
  private var residentKiB: Int {
    guard let line = read("status").split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }) else { return 0 }
    return line.split(separator: " ").compactMap { Int($0) }.first ?? 0
  }

  private var cpuSeconds: Double {
    let fields = read("stat").split(separator: " ")
    guard fields.count > 14, let user = Double(fields[13]), let system = Double(fields[14]) else { return 0 }
    return (user + system) / Double(sysconf(CInt(_SC_CLK_TCK)))
  }

  private func read(_ name: String) -> String { Self.text(of: "/proc/\(collector.identifier)/\(name)") }

  private static func text(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}

/// What a collector says of itself, as far as a flood matters.
struct CollectorFigures {
  let text: String
  let residentKiB: Int
  let cpuSeconds: Double

  func number(_ key: String, after place: String = "") -> UInt64 {
    guard let start = place.isEmpty ? text.startIndex : text.firstRange(of: place)?.upperBound,
      let found = text[start...].firstRange(of: "\"\(key)\":")
    else { return 0 }
    return UInt64(text[found.upperBound...].prefix { $0.isNumber }) ?? 0
  }

  /// A sentence, while the disk refuses.
  var isInTrouble: Bool { !text.contains("\"trouble\":null") }

  func bytes(of device: String) -> UInt64 { number("bytes", after: "\"name\":\"\(device)\"") }
  /// X25519 and ML-KEM together.
  var publicKeyOperations: UInt64 { number("x25519Operations") + number("mlkemOperations") }
}
