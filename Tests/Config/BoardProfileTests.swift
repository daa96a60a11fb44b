import Glibc
import STTBoard
import STTConfig
import Testing

/// The package's own directory.
private let packageRoot: String = {
  let parts = #filePath.split(separator: "/").dropLast(3)
  return "/" + parts.joined(separator: "/")
}()

private func entries(_ directory: String) -> [String] {
  guard let stream = opendir(directory) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if !name.hasPrefix(".") { names.append(name) }
  }
  return names.sorted()
}

/// Boards with a profile; the emulated one has none.
private func boards() -> [String] {
  entries("\(packageRoot)/boards").filter { access("\(packageRoot)/boards/\($0)/board.toml", F_OK) == 0 }
}

private func profile(_ name: String) throws -> BoardProfile {
  try BoardProfile(ConfigFile("\(packageRoot)/boards/\(name)/board.toml").node())
}

@Suite struct BoardProfileTests {
  @Test func everyBoardLoadsAndHasItsDirectorysName() throws {
    let boards = boards()
    #expect(boards.contains("raspberry-pi-5"))
    for board in boards { #expect(try profile(board).name == board) }
  }

  @Test func everyBoardHasAPageOnDeployment() {
    for board in boards() {
      #expect(access("\(packageRoot)/boards/\(board)/deploy.md", R_OK) == 0, "\(board)")
    }
  }

  /// The header that every Raspberry Pi since the B+ has, as its maker's documentation draws it.
  @Test func theRaspberryPi5HasTheFortyPinsOfItsHeader() throws {
    let board = try profile("raspberry-pi-5")
    #expect(board.gpioChipLabel == "pinctrl-rp1")
    #expect(board.hasAES)
    #expect(board.pins.map(\.number) == Array(1...40))
    var ground: [Int] = []
    var supply: [Int: Int] = [:]
    var lines: [Int: Int] = [:]
    for pin in board.pins {
      switch pin.role {
      case .ground: ground.append(pin.number)
      case .power(let decivolts): supply[pin.number] = decivolts
      case .line(let name, let offset):
        lines[pin.number] = offset
        #expect(name == (offset > 1 ? "GPIO\(offset)" : offset == 0 ? "ID_SDA" : "ID_SCL"))
      }
    }
    #expect(ground == [6, 9, 14, 20, 25, 30, 34, 39])
    #expect(supply == [1: 33, 2: 50, 4: 50, 17: 33])
    #expect(lines.values.sorted() == Array(0...27))
    #expect(
      [3, 5, 7, 8, 10, 11, 12, 13, 15, 16, 18, 19, 21, 22, 23, 24, 26, 27, 28, 29, 31, 32, 33, 35, 36, 37, 38, 40].map {
        lines[$0]
      }
        == [2, 3, 4, 14, 15, 17, 18, 27, 22, 23, 24, 10, 9, 25, 11, 8, 7, 0, 1, 5, 6, 12, 13, 19, 16, 26, 20, 21])
  }

  @Test func aPinMissingDoubledOrMiswiredIsReported() {
    let head = "[board]\nname='b'\ntitle='B'\n[gpio]\nchip_label='c'\nline_count=4\nheader_pins=3\n"
    func problems(_ text: String) -> [String] {
      do throws(ConfigurationError) {
        _ = try BoardProfile(TOMLDocument.parse(head + text, source: "t"))
        return []
      } catch {
        return error.problems.map(\.message)
      }
    }
    let ground = "[[pin]]\nnumber=1\nkind='ground'\n"
    let line = "[[pin]]\nnumber=2\nkind='line'\nline='A'\noffset=0\n"
    let power = "[[pin]]\nnumber=3\nkind='power'\ndecivolts=33\n"
    #expect(problems(ground + line + power) == [])
    #expect(problems(ground + power) == ["pins 2 are not described"])
    #expect(problems(ground + line + power + ground) == ["1 is described twice"])
    #expect(problems(ground + line + line.replacing("number=2", with: "number=3")) == ["is on another pin too"])
    #expect(problems(ground + line + power.replacing("33", with: "120")) == ["120 is too large"])
    #expect(
      problems(ground + line + power + "[[bus]]\nname='x'\nkind='i2c'\ndevice='/d'\npins=[1]\n") == [
        "1 is no line of the header"
      ])
  }
}

@Suite struct SystemdUnitTests {
  private static let analyzer = "/usr/bin/systemd-analyze"
  private static let isInstalled = access(analyzer, X_OK) == 0

  @Test(.enabled(if: isInstalled, "systemd-analyze is not installed"))
  func everyUnitIsAcceptedBySystemd() throws {
    for board in entries("\(packageRoot)/boards") {
      let directory = "\(packageRoot)/boards/\(board)/systemd"
      for unit in entries(directory) where unit.hasSuffix(".service") {
        let output = try verify("\(directory)/\(unit)", named: unit)
        #expect(output == "", "\(board)/\(unit)")
      }
    }
  }

  /// The unit with a program that exists in place of ours, through `systemd-analyze verify`.
  private func verify(_ path: String, named unit: String) throws -> String {
    var template = Array("/tmp/stt-unit-XXXXXX".utf8CString)
    let directory = String(cString: try #require(mkdtemp(&template)))
    let copy = "\(directory)/\(unit)"
    defer {
      unlink(copy)
      unlink("\(directory)/out")
      rmdir(directory)
    }
    let command =
      "sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' '\(path)' > '\(copy)' && \(Self.analyzer) verify --man=no '\(copy)' > '\(directory)/out' 2>&1 || echo \"exit code $?\" >> '\(directory)/out'"
    #expect(system(command) == 0)
    return try #require(contents("\(directory)/out"))
  }

  private func contents(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var text = ""
    var line = [CChar](repeating: 0, count: 4096)
    while fgets(&line, CInt(line.count), file) != nil {
      text += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return text
  }
}
