import Glibc
import LinuxEvents
import Testing

@Suite struct StatusSocketTests {
  /// A folder that is gone afterwards, and a path in it.
  private final class Folder {
    let path: String
    var socket: String { path + "/status" }

    init() throws {
      var template = Array("/tmp/stt-status-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw SystemFailure(call: "mkdtemp", number: errno) }
      path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
      unlink(socket)
      rmdir(path)
    }
  }

  /// Answers one client from a thread, as a running program does.
  private func answering(_ path: String, _ text: String) throws -> WorkerThread {
    let server = try Server(path)
    return try WorkerThread(name: "status") { server.answer(text) }
  }

  private final class Server: @unchecked Sendable {
    // Made by one thread and used by the next, which starts afterwards.
    private let socket: StatusSocket
    init(_ path: String) throws { socket = try StatusSocket(path: path) }

    func answer(_ text: String) {
      guard var poller = try? Poller(), (try? poller.add(socket.descriptor, .readable, token: 0)) != nil else { return }
      try? poller.wait(until: .max)
      socket.answer { text }
    }
  }

  @Test(arguments: [0, 1, 65_536, 100_000])
  func whoeverAsksGetsTheWholeText(byteCount: Int) throws {
    let folder = try Folder()
    let text = String(repeating: "x", count: byteCount)
    let thread = try answering(folder.socket, text)
    #expect(try StatusSocket.ask(folder.socket) == text)
    thread.join()
  }

  @Test func theSocketGoesAwayWithItsOwner() throws {
    let folder = try Folder()
    do {
      let server = try StatusSocket(path: folder.socket)
      #expect(access(folder.socket, F_OK) == 0)
      _ = consume server
    }
    #expect(access(folder.socket, F_OK) != 0)
  }

  @Test func nobodyThereIsSaid() throws {
    let folder = try Folder()
    let error = #expect(throws: SystemFailure.self) { try StatusSocket.ask(folder.socket) }
    #expect(error?.description == "nothing answers at \(folder.socket): No such file or directory")
  }

  @Test func aSecondOwnerIsRefusedAndTheFirstGoesOn() throws {
    let folder = try Folder()
    let first = try Server(folder.socket)
    let error = #expect(throws: SystemFailure.self) { _ = try StatusSocket(path: folder.socket) }
    #expect(error?.number == EADDRINUSE)
    #expect(access(folder.socket, F_OK) == 0)
    // The refused one looked whether somebody answers: that was a client, who is gone.
    let thread = try WorkerThread(name: "status") {
      first.answer("to the one who looked")
      first.answer("alive")
    }
    #expect(try StatusSocket.ask(folder.socket) == "alive")
    thread.join()
  }

  @Test func whatAKilledProgramLeftIsReplaced() throws {
    let folder = try Folder()
    // A socket bound and closed without being removed, which is what a kill leaves.
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = folder.socket
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let left = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(left, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    close(left)
    let thread = try answering(folder.socket, "new")
    #expect(try StatusSocket.ask(folder.socket) == "new")
    thread.join()
  }

  @Test func aFileThatIsNoSocketIsLeftAlone() throws {
    let folder = try Folder()
    close(open(folder.socket, O_CREAT | O_WRONLY, 0o600))
    #expect(throws: SystemFailure.self) { _ = try StatusSocket(path: folder.socket) }
    #expect(access(folder.socket, F_OK) == 0)
  }

  @Test func aPathTooLongForASocketIsRefused() {
    let path = "/tmp/" + String(repeating: "x", count: 200)
    let error = #expect(throws: SystemFailure.self) { _ = try StatusSocket(path: path) }
    #expect(error?.number == ENAMETOOLONG)
  }
}
