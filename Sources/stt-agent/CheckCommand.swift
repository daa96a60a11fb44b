import ArgumentParser
import STTAgentRuntime
import STTBoard
import STTConfig
import STTKeyring

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Says what is wrong with the configuration, with line and column, and what would be right.",
    discussion: "Reads the pair and the identity too, and opens nothing else. Exit code 2 if anything is wrong.")

  @OptionGroup var file: ConfigurationOption

  func run() throws {
    do {
      let configuration = try ConfigFile(file.config).agent()
      let loaded = try PairFile.load(configuration.collector.pair)
      if let warning = loaded.warning { print("warning: \(warning)") }
      if let reference = configuration.identity, let warning = try IdentityFile.load(reference).warning {
        print("warning: \(warning)")
      }
      try checkTransport(configuration.collector)
      let transport =
        configuration.collector.transport == .udp ? "" : ", transport \(configuration.collector.transport.rawValue)"
      print(
        "\(file.config) is right: device \(loaded.pair.name), \(configuration.sources.count) source(s), collector \(configuration.collector.place)\(transport)"
      )
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
  }
}
