import Glibc
import STTBoard
import STTConfig
import Testing

/// A directory that goes away with its test.
private final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/stt-config-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw Failure(code: errno) }
    path = String(cString: made)
  }

  struct Failure: Error { var code: CInt }

  func write(_ name: String, _ text: String) throws {
    let file = "\(path)/\(name)"
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { throw Failure(code: errno) }
    defer { close(descriptor) }
    guard
      text.utf8.withContiguousStorageIfAvailable({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == text.utf8.count
    else { throw Failure(code: errno) }
  }

  func makeDirectory(_ name: String) throws {
    guard mkdir("\(path)/\(name)", 0o700) == 0 else { throw Failure(code: errno) }
  }

  deinit { remove(path) }

  private func remove(_ path: String) {
    if let stream = opendir(path) {
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { remove("\(path)/\(name)") }
      }
      closedir(stream)
    }
    _ = Glibc.remove(path)
  }
}

private func failure(_ path: String) -> String? {
  do throws(ConfigLoadError) {
    _ = try ConfigFile(path).node()
    return nil
  } catch {
    return error.description
  }
}

private let smallAgent = """
  [collector]
  address = "one:1"
  pair = "/p.pair"
  [[source]]
  name = "a"
  type = "pattern"
  [[source]]
  name = "b"
  type = "system"

  """

@Suite struct ConfigFileTests {
  @Test func oneFileIsAConfiguration() throws {
    let directory = try TemporaryDirectory()
    try directory.write("agent.toml", smallAgent)
    let agent = try ConfigFile("\(directory.path)/agent.toml").agent()
    #expect(agent.collector.address == NetworkAddress(host: "one", port: 1))
    #expect(agent.sources.map(\.name) == ["a", "b"])
  }

  @Test func laterFilesOverrideEarlierOnesInTheOrderOfTheirNames() throws {
    let directory = try TemporaryDirectory()
    try directory.write("agent.toml", smallAgent)
    try directory.makeDirectory("agent.conf.d")
    try directory.write("agent.conf.d/20-last.toml", "[collector]\naddress = \"three:3\"\n")
    try directory.write(
      "agent.conf.d/10-first.toml",
      """
      [collector]
      address = "two:2"
      mode = "seed"
      [[source]]
      name = "b"
      type = "pattern"
      [[source]]
      name = "c"
      type = "system"

      """)
    try directory.write("agent.conf.d/ignored.toml~", "nonsense")
    try directory.write("agent.conf.d/.hidden.toml", "nonsense")
    let file = ConfigFile("\(directory.path)/agent.toml")
    #expect(
      try file.files().map { String($0.dropFirst(directory.path.utf8.count)) } == [
        "/agent.toml", "/agent.conf.d/10-first.toml", "/agent.conf.d/20-last.toml",
      ])
    let agent = try file.agent()
    #expect(agent.collector.address?.host == "three")
    #expect(agent.collector.mode == .seed)
    #expect(agent.sources.map(\.name) == ["a", "b", "c"])
    #expect(agent.sources.map(\.input.kind) == [.pattern, .pattern, .system])
  }

  @Test func aMistakeInAnOverrideNamesTheOverride() throws {
    let directory = try TemporaryDirectory()
    try directory.write("agent.toml", smallAgent)
    try directory.makeDirectory("agent.conf.d")
    try directory.write("agent.conf.d/x.toml", "[collector]\nmod = 1\n")
    do throws(ConfigLoadError) {
      _ = try ConfigFile("\(directory.path)/agent.toml").agent()
      Issue.record("mod is no key")
    } catch {
      #expect(
        error.description
          == "\(directory.path)/agent.conf.d/x.toml:2:1: collector.mod: is not a known key. Did you mean mode?")
    }
  }

  @Test func aNameTwiceInOneOverrideStaysAMistake() throws {
    let directory = try TemporaryDirectory()
    try directory.write("agent.toml", smallAgent)
    try directory.makeDirectory("agent.conf.d")
    try directory.write("agent.conf.d/x.toml", "[[source]]\nname='a'\ntype='system'\n[[source]]\nname='a'\ntype='system'\n")
    do throws(ConfigLoadError) {
      _ = try ConfigFile("\(directory.path)/agent.toml").agent()
      Issue.record("a stands twice")
    } catch {
      #expect(error.description.contains("\"a\" is taken by the source at"))
    }
  }

  @Test func whatCannotBeReadSaysWhy() throws {
    let directory = try TemporaryDirectory()
    #expect(
      failure("\(directory.path)/none.toml")?.contains(
        "No such file or directory. Create it, or give the right path with --config.") == true)
    #expect(failure(directory.path)?.contains("is a directory. Name the file") == true)
    #expect(mkfifo("\(directory.path)/fifo", 0o600) == 0)
    #expect(failure("\(directory.path)/fifo")?.contains("is no regular file") == true)
    try directory.write("file", "")
    #expect(failure("\(directory.path)/file/x")?.contains("A part of its path is no directory") == true)
  }

  @Test(.enabled(if: geteuid() != 0, "root may read every file"))
  func aFileOfAnotherUserSaysWhatToDo() throws {
    let directory = try TemporaryDirectory()
    try directory.write("agent.toml", smallAgent)
    #expect(chmod("\(directory.path)/agent.toml", 0) == 0)
    #expect(failure("\(directory.path)/agent.toml")?.contains("Give this user the right to read it") == true)
  }

  @Test func aTextInTheProgramIsReadTheSameWay() throws {
    #expect(try AgentConfiguration(toml: smallAgent, source: "built-in").sources.count == 2)
    let collector = try CollectorConfiguration(
      toml: "[collector]\npairs = '/p'\n[recording]\nroot = '/r'\nseal = 'none'\n", source: "built-in")
    #expect(collector.pairsDirectory == "/p")
  }
}
