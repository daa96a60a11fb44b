import ArgumentParser
import STTBoard
import STTConfig
import STTKeyring
import STTWebSocketServer

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Says what is wrong with the configuration, with line and column, and what would be right.",
    discussion: "Reads the pair files and the certificate too, and opens nothing else. Exit code 2 if anything is wrong.")

  @OptionGroup var file: ConfigurationOption

  func run() throws {
    do {
      let configuration = try ConfigFile(file.config).collector()
      var names: [String] = []
      for device in configuration.devices {
        let loaded = try PairFile.load(device.pair)
        if let warning = loaded.warning { print("warning: \(warning)") }
        names.append(loaded.pair.name)
      }
      if let directory = configuration.pairsDirectory {
        let found = try PairFile.loadAll(in: directory)
        for failure in found.failures { print("warning: \(failure)") }
        names += found.pairs.map(\.pair.name)
      }
      var webSocket = ""
      if let entrance = configuration.webSocket {
        if let certificate = entrance.certificate {
          try WebSocketServer.check(certificate: certificate.chain, key: certificate.key)
        }
        webSocket = " and for WebSocket at \(entrance.listen)"
      }
      print(
        "\(file.config) is right: listens at \(configuration.listen)\(webSocket), \(names.count) device(s), records to \(configuration.recording.root)"
      )
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
  }
}
