import Glibc
import LinuxEvents
import Synchronization

/// A network of one thread's own: `stt0` (192.0.2.1/24, 1500 bytes) at one end of a cable whose other
/// end `stt1` answers nothing. It goes away with the thread.
enum PrivateNetwork {
  /// What kept the body from running.
  struct Unavailable: Error, CustomStringConvertible {
    let description: String
  }

  /// Runs `body` on a thread that sees only this network.
  static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
    let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
    let box = Box(outcome)
    let thread = try WorkerThread(name: "private-network") {
      let result = Swift.Result {
        try prepare()
        return try body()
      }
      box.outcome.withLock { $0 = result }
    }
    thread.join()
    guard let result = box.outcome.withLock({ $0 }) else { throw Unavailable(description: "the thread said nothing") }
    return try result.get()
  }

  private final class Box<Result: Sendable>: Sendable {
    let outcome: Mutex<Swift.Result<Result, any Error>?>
    init(_ outcome: consuming Mutex<Swift.Result<Result, any Error>?>) { self.outcome = outcome }
  }

  private static func prepare() throws {
    // Glibc declares it for GNU programs only, which Swift's importer is not.
    guard let symbol = dlsym(nil, "unshare") else { throw Unavailable(description: "there is no unshare(2)") }
    let unshare = unsafeBitCast(symbol, to: (@convention(c) (CInt) -> CInt).self)
    let newNetwork: CInt = 0x4000_0000
    guard unshare(newNetwork) == 0 else {
      throw Unavailable(description: "a network of its own needs CAP_SYS_ADMIN: \(String(cString: strerror(errno)))")
    }
    try ip("link", "add", "stt0", "type", "veth", "peer", "name", "stt1")
    try ip("address", "add", "192.0.2.1/24", "dev", "stt0")
    try ip("link", "set", "stt1", "up")
    try ip("link", "set", "stt0", "up")
  }

  /// iproute2, in this thread's network.
  static func ip(_ arguments: String...) throws {
    var words: [UnsafeMutablePointer<CChar>?] = (["ip"] + arguments).map { strdup($0) } + [nil]
    defer { words.forEach { free($0) } }
    var child = pid_t()
    guard posix_spawnp(&child, "ip", nil, nil, &words, environ) == 0 else {
      throw Unavailable(description: "there is no `ip` command (iproute2)")
    }
    var status: CInt = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    guard status == 0 else {
      throw Unavailable(description: "`ip \(arguments.joined(separator: " "))` failed with status \(status >> 8)")
    }
  }

  /// Datagrams that UDP has handed to IP in this thread's network.
  static func sentDatagramCount() throws -> Int {
    guard let file = fopen("/proc/thread-self/net/snmp", "r") else { throw Unavailable(description: "no net/snmp") }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 8_192)
    let count = fread(&text, 1, text.count, file)
    let lines = String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: "\n")
    let rows = lines.filter { $0.hasPrefix("Udp:") }.map { $0.split(separator: " ") }
    guard rows.count == 2, let column = rows[0].firstIndex(of: "OutDatagrams"), let value = Int(rows[1][column]) else {
      throw Unavailable(description: "net/snmp has no Udp row")
    }
    return value
  }
}
