import Testing

extension EndToEnd {
  @Suite(.serialized) struct Teaching {
    @Test(arguments: ["stt", "stt-agent", "stt-collector", "stt-websocket"])
    func everyCommandExplainsItselfAndItsExitCodes(program: String) async throws {
      let site = try await Site()
      var commands: [[String]] = [[]]
      var seen = 0
      while let command = commands.popLast() {
        let help = try await site.run(program, command + ["--help"])
        let line = ([program] + command).joined(separator: " ")
        #expect(help.code == 0, "\(line): \(help)")
        let explains = help.output.lowercased().contains("exit code")
        #expect(explains, "\(line) --help says nothing of exit codes")
        #expect(help.error == "")
        commands += subcommands(help.output).map { command + [$0] }
        seen += 1
      }
      #expect(seen >= (program == "stt-websocket" ? 1 : 4))
    }

    /// Names in the list of a help text: those indented by two.
    private func subcommands(_ help: String) -> [String] {
      let lines = help.split(separator: "\n", omittingEmptySubsequences: false)
      guard let start = lines.firstIndex(of: "SUBCOMMANDS:") else { return [] }
      return lines[(start + 1)...].prefix { $0.hasPrefix("  ") }.compactMap { line in
        line.dropFirst(2).first == " " ? nil : line.split(separator: " ").first.map(String.init)
      }
    }

    @Test(arguments: ["stt", "stt-agent", "stt-collector", "stt-websocket"])
    func versionNamesTheProgramAndTheProtocol(program: String) async throws {
      let site = try await Site()
      let outcome = try await site.run(program, ["--version"])
      #expect(outcome.code == 0)
      #expect(outcome.output.hasPrefix("\(program) ") && outcome.output.contains("STT-1"), "\(outcome)")
    }

    @Test(arguments: [
      ["stt", "--nonsense"], ["stt", "verify"], ["stt", "export", "x", "--to", "csv"],
      ["stt", "replay", "x", "--speed", "0"],
      ["stt", "seed", "new", "../etc"], ["stt-agent", "--nonsense"], ["stt-agent", "--for", "0"],
      ["stt-collector", "nonsense"],
    ])
    func wrongUsageIsExitCode64(words: [String]) async throws {
      let site = try await Site()
      let outcome = try await site.run(words[0], Array(words.dropFirst()))
      #expect(outcome.code == 64, "\(words): \(outcome)")
      #expect(outcome.error.contains("Error: "), "\(outcome)")
    }

    @Test func aSeedIsNeverReplacedUnasked() async throws {
      let site = try await Site()
      let before = Files.text(site.pairPath)
      let again = try await site.stt(["seed", "new", Site.device, "--out", site.pairPath])
      #expect(again.code == 73, "\(again)")
      #expect(again.error.contains(site.pairPath))
      #expect(Files.text(site.pairPath) == before)
      let forced = try await site.stt(["seed", "new", Site.device, "--out", site.pairPath, "--force"])
      #expect(forced.code == 0, "\(forced)")
      #expect(Files.text(site.pairPath) != before)
    }
  }
}
